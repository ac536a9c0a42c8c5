import { octetText } from "../../base/octet-text.ts";
import type { Tar } from "../../codec/euicc/aid.ts";
import { showScript } from "../../codec/secrets/script-secrets.ts";
import { isTracing, traceFrame } from "../../link/trace.ts";
import type { Job } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Target } from "../model/target.ts";
import { workBody } from "../scripts/script-body.ts";
import type { ReadAnswer } from "./secured-packet.ts";

/** Traces the clear part of a command packet, and its script without keys and PINs, as it is sent. */
export function traceCommand(job: Job, target: Target, packet: PacketRecord): void {
  if (!isTracing()) return;
  const { tar, cntr, spi, kic, kid, transmissions, userData, link = "" } = packet;
  const facts = { tar, cntr, ...octetText({ spi, kic, kid }), segments: userData.length, transmission: transmissions };
  // The counter and the script of a packet secured upstream are ciphered with keys that are not here.
  if (packet.keySet === undefined || job.work.kind === "packet") {
    traceFrame({ kind: "packet", dir: "out", link, facts: { ...facts, securedUpstream: true } });
    return;
  }
  traceFrame({ kind: "packet", dir: "out", link, facts });
  traceScript("out", link, workBody(job.work, target), tar);
}

/** Traces the clear part of a response packet, and the answer in it. */
export function traceResponse(job: Job, packet: PacketRecord, answer: ReadAnswer): void {
  if (!isTracing()) return;
  const { link = "", tar, cntr, target } = packet;
  const { status, statusName, authenticated, note, data } = answer;
  const frame = { dir: "in", link, target, job: job.id } as const;
  traceFrame({ ...frame, kind: "packet", facts: { tar, cntr, status, statusName, authenticated, note } });
  if (data.length > 0) traceFrame({ ...frame, kind: "script", bytes: data, facts: { tar } });
}

function traceScript(dir: "out", link: string, script: Uint8Array, tar: Tar | undefined): void {
  const { bytes, hidden } = showScript(script);
  traceFrame({ kind: "script", dir, link, bytes, facts: { tar, ...(hidden ? { hidden: "key" } : {}) } });
}
