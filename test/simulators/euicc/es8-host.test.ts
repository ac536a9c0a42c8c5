import { describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import { type Aid, aidOctets, parseAid } from "../../../src/codec/euicc/aid.ts";
import { GpCertificate } from "../../../src/codec/euicc/certificate.ts";
import { type EcCurve, ecCurve, p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { keyControl } from "../../../src/codec/euicc/key-establishment.ts";
import { certificateBlocks, keyBlocks } from "../../../src/codec/euicc/key-establishment-commands.ts";
import { cutPackage, initializeUpdateBlock, scp03tScript } from "../../../src/codec/euicc/scp03t.ts";
import { initializeUpdateCommand, readInitializeUpdate } from "../../../src/codec/gp/initialize-update.ts";
import { confirmsKeys, putKeyCommand } from "../../../src/codec/gp/put-key.ts";
import { decode } from "../../../src/codec/kit/codec.ts";
import { capduObject, expandedScript } from "../../../src/codec/ota/script.ts";
import { parseScriptResponse } from "../../../src/codec/ota/script-response.ts";
import { newEcKey } from "../../../src/crypto/certificates/ec-key.ts";
import { checkCardChain } from "../../../src/crypto/certificates/gp-chain.ts";
import {
  type CertifiedEntity,
  issueEcasd,
  issueServer,
  keyIdentifier,
} from "../../../src/crypto/certificates/issue.ts";
import { type Establishment, secondStep } from "../../../src/crypto/key-establishment/establish.ts";
import { judgeEstablishment } from "../../../src/crypto/key-establishment/verdict.ts";
import {
  externalAuthenticate,
  securityLevels,
  unwrapAnswer,
  wrapCommand,
} from "../../../src/crypto/scp03/apdu-channel.ts";
import { acceptHandshake, type ChannelOffer, predictHandshake } from "../../../src/crypto/scp03/handshake.ts";
import { authenticateBlock, sealBlock } from "../../../src/crypto/scp03/scp03t-channel.ts";
import { judgeDownload } from "../../../src/crypto/scp03/scp03t-verdict.ts";
import { wrapAesKey } from "../../../src/crypto/scp03/wrap-key.ts";
import { es8Vector } from "../../es8-vectors.ts";
import { testOctets } from "../../seed.ts";
import { bench, runScript } from "./terminal.ts";

const randomOctets = testOctets();

/** The two implementations of ES8, host and simulated card, share no code: here they meet. */

const eid = parseEid("89001012012341234012345678901224");
const isdP = parseAid("A0000005591010FFFFFFFF8900001300");
const isdR = parseAid("A0000005591010FFFFFFFF8900000100");
const brainpool = ecCurve(0x03) ?? p256;
const issue = {
  serialNumber: Uint8Array.of(7),
  validFrom: Date.parse("2026-01-01"),
  validTo: Date.parse("2049-12-31"),
};
const entity = (curve: EcCurve, oid: string): CertifiedEntity => ({
  key: newEcKey(curve),
  oid,
  name: { organization: "Bench", commonName: oid },
});
const fail = (why = "unexpected"): never => expect.fail(why);

interface Variant {
  readonly name: string;
  readonly card: EcCurve;
  readonly ci: EcCurve;
  readonly challengeLength?: 16 | 32;
  readonly order?: Partial<Parameters<typeof keyControl>[0]>;
  readonly identifiers?: boolean;
}

/** A card of a new chain, with an empty ISD-P, and the host's certificates. */
function meeting({ card: curve, ci: ciCurve, challengeLength = 16 }: Variant) {
  const [ci, eum] = [entity(ciCurve, "2.999.1.1"), entity(p256, "2.999.1.2")];
  const key = newEcKey(curve);
  const ecasd = issueEcasd({ eid, key, sdin: fromHex("53444E") }, eum, issue);
  const state = createEuiccState({ eid });
  Object.assign(state.ecasd, {
    privateKey: toHex(key.scalar.reveal()),
    certificate: toHex(ecasd),
    ciPublicKey: toHex(ci.key.point),
    ciKeyId: toHex(keyIdentifier(ci.key)),
    curve: curve.openssl,
    ciCurve: ciCurve.openssl,
    challengeLength,
  });
  const set = bench({}, { state, random: (octets) => new Uint8Array(randomOctets(octets)) });
  set.card.powerOn();
  const profile = state.profiles[1] ?? fail();
  Object.assign(profile, { aid: isdP, state: "created", isdpKeySets: [] });
  return { ...set, profile, ci, ecasd };
}

/** Runs C-APDUs as one script; the last R-APDU. */
function send(card: SimulatedEuicc, aid: Aid) {
  const run = runScript(card, aid);
  return (...apdus: readonly Uint8Array[]) => {
    const answer = parseScriptResponse(
      fromHex(run(toHex(expandedScript(apdus.map(capduObject), "expanded-indefinite")))),
    );
    const last = answer.format === "compact" ? answer.last : (answer.answers.at(-1) ?? fail("no answer"));
    return { kind: "answer", ...last } as const;
  };
}

function establish(variant: Variant, kvn: number) {
  const met = meeting(variant);
  const { card, ci, ecasd } = met;
  const checked = checkCardChain({ ecasd, eid }, issue.validFrom);
  expect(checked.findings.map(({ code }) => code)).toEqual(["unchecked"]);
  const forIsdP = kvn >= 0x30 && kvn <= 0x3f;
  const server = entity(p256, "2.999.1.3");
  const certificate = issueServer(forIsdP ? "SM-DP" : "SM-SR", server, ci, issue);
  const run = send(card, isdR);
  const install = forIsdP ? es5Commands({ name: "installForPersonalization", sd: isdP }) : [];
  const first = judgeEstablishment({ at: "certificate" }, run(...install, ...certificateBlocks(certificate)));
  if (first.kind !== "challenge") return fail(JSON.stringify(first));
  expect(first.randomChallenge).toHaveLength(variant.challengeLength ?? 16);
  const { caId, imageNumber } = decode(GpCertificate, ecasd);
  const identifiers = { hostId: new Uint8Array(randomOctets(16)), sdin: imageNumber ?? fail() };
  const establishment: Establishment = {
    control: keyControl({ kvn, ...variant.order, ...(variant.identifiers === true ? { identifiers } : {}) }),
    ephemeral: newEcKey(variant.card),
    card: checked.key ?? fail("no key"),
    ...(variant.identifiers === true ? { sin: caId } : {}),
  };
  const blocks = keyBlocks(secondStep(establishment, server.key, first.randomChallenge));
  const second = judgeEstablishment({ at: "keys", establishment }, run(...blocks));
  if (second.kind !== "established") return fail(JSON.stringify(second));
  return { ...met, keySet: second.keySet };
}

const variants: readonly Variant[] = [
  { name: "P-256", card: p256, ci: p256 },
  { name: "brainpoolP256r1 of the card", card: brainpool, ci: p256 },
  { name: "brainpoolP256r1 of the CI", card: p256, ci: brainpool },
  { name: "a challenge of 32 octets", card: p256, ci: p256, challengeLength: 32 },
  { name: "DR", card: p256, ci: p256, order: { derivationRandom: true } },
  { name: "HostID, SIN and SDIN", card: p256, ci: p256, identifiers: true },
  { name: "DR and identifiers", card: brainpool, ci: brainpool, order: { derivationRandom: true }, identifiers: true },
  { name: "keys of 24 octets", card: p256, ci: p256, order: { keyOctets: 24 } },
  { name: "keys of 32 octets", card: brainpool, ci: p256, order: { keyOctets: 32, derivationRandom: true } },
];

describe("keys that host and card establish", () => {
  it.each(variants)("of an ISD-P, with $name", (variant) => {
    const { profile, keySet } = establish(variant, 0x30);
    const [stored] = profile.isdpKeySets;
    expect(stored?.kvn).toBe(0x30);
    expect(stored?.keys.map(({ value }) => value)).toEqual(keySet.keys.map((key) => toHex(key.reveal())));
    expect(profile.state).toBe("personalized");
  });

  it.each([0x02, 0x41])("of the ISD-R, key version %i", (kvn) => {
    for (const variant of variants) {
      if (kvn === 0x41 && variant.order?.keyOctets !== undefined) continue;
      const { state, keySet } = establish(variant, kvn);
      const stored = state.isdR.keySets.find((set) => set.kvn === kvn);
      expect(stored?.keys.map(({ value }) => value)).toEqual(keySet.keys.map((key) => toHex(key.reveal())));
      expect(state.isdR.keySets.length).toBeGreaterThan(1);
    }
  });
});

describe("a secure channel with established keys", () => {
  const offerOf = ({ keySet }: ReturnType<typeof establish>): ChannelOffer => ({
    kvn: keySet.kvn,
    keys: { enc: keySet.keys[0] ?? fail(), mac: keySet.keys[1] ?? fail() },
    hostChallenge: new Uint8Array(randomOctets(8)),
    aid: aidOctets(isdP),
  });

  it.each(securityLevels)("of level %i carries PUT KEY and its answer", (level) => {
    for (const keyOctets of [16, 24, 32] as const) {
      const made = establish({ name: "", card: p256, ci: p256, order: { keyOctets } }, 0x30);
      const run = send(made.card, isdP);
      const offer = offerOf(made);
      const update = run(initializeUpdateCommand(offer.kvn, offer.hostChallenge));
      const handshake = acceptHandshake(offer, readInitializeUpdate(update.data, 8));
      expect(handshake).toMatchObject({ sequence: 1, challengePredictable: true });
      const opened = externalAuthenticate(handshake, level);
      expect(run(opened.octets).sw).toBe(0x9000);
      const dek = made.keySet.keys[2] ?? fail();
      const key = wrapAesKey(new Secret(new Uint8Array(randomOctets(16))), dek);
      const sent = wrapCommand(opened.channel, putKeyCommand(0x70, 1, [key]));
      const { data, sw } = run(sent.octets);
      const clear = unwrapAnswer(sent.channel, concatBytes(data, Uint8Array.of(sw >> 8, sw & 0xff)));
      expect(clear).toMatchObject({ sw: 0x9000, authentic: (level & 0x10) !== 0 });
      expect(confirmsKeys(clear.data, 0x70, [key])).toBe(true);
    }
  });

  it("carries a package to the card, which installs it", () => {
    for (const variant of [...variants.slice(0, 2), ...variants.slice(-2)]) {
      const made = establish(variant, 0x30);
      const run = runScript(made.card, isdP);
      const offer = offerOf(made);
      const answerTo = (script: Uint8Array) => ({ kind: "script", body: fromHex(run(toHex(script))) }) as const;
      const opened = authenticateBlock(predictHandshake(offer, 1));
      const opening = answerTo(scp03tScript(initializeUpdateBlock(offer.kvn, offer.hostChallenge), opened.block));
      expect(judgeDownload({ at: "initialize-and-authenticate", offer }, opening).kind).toBe("authenticated");
      let { channel } = opened;
      const blocks = cutPackage(es8Vector("scp03t", "multi").package);
      for (const [index, clear] of blocks.entries()) {
        const sealed = sealBlock(channel, clear);
        channel = sealed.channel;
        const last = index === blocks.length - 1;
        const verdict = judgeDownload({ at: "data", channel, last }, answerTo(scp03tScript(sealed.block)));
        if (last) expect(verdict).toMatchObject({ kind: "response", installed: true });
        else expect(verdict).toEqual({ kind: "continue" });
      }
      expect(made.profile.state).toBe("disabled");
    }
  });

  it("is refused with other keys", () => {
    const made = establish({ name: "", card: p256, ci: p256 }, 0x30);
    const run = runScript(made.card, isdP);
    const good = offerOf(made);
    const offer = { ...good, keys: { ...good.keys, mac: new Secret(new Uint8Array(16)) } };
    const opened = authenticateBlock(predictHandshake(offer, 1));
    const script = scp03tScript(initializeUpdateBlock(offer.kvn, offer.hostChallenge), opened.block);
    const verdict = judgeDownload(
      { at: "initialize-and-authenticate", offer },
      { kind: "script", body: fromHex(run(toHex(script))) },
    );
    expect(verdict).toMatchObject({ kind: "failed", fault: "refused", refusal: { command: 0x85, reason: 2 } });
  });
});
