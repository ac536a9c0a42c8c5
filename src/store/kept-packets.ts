import type { JobId, PacketId } from "../base/id.ts";
import type { PacketPart, PacketPatch, PacketRecord } from "../gateway/model/packet.ts";
import { KeptRows } from "./kept-rows.ts";
import type { Statements } from "./statements.ts";

/** A packet that is the only one of its job, and its parts. */
interface Kept {
  readonly packet: PacketRecord;
  readonly parts: readonly PacketPart[];
}

/** Packets as they were written, of jobs that have one, kept until their end asks for them. */
export class KeptPackets {
  readonly #byJob: KeptRows<Kept>;
  readonly #jobs: KeptRows<string>;

  constructor(statements: Statements) {
    this.#byJob = new KeptRows(statements);
    this.#jobs = new KeptRows(statements);
  }

  /** The first packet of a job. */
  inserted(packet: PacketRecord): void {
    this.#byJob.set(packet.job, { packet, parts: [] });
    this.#jobs.set(packet.id, packet.job);
  }

  ofJob(job: JobId): PacketRecord | undefined {
    return this.#byJob.get(job)?.value.packet;
  }

  /** The parts of a packet in their order. */
  parts(packet: PacketId): PacketPart[] | undefined {
    const kept = this.#find(packet);
    return kept && [...kept.parts];
  }

  changed(id: PacketId, patch: PacketPatch): void {
    const kept = this.#find(id);
    if (kept !== undefined) this.#byJob.set(kept.packet.job, { ...kept, packet: { ...kept.packet, ...patch } });
  }

  /** A part is kept when it is the first in its place; which of two counts is decided by the statement. */
  putPart(part: PacketPart): void {
    const kept = this.#find(part.packet);
    if (kept === undefined) return;
    if (kept.parts.some(({ position }) => position === part.position)) this.forget(kept.packet.job);
    else {
      const parts = [...kept.parts, part].sort((a, b) => a.position - b.position);
      this.#byJob.set(kept.packet.job, { ...kept, parts });
    }
  }

  forget(job: JobId): void {
    this.#byJob.delete(job);
  }

  #find(packet: PacketId): Kept | undefined {
    const job = this.#jobs.get(packet)?.value;
    const kept = job === undefined ? undefined : this.#byJob.get(job)?.value;
    return kept?.packet.id === packet ? kept : undefined;
  }
}
