import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import { aidFromOctets, isdRAid, parseAid } from "../../../src/codec/euicc/aid.ts";
import { p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { keyControl } from "../../../src/codec/euicc/key-establishment.ts";
import { certificateBlocks, keyBlocks } from "../../../src/codec/euicc/key-establishment-commands.ts";
import { cutPackage, initializeUpdateBlock, maxBlockOctets, scp03tScript } from "../../../src/codec/euicc/scp03t.ts";
import { targetedApplication } from "../../../src/codec/gp/targeted-application.ts";
import { capduObject, expandedScript, parseScript } from "../../../src/codec/ota/script.ts";
import { parseScriptResponse } from "../../../src/codec/ota/script-response.ts";
import { ecPrivateKey, publicKeyObject } from "../../../src/crypto/certificates/ec-key.ts";
import { checkCardChain, checkServerChain } from "../../../src/crypto/certificates/gp-chain.ts";
import { secondStep } from "../../../src/crypto/key-establishment/establish.ts";
import { judgeEstablishment } from "../../../src/crypto/key-establishment/verdict.ts";
import type { SecureChannel } from "../../../src/crypto/scp03/apdu-channel.ts";
import { type ChannelOffer, predictHandshake } from "../../../src/crypto/scp03/handshake.ts";
import { authenticateBlock, openAnswer, openBlock, sealBlock } from "../../../src/crypto/scp03/scp03t-channel.ts";
import {
  type DownloadStep,
  type DownloadVerdict,
  judgeDownload,
  judgeState,
} from "../../../src/crypto/scp03/scp03t-verdict.ts";
import { errorCode } from "../../codec/mutated.ts";
import { type Es8Vector, es8Vector, es8Vectors } from "../../es8-vectors.ts";
import * as fc from "../../fast-check.ts";

const offerOf = (vector: Es8Vector<"scp03t">): ChannelOffer => ({
  kvn: vector.kvn,
  keys: { enc: new Secret(vector.enc), mac: new Secret(vector.mac) },
  hostChallenge: vector.host_challenge,
  aid: vector.aid,
});
const body = (octets: Uint8Array) => ({ kind: "script", body: octets }) as const;
const openedOf = (vector: Es8Vector<"scp03t">) => authenticateBlock(predictHandshake(offerOf(vector), vector.sequence));

/** A host's download of a vector: each script with its step, before any answer. */
function scriptsOf(vector: Es8Vector<"scp03t">): { script: string; step: DownloadStep; channel: SecureChannel }[] {
  const offer = offerOf(vector);
  const opened = openedOf(vector);
  const first = scp03tScript(initializeUpdateBlock(offer.kvn, offer.hostChallenge), opened.block);
  const blocks = cutPackage(vector.package, vector.segment);
  let { channel } = opened;
  const rest = blocks.map((clear, index) => {
    const sealed = sealBlock(channel, clear);
    channel = sealed.channel;
    const step: DownloadStep = { at: "data", channel, last: index === blocks.length - 1 };
    return { script: toHex(scp03tScript(sealed.block)), step, channel };
  });
  const step: DownloadStep = { at: "initialize-and-authenticate", offer };
  return [{ script: toHex(first), step, channel: opened.channel }, ...rest];
}

describe.each(es8Vectors("scp03t"))("the dialog $id", (vector) => {
  it("sends the scripts of the vector and judges each answer", () => {
    const { session } = predictHandshake(offerOf(vector), vector.sequence);
    expect(toHex(session.sEnc.reveal())).toBe(vector.s_enc);
    const scripts = scriptsOf(vector);
    expect(toHex(scripts[0]?.channel.chain ?? new Uint8Array())).toBe(vector.chain_after_85);
    for (const [index, one] of vector.steps.entries()) {
      const { script, step, channel } = scripts[index] ?? scripts[0] ?? fail();
      expect(script).toBe(toHex(one.command));
      if (one.chain !== undefined) expect(toHex(channel.chain)).toBe(one.chain);
      const verdict = judgeDownload(step, body(one.response));
      if (verdict.kind === "response") expect(toHex(verdict.octets)).toBe(one.response_plain);
      else expect(verdict.kind).toBe(index === 0 ? "authenticated" : "continue");
      expect(verdict.kind === "response").toBe(one.response_plain !== undefined);
    }
  });

  it("is opened as it was recorded", () => {
    let { channel } = openedOf(vector);
    const clear: Uint8Array[] = [];
    for (const { command } of vector.steps.slice(1)) {
      const [object] = parseScript(command).objects;
      const opened = openBlock(channel, command.subarray(2, -2));
      expect(object?.tag).toBe(0x86);
      channel = opened.channel;
      clear.push(opened.clear);
    }
    const sent = concatBytes(...clear);
    expect(toHex(sent)).toBe(toHex(vector.package.subarray(0, sent.length)));
  });
});

function fail(): never {
  throw new Error("the host sends no such script");
}

describe("outcomes", () => {
  it("are what the EUICCResponse states", () => {
    const outcome = (id: string): DownloadVerdict => {
      const vector = es8Vector("scp03t", id);
      const index = vector.steps.length - 1;
      const { step } = scriptsOf(vector)[index] ?? fail();
      return judgeDownload(step, body(vector.steps[index]?.response ?? new Uint8Array()));
    };
    expect(outcome("multi")).toMatchObject({ kind: "response", installed: true });
    expect(outcome("refused-in-the-middle")).toMatchObject({
      kind: "response",
      installed: false,
      response: { aborted: true, statuses: [{ status: 3, identification: 12, offset: 77 }] },
    });
  });

  const expected: Readonly<Record<string, object>> = {
    "card-cryptogram": { kind: "failed", fault: "card-cryptogram", next: "delete" },
    "r-mac": { kind: "unknown", doubt: "answer-mac", next: "read-state" },
    "9f46-instead": {
      kind: "failed",
      fault: "refused",
      refusal: { command: 0x86, reason: 2, text: "SCP03t protected data error: security" },
      next: "delete",
    },
    "fewer-answers": { kind: "failed", fault: "not-authenticated", next: "delete" },
    "no-final-answer": { kind: "unknown", doubt: "no-response", next: "read-state" },
  };

  it.each(es8Vectors("scp03t-host-negative"))("$id", ({ id, based_on, at_step, response }) => {
    const { step } = scriptsOf(es8Vector("scp03t", based_on))[at_step] ?? fail();
    expect(judgeDownload(step, body(response))).toEqual(expected[id]);
  });

  it("cover every answer to every step", () => {
    const vector = es8Vector("scp03t", "multi");
    const [opening, data] = scriptsOf(vector).map(({ step }) => step);
    const initialize: DownloadStep = { at: "initialize", offer: offerOf(vector) };
    const authenticate: DownloadStep = { at: "authenticate" };
    if (opening === undefined || data === undefined) fail();
    const words = (step: DownloadStep, octets: string): string => {
      const verdict = judgeDownload(step, body(fromHex(octets)));
      return "fault" in verdict ? verdict.fault : "doubt" in verdict ? verdict.doubt : verdict.kind;
    };
    const update = toHex(vector.steps[0]?.response ?? new Uint8Array()).slice(4, 4 + 68);
    expect(words(initialize, `AF80${update}0000`)).toBe("handshake");
    expect(words(authenticate, "AF8085000000")).toBe("authenticated");
    expect(words(authenticate, "AF809F4501020000")).toBe("refused");
    expect(words(initialize, "AF809F4401030000")).toBe("refused");
    expect(words(initialize, "AF800000")).toBe("format");
    expect(words(authenticate, "AF800000")).toBe("not-authenticated");
    expect(words(opening, `AF80${update}9F4501020000`)).toBe("refused");
    expect(words(data, "AF800000")).toBe("format");
    expect(words(data, "AF8090010100")).toBe("format");
    expect(words(data, "AF80")).toBe("format");
    expect(words(data, "AF808607000102030405060000")).toBe("answer-mac");
    expect(words(data, "AF80860800010203040506070000")).toBe("answer-mac");
    expect(judgeDownload(data, { kind: "lost" })).toEqual({ kind: "unknown", doubt: "lost", next: "read-state" });
    expect(judgeDownload(data, { kind: "unknown-application" })).toEqual({
      kind: "failed",
      fault: "unknown-application",
      next: "delete",
    });
    expect(judgeDownload(authenticate, { kind: "lost" })).toMatchObject({ kind: "unknown" });
  });

  it("follow from the state of the ISD-P if no answer came", () => {
    expect([undefined, 0x03, 0x07, 0x0f, 0x1f, 0x3f].map((state) => judgeState(state).kind)).toEqual([
      "absent",
      "incomplete",
      "incomplete",
      "incomplete",
      "installed",
      "installed",
    ]);
  });
});

describe("a recorded block that a card refuses", () => {
  const readable = new Set(["counter-ahead"]);
  const sealed = es8Vectors("scp03t-negative").filter(
    ({ blocks_before, tlv }) => blocks_before >= 0 && tlv[0] === 0x86,
  );

  it.each(sealed)("$id does not open", ({ id, based_on, blocks_before, tlv }) => {
    const { channel } = scriptsOf(es8Vector("scp03t", based_on))[blocks_before] ?? fail();
    if (readable.has(id)) {
      // Its MAC is right: only the padding can give it away, and the octets are not those of the package.
      expect(["none", "crypto.authentication"]).toContain(errorCode(() => openBlock(channel, tlv)));
      return;
    }
    expect(errorCode(() => openBlock(channel, tlv))).toBe("crypto.authentication");
  });
});

describe("the blocks of a package", () => {
  it("fill a TLS fragment of 1024 octets", () => {
    const vector = es8Vector("scp03t", "multi");
    const { channel } = openedOf(vector);
    const octets = (clear: number) => scp03tScript(sealBlock(channel, new Uint8Array(clear)).block).length;
    expect([1000, maxBlockOctets].map(octets)).toEqual([1024, 1024]);
    expect(sealBlock(channel, new Uint8Array(1007)).block).toHaveLength(1020);
    expect(sealBlock(channel, new Uint8Array(1024)).block).toHaveLength(1052);
  });

  it("are cut every 1000 octets, and joined give the package", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.integer({ min: 1, max: 1007 }),
        (octets, size) => {
          const blocks = cutPackage(octets, size);
          expect(concatBytes(...blocks)).toEqual(octets);
          expect(blocks.every((block, index) => block.length === size || index === blocks.length - 1)).toBe(true);
        },
      ),
    );
    expect(cutPackage(new Uint8Array(2001)).map(({ length }) => length)).toEqual([1000, 1000, 1]);
  });

  it("are refused beyond what a card must take, unless allowed", () => {
    for (const size of [0, 1008, 1.5, Number.NaN]) {
      expect(errorCode(() => cutPackage(new Uint8Array(10), size))).toBe("codec.length");
    }
    expect(cutPackage(new Uint8Array(2048), 1024, { allowLarge: true })).toHaveLength(2);
    expect(errorCode(() => cutPackage(new Uint8Array(0)))).toBe("codec.length");
  });

  it("open after sealing, whatever their length", () => {
    const { channel } = openedOf(es8Vector("scp03t", "short"));
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (clear) => {
        let [host, card] = [channel, channel];
        for (const one of clear) {
          const sealed = sealBlock(host, one);
          const opened = openBlock(card, sealed.block);
          expect(toHex(opened.clear)).toBe(toHex(one));
          [host, card] = [sealed.channel, opened.channel];
        }
        expect(card).toEqual(host);
      }),
    );
  });

  it("do not open with one octet changed", () => {
    const { channel } = openedOf(es8Vector("scp03t", "short"));
    const { block } = sealBlock(channel, new Uint8Array(40).fill(7));
    for (let at = 0; at < block.length; at++) {
      const changed = block.map((octet, index) => (index === at ? octet ^ 0x01 : octet));
      expect(errorCode(() => openBlock(channel, changed))).toMatch(/^(crypto\.authentication|codec\..*)$/);
      expect(errorCode(() => openAnswer(channel, changed))).toMatch(/^(crypto\.authentication|codec\..*)$/);
    }
  });
});

describe.each(es8Vectors("download"))("the whole of $id", (vector) => {
  const isdP = parseAid(vector.isd_p);
  const now = Date.parse("2026-12-01");
  const key = (point: Uint8Array) => ({ publicKey: publicKeyObject({ curve: p256, point }) });
  const card = checkCardChain(
    { ecasd: vector.ecasd_certificate, eid: parseEid(vector.eid), eum: key(vector.eum_public) },
    now,
  );
  const server = checkServerChain(vector.dp_certificate, "SM-DP", key(vector.ci_public), now);
  const dp = ecPrivateKey(p256, new Secret(vector.dp_private));
  const capduScript = (...apdus: readonly Uint8Array[]) =>
    expandedScript(apdus.map(capduObject), "expanded-indefinite");
  const step = (index: number) => vector.steps[index] ?? fail();
  const lastAnswer = (index: number) => {
    const response = parseScriptResponse(step(index).response);
    if (response.format === "compact") fail();
    return { kind: "answer", ...(response.answers.at(-1) ?? fail()) } as const;
  };

  it("begins with certificates that are right", () => {
    expect(card.findings).toEqual([]);
    expect(server.findings).toEqual([]);
    expect(server.key?.point).toEqual(dp.point);
  });

  it("is made again from the recorded randoms, and judged installed", () => {
    const sent: string[] = [];
    const send = (index: number, script: Uint8Array, target: string) => {
      expect(toHex(script)).toBe(toHex(step(index).command));
      expect(targetedApplication(target)).toBe(step(index).targeted);
      sent.push(step(index).phase);
    };
    send(0, capduScript(...es5Commands({ name: "createISDP", isdP })), isdRAid);
    const install = es5Commands({ name: "installForPersonalization", sd: isdP });
    send(1, capduScript(...install, ...certificateBlocks(vector.dp_certificate)), isdRAid);
    const challenge = judgeEstablishment({ at: "certificate" }, lastAnswer(1));
    if (challenge.kind !== "challenge" || card.key === undefined) fail();
    expect(challenge.randomChallenge).toEqual(vector.rc);

    const ephemeral = ecPrivateKey(p256, new Secret(vector.ephemeral_private));
    const establishment = { control: keyControl({ kvn: 0x30 }), ephemeral, card: card.key };
    const made = secondStep(establishment, dp, challenge.randomChallenge);
    // ECDSA signatures are random: the recorded one takes the place of ours.
    const signature = step(2).command.slice(-67, -3);
    const recorded = capduScript(...keyBlocks({ ...made, signature }));
    send(2, recorded, isdRAid);
    const established = judgeEstablishment({ at: "keys", establishment }, lastAnswer(2));
    if (established.kind !== "established") fail();
    expect(established.keySet.keys.map((one) => toHex(one.reveal()))).toEqual(vector.keys);

    const [enc, mac] = established.keySet.keys;
    if (enc === undefined || mac === undefined) fail();
    const offer = { kvn: 0x30, keys: { enc, mac }, hostChallenge: vector.host_challenge, aid: fromHex(vector.isd_p) };
    const opened = authenticateBlock(predictHandshake(offer, vector.sequence));
    send(3, scp03tScript(initializeUpdateBlock(0x30, vector.host_challenge), opened.block), isdP);
    const opening = judgeDownload({ at: "initialize-and-authenticate", offer }, body(step(3).response));
    expect(opening.kind).toBe("authenticated");
    let { channel } = opened;
    let verdict: DownloadVerdict = opening;
    for (const [index, clear] of cutPackage(vector.package, vector.segment).entries()) {
      const sealed = sealBlock(channel, clear);
      channel = sealed.channel;
      send(4 + index, scp03tScript(sealed.block), isdP);
      const last = 5 + index === vector.steps.length;
      verdict = judgeDownload({ at: "data", channel, last }, body(step(4 + index).response));
      expect(verdict.kind).toBe(last ? "response" : "continue");
    }
    expect(verdict).toMatchObject({ kind: "response", installed: true });
    expect(sent).toHaveLength(vector.steps.length);
    expect(aidFromOctets(offer.aid)).toBe(isdP);
  });
});

describe("FinaliseISDRhandover", () => {
  it.each(es8Vectors("finalise-handover"))("$id", ({ keep, apdu, script }) => {
    const commands = es5Commands({ name: "finaliseISDRhandover", keep });
    expect(commands.map(toHex)).toEqual([apdu]);
    expect(toHex(expandedScript(commands.map(capduObject), "expanded-definite"))).toBe(script);
  });
});
