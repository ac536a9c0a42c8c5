import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  externalAuthenticate,
  initializeUpdate,
  openCommand,
  responseMac,
  sealedTlv,
  sealResponse,
} from "../../../simulators/euicc/domains/scp03.ts";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { type ElementStatus, euiccResponse } from "../../../simulators/euicc/profile/euicc-response.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { bench, runScript } from "./terminal.ts";

interface Step {
  readonly command: string;
  readonly response: string;
  readonly response_plain?: string;
  readonly plain?: string;
  readonly chain?: string;
  readonly targeted?: string;
}

/** The fields that these tests read of a vector; each kind has some of them. */
interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly based_on?: string;
  readonly role?: string;
  readonly signer_public: string;
  readonly target: string;
  readonly certificate: string;
  readonly ecasd_private: string;
  readonly curve?: "prime256v1" | "brainpoolP256r1";
  readonly rc?: string;
  readonly dr?: string | null;
  readonly apdus_1: readonly string[];
  readonly script_1: string;
  readonly script_2: string;
  readonly answer_1: string;
  readonly answer_2: string;
  readonly apdu?: string;
  readonly expect_sw?: string;
  readonly keys: readonly string[];
  readonly key_set: { readonly kvn: number; readonly type: string };
  readonly delete_others: boolean;
  readonly aid: string;
  readonly kvn: number;
  readonly enc: string;
  readonly mac: string;
  readonly dek: string;
  readonly sequence: string;
  readonly host_challenge: string;
  readonly level: string;
  readonly s_enc: string;
  readonly steps: readonly Step[];
  readonly blocks_before: number;
  readonly tlv: string;
  readonly expect: string & {
    readonly statuses: ElementStatus[];
    readonly aborted: boolean;
    readonly message: string | null;
  };
  readonly octets: string;
  readonly isd_p: string;
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL("../../vectors/es8.json", import.meta.url), "utf8"),
).vectors;
const ofKind = (kind: string) => vectors.filter((vector) => vector.kind === kind);
const known = (id: string) => vectors.find((vector) => vector.id === id) ?? expect.fail(`no vector ${id}`);
const ciPublic = () => known("gp-SM-DP").signer_public;
const isdRAid = "A0000005591010FFFFFFFF8900000100";

/** A card that has the vector's ECASD key, with an empty ISD-P at `target`. */
function cardOf(vector: Pick<Vector, "ecasd_private" | "curve" | "rc" | "dr">, target: string) {
  const state = createEuiccState();
  Object.assign(state.ecasd, {
    privateKey: vector.ecasd_private,
    ciPublicKey: ciPublic(),
    ciKeyId: undefined,
    curve: vector.curve,
    challengeLength: (vector.rc?.length ?? 32) / 2,
  });
  const given = [vector.rc, vector.dr].filter((octets) => typeof octets === "string");
  const set = bench({}, { state, random: (octets) => fromHex(given.shift() ?? "00".repeat(octets)) });
  set.card.powerOn();
  const other = state.profiles[1] ?? expect.fail("the fixture has two profiles");
  if (target !== isdRAid) Object.assign(other, { aid: target, state: "created", isdpKeySets: [] });
  return { ...set, profile: other };
}

const scriptOf = (apdu: string) => {
  const octets = apdu.length / 2;
  return `AE8022${octets < 0x80 ? "" : "81"}${octets.toString(16).padStart(2, "0")}${apdu}0000`.toUpperCase();
};

describe("key establishment, card side", () => {
  it.each(ofKind("key-establishment").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const { card, state, profile } = cardOf(vector, vector.target);
    const run = runScript(card);
    expect(run(vector.script_1)).toBe(vector.answer_1);
    expect(run(vector.script_2)).toBe(vector.answer_2);
    const sets = vector.target === isdRAid ? state.isdR.keySets : profile.isdpKeySets;
    const made = sets.find(({ kvn }) => kvn === vector.key_set.kvn);
    expect(made?.keys.map(({ value }) => value)).toEqual(vector.keys);
    expect(sets.length === 1).toBe(vector.delete_others);
    expect(run(vector.script_2)).toBe("AF80230269850000");
  });

  const refused = ofKind("key-establishment-negative").filter(({ apdu }) => apdu !== undefined);
  it.each(refused.map((vector) => [vector.id, vector] as const))("refuses %s", (_, vector) => {
    const example = known("isdp-plain");
    const target = vector.target ?? example.target;
    const { card, profile } = cardOf({ ...example, rc: vector.rc ?? "", dr: null }, target);
    const run = runScript(card);
    if (target !== isdRAid) run(scriptOf(example.apdus_1[0] ?? ""));
    if (vector.certificate !== undefined)
      expect(run(scriptOf(`80E20900D63A01D3${vector.certificate}00`))).toBe(`AF8023148510${vector.rc}90000000`);
    expect(run(scriptOf(vector.apdu ?? ""))).toBe(`AF802302${vector.expect_sw}0000`);
    expect(profile.isdpKeySets.filter(({ keys }) => keys.length === 0)).toEqual([]);
    expect(run(known("isdp-plain").script_2)).toBe("AF80230269850000");
  });
});

const keySet = ({ kvn, enc, mac, dek, sequence }: Vector) => ({
  kvn,
  type: "SCP03" as const,
  cntr: (Number.parseInt(sequence, 16) - 1).toString(16).padStart(6, "0").toUpperCase(),
  ccLength: 8 as const,
  keys: [enc, mac, dek].map((value, i) => ({ id: i + 1, type: "AES" as const, value })),
});

describe("SCP03, card side", () => {
  it.each(ofKind("scp03").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const [update, authenticate, ...rest] = vector.steps;
    const { response, session } = initializeUpdate(keySet(vector), fromHex(vector.aid), fromHex(vector.host_challenge));
    expect(`${toHex(response)}9000`).toBe(update?.response);
    expect(toHex(session.sEnc)).toBe(vector.s_enc);
    const command = fromHex(authenticate?.command ?? "");
    expect(externalAuthenticate(session, command[2] ?? 0, command.subarray(0, 5), command.subarray(5))).toBe(true);
    for (const step of rest) {
      const octets = fromHex(step.command);
      const clear = openCommand(session, octets.subarray(0, 5), octets.subarray(5, -1));
      const plain = fromHex(step.plain ?? "");
      expect(toHex(clear ?? new Uint8Array(0))).toBe(toHex(plain.subarray(5, -1)));
      expect(toHex(session.chain)).toBe(step.chain);
      if (step.response_plain === undefined || !step.response_plain.endsWith("9000")) continue;
      const answer = fromHex(step.response_plain);
      const data = sealResponse(session, answer.subarray(0, -2));
      const mac =
        session.level & 0x10 ? responseMac(session, concatBytes(data, answer.subarray(-2))) : new Uint8Array(0);
      expect(toHex(concatBytes(data, mac, answer.subarray(-2)))).toBe(step.response);
    }
  });

  it.each(ofKind("scp03").map((vector) => [vector.id, vector] as const))("on the card: %s", (_, vector) => {
    const { card, profile } = cardOf(known("isdp-plain"), vector.aid);
    Object.assign(profile, { state: "personalized", isdpKeySets: [keySet(vector)] });
    const run = runScript(card, vector.aid);
    for (const step of vector.steps.slice(0, 5)) {
      const answer = run(scriptOf(step.command));
      expect(answer).toBe(
        `AF8023${(step.response.length / 2).toString(16).padStart(2, "0").toUpperCase()}${step.response}0000`,
      );
    }
    expect(profile.isdpKeySets.find(({ kvn }) => kvn === 0x70)?.keys).toHaveLength(1);
  });

  it("answers a wrong EXTERNAL AUTHENTICATE with 6982 and everything behind it with 6985", () => {
    const vector = known("level-33");
    const { card, profile } = cardOf(known("isdp-plain"), vector.aid);
    Object.assign(profile, { state: "personalized", isdpKeySets: [keySet(vector)] });
    const run = runScript(card, vector.aid);
    const [update, authenticate, store] = vector.steps.map(({ command }) => scriptOf(command));
    run(update ?? "");
    expect(run((authenticate ?? "").replace(/..0000$/, "FF0000"))).toBe("AF80230269820000");
    expect(run(authenticate ?? "")).toBe("AF80230269850000");
    expect(run(store ?? "")).toBe("AF80230269850000");
    expect(profile.isdpKeySets[0]?.cntr).toBe(vector.sequence);
  });
});

describe("whole downloads, card side", () => {
  it.each(ofKind("download").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const { card, state } = cardOf({ ...vector, dr: null }, isdRAid);
    state.profiles = state.profiles.filter(({ aid }) => aid !== vector.isd_p);
    const isdR = runScript(card);
    const isdP = () => runScript(card, vector.isd_p);
    let run = isdR;
    for (const step of vector.steps) {
      if (step.targeted?.endsWith("00000100")) run = isdR;
      else if (run === isdR) run = isdP();
      expect(run(step.command)).toBe(step.response);
    }
    expect(state.profiles.at(-1)).toMatchObject({ aid: vector.isd_p, state: "disabled" });
  });
});

describe("EUICCResponses", () => {
  it.each(
    ofKind("euicc-response")
      .filter(({ expect: { message } }) => message === null)
      .map((vector) => [vector.id, vector] as const),
  )("writes %s", (_, { octets, expect: { statuses, aborted } }) => {
    expect(toHex(euiccResponse(statuses, aborted))).toBe(octets);
  });
});

/** A card whose ISD-P has the vector's keys, and the vector's scripts to run on it. */
function loading(vector: Vector): { card: SimulatedEuicc; run: (body: string) => string } {
  const { card, profile } = cardOf(known("isdp-plain"), vector.aid);
  Object.assign(profile, { state: "personalized", isdpKeySets: [keySet(vector)] });
  return { card, run: runScript(card, vector.aid) };
}

describe("SCP03t, card side", () => {
  it.each(ofKind("scp03t").map((vector) => [vector.id, vector] as const))("opens and seals %s", (_, vector) => {
    const set = keySet(vector);
    const { session } = initializeUpdate(set, fromHex(vector.aid), fromHex(vector.host_challenge), "scp03t");
    const authenticate = fromHex(/851133.{32}/.exec(vector.steps[0]?.command ?? "")?.[0] ?? "");
    expect(externalAuthenticate(session, 0x33, authenticate.subarray(0, 3), authenticate.subarray(3))).toBe(true);
    for (const step of vector.steps.slice(1)) {
      const tlv = fromHex(step.command).subarray(2, -2);
      const head = tlv[1] === 0x82 ? 4 : tlv[1] === 0x81 ? 3 : 2;
      expect(openCommand(session, tlv.subarray(0, head), tlv.subarray(head))).toBeDefined();
      expect(toHex(session.chain)).toBe(step.chain);
      if (step.response_plain === undefined) continue;
      expect(`AF80${toHex(sealedTlv(session, fromHex(step.response_plain)))}0000`).toBe(step.response);
    }
  });

  it.each([
    ["short", {}],
    ["multi", {}],
    ["refused-in-the-middle", { loadFails: { block: 3, status: 3, identification: 12, offset: 77 } }],
  ] as const)("answers %s as recorded", (id, faults) => {
    const vector = known(id);
    const { card, run } = loading(vector);
    Object.assign(card.misbehaviour, faults);
    for (const step of vector.steps) expect(run(step.command)).toBe(step.response);
  });

  it.each(ofKind("scp03t-negative").map((vector) => [vector.id, vector] as const))("refuses %s", (_, vector) => {
    const base = known(vector.based_on ?? "");
    const { run } = loading(base);
    const [authenticate = { command: "", response: "" }, ...blocks] = base.steps;
    if (vector.blocks_before >= 0) expect(run(authenticate.command)).toBe(authenticate.response);
    if (vector.blocks_before === -1) run(`${authenticate.command.slice(0, 28)}0000`);
    for (const step of blocks.slice(0, Math.max(0, vector.blocks_before)))
      expect(run(step.command)).toBe("AF8086000000");
    const answer = run(`AE80${vector.tlv}0000`);
    if (vector.id === "counter-ahead") expect(answer).not.toBe("AF8086000000");
    else if (/^9F4/.test(vector.expect) && !vector.expect.includes(" ")) {
      const either = vector.id === "length-form" || vector.id === "value-shorter-than-mac";
      expect(answer).toMatch(new RegExp(`^AF80${either ? "9F46010[12]" : vector.expect}0000$`));
    } else expect(answer).toMatch(/^AF809F46010[12]0000$/);
    if (vector.blocks_before >= 0) expect(run(blocks[0]?.command ?? "")).toBe("AF809F4601020000");
  });
});
