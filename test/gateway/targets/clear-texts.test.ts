import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { parseCampaignOrder } from "../../../src/gateway/campaign/order.ts";
import { describedTarget } from "../../../src/gateway/targets/target-import.ts";

const key = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const base64 = Buffer.from(key, "hex").toString("base64").replaceAll("=", "");
const eid = "89001012012341234012345678901224";
const iccid = "8944000000000000019";
const aid = "A0000005591010FFFFFFFF8900001200";

describe("texts of a target that are stored and shown in clear", () => {
  const at: readonly (readonly [string, (text: string) => object])[] = [
    ["name", (text) => ({ name: text })],
    ["tags.1", (text) => ({ tags: ["lab", text] })],
    ["settings.agentId", (text) => ({ settings: { agentId: text } })],
    ["reach.smsLink", (text) => ({ reach: { smsLink: text } })],
    ["reach.reader", (text) => ({ reach: { reader: text } })],
    ["eumId", (text) => ({ eumId: text })],
    ["smsrId", (text) => ({ smsrId: text })],
    ["platformType", (text) => ({ platformType: text })],
    ["profiles.0.mnoId", (text) => ({ profiles: [{ aid, state: "disabled", mnoId: text }] })],
    ["profiles.0.smdpId", (text) => ({ profiles: [{ aid, state: "disabled", smdpId: text }] })],
    ["profiles.0.profileType", (text) => ({ profiles: [{ aid, state: "disabled", profileType: text }] })],
    ["additionalProperties.note", (text) => ({ additionalProperties: { note: text } })],
  ];
  const spellings = [key, base64, key.replace(/(..)(?!$)/g, "$1."), key.replace(/(..)/g, "0x$1,")];

  it.each(at)("%s", (field, holder) => {
    for (const text of spellings)
      expect(() => describedTarget({ eid, ...holder(text) }), text).toThrow(
        expect.objectContaining({ code: "target.invalid", detail: { field } }),
      );
    expect(() => describedTarget({ eid, ...holder("lab-1") })).not.toThrow();
  });

  it("are OIDs or short octets in ecasd.caId", () => {
    expect(() => describedTarget({ eid, ecasd: { caId: key } })).toThrow("ecasd.caId: contains 32 hexadecimal digits");
    for (const caId of ["1.3.6.1.4.1.131", "2A864886"])
      expect(describedTarget({ eid, ecasd: { caId } }).ecasd?.caId).toBe(caId);
  });

  it("do not repeat a key in fields with a form of their own", () => {
    const keySets = [{ kvn: 1, keys: [1, 2].map((id) => ({ id, value: key })) }];
    for (const sin of [key, key.toLowerCase()]) {
      expect(() => describedTarget({ eid, isdR: { sin, keySets } })).toThrow("isdR.sin: repeats a key");
      expect(() => describedTarget({ eid, ecasd: { sdin: sin }, keySets })).toThrow("ecasd.sdin: repeats a key");
    }
    const psk = [{ kvn: 64, type: "SCP81", pskIdentity: `card-${key}`, keys: [{ id: 1, value: key }] }];
    expect(() => describedTarget({ iccid, keySets: psk })).toThrow("keySets.0.pskIdentity: repeats a key");
    expect(describedTarget({ eid, ecasd: { sdin: eid }, isdR: { sin: key } }).isdR?.sin).toBe(key);
  });

  it("may be numbers and identities of the card", () => {
    const settings = {
      originator: "+12345678901234567890",
      serviceCentre: "12345678901234567890",
      agentId: `//se-id/eid/${eid};//aa-id/aid/A000000559/1010FFFFFFFF8900000100`,
    };
    expect(describedTarget({ eid, name: `card ${eid}`, settings }).settings).toEqual(settings);
    for (const agentId of [iccid, "98440000000000000091", `//se-id/eid/${eid}`, "card-17"])
      expect(describedTarget({ iccid: "8944000000000000027", settings: { agentId } }).settings?.agentId).toBe(agentId);
    expect(() => describedTarget({ eid, settings: { agentId: `${settings.agentId};//note/${key}` } })).toThrow(
      "settings.agentId",
    );
  });

  it.each(["ADMKEY", "authkey"])("do not stand under a property called %s", (name) => {
    expect(() => describedTarget({ eid, additionalProperties: { [name]: "12345678" } })).toThrow(
      "additionalProperties",
    );
  });
});

describe("texts of a campaign", () => {
  const order = { name: "spring", targets: { kind: "all" }, action: { kind: "es5", function: "auditEid" } };

  it.each([
    ["name", { name: `campaign ${key}` }],
    ["name", { name: base64 }],
    ["targets.tag", { targets: { kind: "tag", tag: key } }],
    ["request.link", { request: { link: key } }],
  ])("%s cannot be a key", (field, change) => {
    expect(() => parseCampaignOrder({ ...order, ...change })).toThrow(
      expect.objectContaining({ code: "campaign.invalid", detail: { field } }),
    );
  });
});

describe("the SPI of a target", () => {
  it.each(["FFFF", "1623", "8021", "16C1"])("%s has reserved values and is refused", (spi) => {
    expect(() => describedTarget({ eid, settings: { spi } })).toThrow("settings.spi: has reserved values");
  });

  it.each(["1621", "1639", "0000", "1221"])("%s is taken", (spi) => {
    expect(describedTarget({ eid, settings: { spi } }).settings?.spi).toEqual(fromHex(spi));
  });
});
