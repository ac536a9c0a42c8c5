import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { isdRTar, tarOfAid } from "../../codec/euicc/aid.ts";
import { forPersonalization } from "../../codec/euicc/es5/functions/install-for-personalization.ts";
import { certificateBlocks, keyBlocks } from "../../codec/euicc/key-establishment-commands.ts";
import { initializeUpdateBlock, scp03tScript } from "../../codec/euicc/scp03t.ts";
import { secondStep } from "../../crypto/key-establishment/establish.ts";
import { predictHandshake } from "../../crypto/scp03/handshake.ts";
import { authenticateBlock } from "../../crypto/scp03/scp03t-channel.ts";
import type { Download } from "../model/download.ts";
import type { JobRequest } from "../model/job.ts";
import type { OrderedWork } from "../model/new-job.ts";
import { type DownloadMaterial, establishmentOf, handshakeOf, offerOf, sealedPackage } from "./material.ts";

/** The job of a stage. */
export interface StageWork {
  readonly work: OrderedWork;
  readonly request: Partial<JobRequest>;
}

/** The sequence counter that new keys answer their first handshake with. GP Amendment D §6.2.2.1 */
export const firstSequence = 1;

/**
 * The job that a download's stage waits for; undefined where it waits for none. Signatures are random: the work is made
 * once and stored with the job. SGP.02 §3.1, §4.1.3
 */
export function stageWork(download: Download, { smDp, octets }: DownloadMaterial): StageWork | undefined {
  const { stage, order, isdP } = download;
  const aid = isdP;
  const more = { moreToCome: true } as const;
  const between = order.oneSession ? more : {};
  switch (stage.at) {
    case "planned":
    case "ended":
      return undefined;
    case "isd-p": {
      const params = { aid: isdP, ...withoutUndefined({ quota: order.quota, iccid: download.package.iccid }) };
      return { work: { kind: "es5", function: "createISDP", params }, request: { ...https, ...between } };
    }
    case "certificate": {
      const apdus = [forPersonalization(aid), ...certificateBlocks(smDp.certificate)];
      return { work: { kind: "script", tar: isdRTar, apdus }, request: { ...https, ...more, oneByOne: true } };
    }
    case "keys": {
      const step = secondStep(establishmentOf(download), smDp.key, stage.randomChallenge);
      const apdus = keyBlocks(step, certificateBlocks(smDp.certificate).length);
      return {
        work: { kind: "script", tar: isdRTar, apdus },
        request: { ...https, ...between, oneByOne: true },
      };
    }
    case "opening": {
      const offer = offerOf(download, stage.hostChallenge);
      const ask = initializeUpdateBlock(order.kvn, stage.hostChallenge);
      const blocks = stage.predicted ? [ask, authenticateBlock(predictHandshake(offer, firstSequence)).block] : [ask];
      return { work: toIsdP(download, blocks), request: { ...https, ...more } };
    }
    case "authenticating": {
      const { block } = authenticateBlock(handshakeOf(download, stage));
      return { work: toIsdP(download, [block]), request: { ...https, ...more } };
    }
    case "loading": {
      const { blocks } = sealedPackage(handshakeOf(download, stage), octets, order.blockOctets);
      const request = { ...https, oneByOne: true, budgetMs: order.budgetMs };
      return { work: toIsdP(download, blocks), request };
    }
    case "state":
    case "verifying":
      return { work: { kind: "es5", function: "auditStatus", params: { aid: isdP } }, request: anyBearer };
    case "clean-up":
      return { work: { kind: "es5", function: "deleteProfile", params: { aid: isdP } }, request: anyBearer };
    case "enabling":
      return { work: { kind: "es5", function: "enableProfile", params: { aid: isdP } }, request: { bearer: "auto" } };
  }
}

const https = { bearer: "https" } as const;
/** Commands that may run twice, and whose "no such domain" is an answer. */
const anyBearer = { bearer: "auto", onAnswerLost: "repeat", tolerate: ["6A88"] } as const;

/** SCP03t stands in its script without the tag of a C-APDU and is addressed to the ISD-P. SGP.02 §4.1.3.3 */
function toIsdP({ isdP }: Download, blocks: readonly Uint8Array[]): OrderedWork {
  const tar = tarOfAid(isdP);
  if (tar === undefined) throw new GatewayError("api.usage", `aid: ${isdP} is not the AID of an ISD-P`);
  return { kind: "body", tar, aid: isdP, body: scp03tScript(...blocks) };
}
