import { randomBytes, X509Certificate } from "node:crypto";
import type { EuiccState } from "../../../simulators/euicc/card-state.ts";
import { toHex } from "../../../src/base/hex.ts";
import type { DownloadId } from "../../../src/base/id.ts";
import { p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { newEcKey } from "../../../src/crypto/certificates/ec-key.ts";
import { keyIdentifier } from "../../../src/crypto/certificates/issue.ts";
import { newTestPki } from "../../../src/crypto/certificates/test-pki.ts";
import type { SmDpCredentials } from "../../../src/gateway/downloads/credentials.ts";
import { DownloadOrderShape } from "../../../src/gateway/downloads/order.ts";
import type { Download, DownloadStage } from "../../../src/gateway/model/download.ts";
import { BenchLink } from "../bench.ts";
import { Scp81Bench, type Scp81BenchOptions } from "../scp81/scp81-bench.ts";

const year = 366 * 86_400_000;

/** A test set of certificates: credentials of an SM-DP, and what a card of its manufacturer contains. */
export function testSet(name = "bench") {
  const now = Date.now();
  const random = (octets: number) => new Uint8Array(randomBytes(octets));
  const pki = newTestPki({ curve: p256, validFrom: now - year, validTo: now + year, random });
  const smDp: SmDpCredentials = {
    name,
    certificate: pki.smDp.certificate,
    key: pki.smDp.key,
    ci: new X509Certificate(pki.ci.certificate),
    eums: [new X509Certificate(pki.eum.certificate)],
  };
  const ecasd = (eid: string): EuiccState["ecasd"] => {
    const key = newEcKey(p256);
    return {
      privateKey: toHex(key.scalar.reveal()),
      certificate: toHex(pki.ecasd({ eid: parseEid(eid), key })),
      ciPublicKey: toHex(pki.ci.key.point),
      ciKeyId: toHex(keyIdentifier(pki.ci.key)),
    };
  };
  return { smDp, ecasd };
}

/** A gateway with an SM-DP, and a card that trusts its CI. */
export class DownloadBench implements AsyncDisposable {
  readonly rig: Scp81Bench;
  readonly #options: Scp81BenchOptions;

  private constructor(rig: Scp81Bench, options: Scp81BenchOptions) {
    this.rig = rig;
    this.#options = options;
  }

  static async open(options: Scp81BenchOptions = {}): Promise<DownloadBench> {
    const { smDp, ecasd } = testSet();
    const all = { smDps: [smDp], ecasd, pauses: { betweenMs: 50, sweepMs: 50 }, ...options };
    const rig = await Scp81Bench.open(all);
    await rig.bench.gateway.start();
    await rig.bench.gateway.startBackground();
    return new DownloadBench(rig, all);
  }

  /** Orders a download of the package. */
  async start(octets: Uint8Array, more: object = {}): Promise<Download> {
    const asked = DownloadOrderShape.parse({ target: this.rig.eid, package: toHex(octets), ...more });
    const { download } = await this.rig.bench.gateway.downloads.start(asked, { origin: { face: "api" } });
    return download;
  }

  /** The download once it has ended. */
  async ended(id: DownloadId, ms = 60_000): Promise<Download> {
    return this.rig.bench.until(async () => {
      const now = await this.rig.bench.gateway.downloads.get(id);
      return now.endedAt === undefined ? undefined : now;
    }, ms);
  }

  async run(octets: Uint8Array, more: object = {}): Promise<Download> {
    return this.ended((await this.start(octets, more)).id);
  }

  /** Resolves as soon as the download is in this step, or beyond it. */
  async reached(id: DownloadId, stage: DownloadStage["at"]): Promise<void> {
    await this.rig.bench.until(async () => {
      const { stage: now, steps, endedAt } = await this.rig.bench.gateway.downloads.get(id);
      return now.at === stage || endedAt !== undefined || steps.some((step) => step.stage === stage) || undefined;
    });
  }

  /** What is really on the card. */
  onCard(isdP: string): string {
    const state = this.rig.card.state.profiles.find(({ aid }) => aid === isdP)?.state ?? "absent";
    return state === "personalized" ? "created" : state;
  }

  /** Kills the gateway and starts another one over the same store. */
  async restart(): Promise<void> {
    await this.rig.bench.gateway.stopBackground();
    await this.rig.restart(this.#options);
    const link = await BenchLink.open("reader B", this.rig.card);
    this.rig.bench.gateway.attach(link.link);
    await this.rig.bench.gateway.startBackground();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig.bench.gateway.stopBackground();
    await this.rig[Symbol.asyncDispose]();
  }
}
