import { describe, expect, it } from "vitest";
import { describedTarget, mergedTarget } from "../../../src/gateway/targets/target-import.ts";

const eid = "89001012012341234012345678901224";
const secret = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const base64 = Buffer.from(secret, "hex").toString("base64");
const keys = [
  { id: 1, value: "11".repeat(16) },
  { id: 2, value: "22".repeat(16) },
];
const profile = { aid: "A0000005591010FFFFFFFF8900001200", state: "enabled" };

const importTarget = (raw: unknown, at: number) => mergedTarget({ shape: describedTarget(raw) }, undefined, at);

const refusal = (description: object) => {
  try {
    importTarget({ eid, ...description }, 0);
  } catch (error) {
    return Object(error);
  }
  return { code: "none", message: "", detail: {} };
};

describe("the description of a target", () => {
  it.each([
    ["ki", { ki: secret }],
    ["KI", { KI: secret }],
    ["opc", { opc: secret }],
    ["adm1", { adm1: "12345678" }],
    ["psk", { psk: secret }],
    ["kic", { kic: secret }],
    ["KeySets", { KeySets: [{ Keys: [{ Value: secret }] }] }],
    ["keyset", { keyset: [] }],
    ["isdR.keyset", { isdR: { keyset: [{ kvn: 1, keys }] } }],
    ["isdR.keySets.0.Keys", { isdR: { keySets: [{ kvn: 1, keys, Keys: [{ Value: secret }] }] } }],
    ["keySets.0.keys.0.Value", { keySets: [{ kvn: 1, keys: [{ ...keys[0], Value: secret }] }] }],
    ["ecasd.privateKey", { ecasd: { privateKey: secret } }],
    ["profiles.0.ki", { profiles: [{ ...profile, ki: secret }] }],
    [
      "profiles.0.pol2.0.subject",
      { profiles: [{ ...profile, pol2: [{ action: "ENABLE", qualification: "Not-Allowed", subject: secret }] }] },
    ],
    ["settings.kic", { settings: { kic: secret } }],
    ["reach.psk", { reach: { psk: secret } }],
    ["smsr.key", { smsr: { key: secret } }],
    ["capabilities.Ki", { capabilities: { Ki: secret } }],
    ["xml", { xml: `<Eis><Key value="${secret}"/></Eis>` }],
    ["notes", { notes: { free: [{ form: secret }] } }],
  ])("with a field that no target has is refused by its name: %s", (field, description) => {
    const { code, message, detail } = refusal(description);
    expect([code, detail.field]).toEqual(["target.invalid", field]);
    expect(message).toMatch(new RegExp(`^${field}: unknown field; (did you mean|known are)`));
    expect(JSON.stringify([message, detail])).not.toContain(secret);
  });

  it.each([
    [{ keyset: [] }, "did you mean 'keySets'?"],
    [{ isdR: { keySet: [] } }, "did you mean 'keySets'?"],
    [{ isdr: {} }, "did you mean 'isdR'?"],
    [{ Profiles: [] }, "did you mean 'profiles'?"],
    [{ profiles: [{ ...profile, Iccid: "8988247000000000015" }] }, "did you mean 'iccid'?"],
  ])("is told the field that was meant: %j", (description, hint) => {
    expect(refusal(description).message).toContain(hint);
  });

  it("never prints a field name that could be a key itself", () => {
    for (const name of [secret, base64]) {
      const { message, detail } = refusal({ [name]: 1, eumId: "1.2" });
      expect(message).toContain(`(a name of ${name.length} characters): unknown field`);
      expect(JSON.stringify([message, detail])).not.toContain(name);
    }
  });

  it.each([
    ["name", { name: secret }],
    ["name", { name: `card ${secret.toLowerCase()}` }],
    ["name", { name: base64 }],
    ["tags.1", { tags: ["lab", secret.replace(/(..)/g, "$1 ").trim()] }],
    ["tags.0", { tags: ["1234567890123456"] }],
    ["platformType", { platformType: `X ${secret}` }],
    ["profiles.0.mnoId", { profiles: [{ ...profile, mnoId: secret }] }],
    ["profiles.0.profileType", { profiles: [{ ...profile, profileType: secret }] }],
    ["additionalProperties.note", { additionalProperties: { note: secret } }],
    ["additionalProperties.ki", { additionalProperties: { ki: "x" } }],
    ["additionalProperties.urn:x:PIN1", { additionalProperties: { "urn:x:PIN1": "1234" } }],
    ["isdPLoadFileAid", { isdPLoadFileAid: "11".repeat(16) }],
    ["ecasd.certificate", { ecasd: { certificate: secret } }],
    ["smsr.addressing.A5", { smsr: { addressing: { A5: secret } } }],
    ["settings.originator", { settings: { originator: secret } }],
    ["iccid", { iccid: secret }],
    ["imsi", { imsi: secret }],
    ["msisdn", { msisdn: secret }],
  ])("with what could be a key where it is kept in clear is refused: %s", (field, description) => {
    const { code, message, detail } = refusal(description);
    expect([code, detail.field]).toEqual(["target.invalid", field]);
    expect(JSON.stringify([message, detail]).toUpperCase()).not.toContain(secret);
    expect(message).not.toContain(base64);
  });

  it("that repeats one of its keys as a text is refused", () => {
    const keySets = [
      { kvn: 64, type: "SCP81", keys: [{ id: 1, value: "AB".repeat(16) }], pskIdentity: `x${"ab".repeat(16)}` },
    ];
    expect(refusal({ keySets })).toMatchObject({ code: "target.invalid", detail: { field: "keySets.0.pskIdentity" } });
  });

  it("with names that only look odd is taken", () => {
    const { target } = importTarget(
      {
        eid,
        name: `card ${eid}`,
        tags: ["550e8400-e29b-41d4-a716-446655440000", "rack-1", "2026-01-31 12:00"],
        eumId: "2.25.329800735698586629295641978511506172918",
        platformType: "Test <platform> é",
        additionalProperties: { "urn:example:lab": "rack 1" },
        profiles: [{ ...profile, mnoId: "1.3.6.1.4.1.9999.1", profileType: "A & B" }],
      },
      0,
    );
    expect(target.eis).toMatchObject({
      platformType: "Test <platform> é",
      additionalProperties: { "urn:example:lab": "rack 1" },
    });
  });

  it("keeps of the EIS what an EIS has, and no key", () => {
    const ecasd = { aid: "A0000005591010FFFFFFFF8900000200", certificate: `7F21${"00".repeat(30)}` };
    const { target } = importTarget(
      {
        eid,
        ecasd,
        isdR: { aid: "A0000005591010FFFFFFFF8900000100", keySets: [{ kvn: 1, keys }] },
        remainingMemory: 5,
      },
      0,
    );
    expect(target.eis).toEqual({ ecasd, isdR: { aid: "A0000005591010FFFFFFFF8900000100" }, remainingMemory: 5 });
    expect(JSON.stringify(target)).not.toContain("1111111111111111");
  });

  it("has its identities as the parsers write them", () => {
    const description = {
      eid: "8900 1012 0123 4123 4012 3456 7890 1224",
      iccid: "898600b50000000000 17",
      imsi: "001-01-0123456789",
      msisdn: "+44 7700 900123",
      profiles: [{ ...profile, iccid: "8986 00B5 0000 0000 17FF", msisdn: "+447700900123" }],
    };
    expect(importTarget(description, 0).target).toMatchObject({
      eid,
      iccid: "898600B5000000000017",
      imsi: "001010123456789",
      msisdn: "447700900123",
      esimProfiles: [{ iccid: "898600B50000000017", msisdn: "447700900123" }],
    });
  });

  it.each([
    [
      [
        { kvn: 1, keys },
        { kvn: 1, keys },
      ],
      "keySets.1.tars",
    ],
    [
      [
        { kvn: 1, keys },
        { kvn: 1, keys, tars: ["000001"] },
      ],
      "keySets.1.tars",
    ],
    [
      [
        { kvn: 1, keys, tars: ["B00010", "B00011"] },
        { kvn: 1, keys, tars: ["b00011"] },
      ],
      "keySets.1.tars",
    ],
    [
      [
        { kvn: 64, type: "SCP81", keys },
        { kvn: 64, type: "SCP81", keys, tars: ["000001"] },
      ],
      "keySets.1.kvn",
    ],
    [
      [
        { kvn: 64, type: "SCP81", keys, pskIdentity: "card" },
        { kvn: 65, type: "SCP81", keys, pskIdentity: "CARD" },
      ],
      "keySets.1.pskIdentity",
    ],
    [[{ kvn: 1, keys: [...keys, { id: 2, value: "33".repeat(16) }] }], "keySets.0.keys.2.id"],
    [[{ kvn: 1, keys: [keys[0]] }], "keySets.0.keys"],
  ])("with key sets that could not be told apart is refused: %#", (keySets, field) => {
    expect(refusal({ keySets })).toMatchObject({ code: "target.invalid", detail: { field } });
  });

  it("takes the same version for different security domains", () => {
    const keySets = [
      { kvn: 1, keys },
      { kvn: 1, keys, tars: ["B20100"] },
    ];
    expect(importTarget({ eid, keySets }, 0).keySets).toHaveLength(2);
  });
});

describe("the profiles of a description", () => {
  const aid = (n: number) => `A0000005591010FFFFFFFF89000012${n.toString(16).padStart(2, "0")}`;
  const eid = "89001012012341234012345678901224";

  it.each([
    ["state", [{ state: "enabled" }, { state: "disabled" }, { state: "ENABLED" }]],
    [
      "fallback",
      [
        { state: "enabled", fallback: true },
        { state: "disabled", fallback: false },
        { state: "disabled", fallback: true },
      ],
    ],
  ])("have at most one with the same special %s", (field, list) => {
    const profiles = list.map((one, index) => ({ aid: aid(index), ...one }));
    expect(() => describedTarget({ eid, profiles })).toThrow(
      expect.objectContaining({ code: "target.invalid", detail: { field: `profiles.2.${field}` } }),
    );
    expect(() => describedTarget({ eid, profiles: profiles.slice(0, 2) })).not.toThrow();
  });

  it("and keys of a SCP80 key set have a type that is known", () => {
    const keySets = (type: string) => [{ kvn: 1, keys: [1, 2].map((id) => ({ id, type, value: "1F".repeat(16) })) }];
    expect(() => describedTarget({ eid, keySets: keySets("blub") })).toThrow("keySets.0.keys.0.type: must be AES");
    for (const type of ["88", "AES", "aes-128", "82", "3DES"])
      expect(() => describedTarget({ eid, keySets: keySets(type) })).not.toThrow();
  });
});
