import { describe, expect, it } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { p256 } from "../../src/codec/euicc/ec-curve.ts";
import { keyControl } from "../../src/codec/euicc/key-establishment.ts";
import { readX509 } from "../../src/codec/euicc/x509.ts";
import { ecPrivateKey, publicKeyObject } from "../../src/crypto/certificates/ec-key.ts";
import { checkCertificate } from "../../src/crypto/certificates/gp-chain.ts";
import { type EstablishmentStep, judgeEstablishment } from "../../src/crypto/key-establishment/verdict.ts";
import { predictHandshake } from "../../src/crypto/scp03/handshake.ts";
import { authenticateBlock, openBlock, sealBlock } from "../../src/crypto/scp03/scp03t-channel.ts";
import { type DownloadStep, judgeDownload } from "../../src/crypto/scp03/scp03t-verdict.ts";
import { errorCode, mutated, onlyCatalogued } from "../codec/mutated.ts";
import { es8Vector, es8Vectors } from "../es8-vectors.ts";
import * as fc from "../fast-check.ts";

const numRuns = 3000;

describe("damaged octets of a card", () => {
  const vector = es8Vector("scp03t", "multi");
  const keys = { enc: new Secret(vector.enc), mac: new Secret(vector.mac) };
  const offer = { kvn: vector.kvn, keys, hostChallenge: vector.host_challenge, aid: vector.aid };
  const { channel } = authenticateBlock(predictHandshake(offer, vector.sequence));

  it("as the answer to a script of a download get a verdict", () => {
    const steps: DownloadStep[] = [
      { at: "initialize", offer },
      { at: "authenticate" },
      { at: "initialize-and-authenticate", offer },
      { at: "data", channel, last: false },
      { at: "data", channel, last: true },
    ];
    const bodies = es8Vectors("scp03t").flatMap(({ steps: all }) => all.map(({ response }) => response));
    fc.assert(
      fc.property(fc.constantFrom(...steps), mutated(bodies), (step, body) => {
        const { kind } = judgeDownload(step, { kind: "script", body });
        expect(["handshake", "authenticated", "continue", "failed", "unknown"]).toContain(kind);
      }),
      { numRuns },
    );
  });

  it("as the answer to a step of a key establishment get a verdict", () => {
    const plain = es8Vector("key-establishment", "isdp-plain");
    const establishment = {
      control: keyControl({ kvn: 0x30 }),
      ephemeral: ecPrivateKey(p256, new Secret(plain.ephemeral_private)),
      card: { curve: p256, point: plain.ecasd_public },
    };
    const steps: EstablishmentStep[] = [{ at: "certificate" }, { at: "keys", establishment }];
    const answers = [plain.answer_1, plain.answer_2].map((body) => body.slice(-22, -4));
    fc.assert(
      fc.property(fc.constantFrom(...steps), mutated(answers), (step, data) => {
        const { kind } = judgeEstablishment(step, { kind: "answer", data, sw: 0x9000 });
        expect(["challenge", "established", "failed"]).toContain(kind);
      }),
      { numRuns: 1000 },
    );
  });

  it("as a recorded block are refused", () => {
    const { block } = sealBlock(channel, new Uint8Array(100));
    const whole = Buffer.from(block);
    fc.assert(
      fc.property(mutated([block]), (octets) => {
        if (whole.equals(octets)) return;
        expect(errorCode(() => openBlock(channel, octets))).toMatch(/^(crypto\.authentication|codec\.[a-z]+)$/);
      }),
      { numRuns },
    );
  });
});

describe("damaged certificates", () => {
  it("for cards are reported as findings", () => {
    const seeds = es8Vectors("gp-certificate").map(({ certificate }) => certificate);
    const publicKey = publicKeyObject({ curve: p256, point: es8Vector("x509", "x509-CI").issuer_key });
    fc.assert(
      fc.property(mutated(seeds), (octets) => {
        const { certificate, findings } = checkCertificate(octets, {
          holder: "SM-DP",
          signer: "CI",
          issuer: { publicKey },
          now: 0,
        });
        if (certificate === undefined) expect(findings.map(({ code }) => code)).toEqual(["form"]);
      }),
      { numRuns: 1000 },
    );
  });

  it("of X.509 are read, or refused with an offset", () => {
    const seeds = es8Vectors("x509").map(({ der }) => der);
    fc.assert(
      fc.property(mutated(seeds), (octets) => onlyCatalogued(() => void readX509(octets))),
      { numRuns },
    );
  });
});
