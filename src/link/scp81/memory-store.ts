import { withoutUndefined } from "../../base/defined.ts";
import type { AdminRecord, AdminScript, AdminStep, AdminStore, AdminVerdict, Offer } from "./admin-store.ts";

interface TargetMemory {
  record: AdminRecord;
  readonly queue: AdminScript[];
  moreToCome: boolean;
}

/** Outcome of a script, and how often its body was sent. */
interface ScriptReport {
  readonly verdict: AdminVerdict;
  readonly deliveries: number;
}

/** Administration sessions without a disk: for tests, benches and simulations. */
export class MemoryAdminStore implements AdminStore {
  readonly #targets = new Map<string, TargetMemory>();
  readonly #deliveries = new Map<string, number>();
  readonly #withdrawn = new Set<string>();
  readonly reports = new Map<string, ScriptReport>();
  readonly notifications: { readonly target: string; readonly tlv: Uint8Array }[] = [];
  /** Called with each verdict. */
  onReport: ((script: string, report: ScriptReport) => void) | undefined;
  /** May queue an answer to a notification before the next script is chosen. */
  onNotification: ((target: string, tlv: Uint8Array) => void) | undefined;

  enqueue(target: string, ...scripts: readonly AdminScript[]): void {
    this.#of(target).queue.push(...scripts);
  }

  /** Whether the client announces more scripts for the target. */
  setMoreToCome(target: string, moreToCome: boolean): void {
    this.#of(target).moreToCome = moreToCome;
  }

  queued(target: string): readonly AdminScript[] {
    return this.#of(target).queue;
  }

  /** The script is no longer needed: it is not handed out again. */
  withdraw(target: string, script: string): void {
    const { queue } = this.#of(target);
    this.#withdrawn.add(script);
    const index = queue.findIndex(({ id }) => id === script);
    if (index >= 0) queue.splice(index, 1);
  }

  /** How often the script's body was sent so far. */
  deliveries(script: string): number {
    return this.#deliveries.get(script) ?? 0;
  }

  async load(target: string): Promise<AdminRecord> {
    return this.#of(target).record;
  }

  async advance(target: string, step: AdminStep): Promise<Offer> {
    const memory = this.#of(target);
    const { settled, position, notification, next } = step;
    for (const { script, verdict } of settled) this.#report(script, verdict);
    const done = settled.some(({ script }) => script === memory.record.outstanding?.script.id);
    memory.record = {
      ...(memory.record.outstanding !== undefined && !done && { outstanding: memory.record.outstanding }),
      ...((position ?? memory.record.position) && { position: position ?? memory.record.position }),
    } as AdminRecord;
    if (notification !== undefined) {
      this.notifications.push({ target, tlv: notification });
      this.onNotification?.(target, notification);
    }
    if (next.do === "stop") return { kind: "none" };
    if (next.do === "redeliver") return this.#redeliver(memory, next);
    return this.#offer(memory, next);
  }

  #redeliver(memory: TargetMemory, next: AdminStep["next"] & { do: "redeliver" }): Offer {
    const outstanding = memory.record.outstanding;
    if (outstanding === undefined || outstanding.script.id !== next.script) return { kind: "none" };
    if (this.#withdrawn.has(next.script)) {
      const { outstanding: _, ...rest } = memory.record;
      memory.record = rest;
      return this.#offer(memory, { ...next, do: "offer", uri: outstanding.uri });
    }
    memory.record = { ...memory.record, outstanding: { ...outstanding, deliveries: next.deliveries } };
    this.#deliveries.set(next.script, next.deliveries);
    return { kind: "script", script: outstanding.script };
  }

  #offer(memory: TargetMemory, next: AdminStep["next"] & { do: "offer" }): Offer {
    if (next.lostChannel !== undefined) {
      for (const script of memory.queue.filter(({ secureChannel }) => secureChannel === next.lostChannel)) {
        memory.queue.splice(memory.queue.indexOf(script), 1);
        this.#report(script.id, { state: "not-delivered", why: "secure-channel-lost" });
      }
    }
    const script = memory.queue.shift();
    if (script === undefined) return { kind: memory.moreToCome ? "more" : "none" };
    const { uri, after } = next;
    memory.record = {
      ...memory.record,
      outstanding: { script, uri, deliveries: 1, ...withoutUndefined({ after }) },
    };
    this.#deliveries.set(script.id, 1);
    return { kind: "script", script };
  }

  #report(script: string, verdict: AdminVerdict): void {
    const report = { verdict, deliveries: this.deliveries(script) };
    this.reports.set(script, report);
    this.onReport?.(script, report);
  }

  #of(target: string): TargetMemory {
    let memory = this.#targets.get(target);
    if (memory === undefined) {
      memory = { record: {}, queue: [], moreToCome: false };
      this.#targets.set(target, memory);
    }
    return memory;
  }
}
