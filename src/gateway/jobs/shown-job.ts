import { equalBytes } from "../../base/hex.ts";
import { FileAccess } from "../../codec/secrets/key-files.ts";
import { withoutLogins } from "../../codec/secrets/login-text.ts";
import { showScript } from "../../codec/secrets/script-secrets.ts";
import { answersWithKeys, CommandSecrets, withoutRanges } from "../../codec/secrets/secret-data.ts";
import { SegmentMemory } from "../../link/secrets/segment-memory.ts";
import { type WrittenFailure, writtenFailure } from "../model/failure.ts";
import { hasEnded, type Job, type JobResult, type JobWork } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";

/** Work without secrets, for display. */
type ShownWork = JobWork & {
  /** Keys, PINs or passwords in it were replaced by zeros of the same length. */
  readonly hidden?: true;
};

/**
 * A job for display to clients, upstreams and operators, its own client included: the data of PUT KEY and of PIN
 * commands, keys in STORE DATA, profile packages in clear, logins of a bearer, and the answers to a script that reads
 * from a file of keys are replaced by zeros. What goes to the card is unchanged.
 */
export function shownJob<T extends Pick<Job, "work" | "result" | "error" | "note"> & Partial<Pick<Job, "state">>>(
  job: T,
): Omit<T, "work" | "error" | "note"> & {
  readonly note?: string;
  readonly work: ShownWork;
  readonly error?: WrittenFailure;
} {
  const { error, work, note, ...rest } = job;
  const { result, state } = job;
  return {
    ...rest,
    // A note is about what a job waits for; whether one was stored before the end is a matter of timing.
    ...(note === undefined || (state !== undefined && hasEnded({ state })) ? {} : { note }),
    work: shownWork(work),
    ...(result === undefined || !readsKeys(work) ? {} : { result: shownResult(result) }),
    ...(error === undefined ? {} : { error: writtenFailure(error) }),
  };
}

/** Whether a script reads from a file of keys, or makes session keys. */
function readsKeys(work: JobWork): boolean {
  if (work.kind !== "script") return false;
  const files = new FileAccess();
  return work.apdus.some((whole) => {
    // The header identifies the file, except in SELECT, which is short.
    const apdu = whole.subarray(0, 40);
    files.next(apdu);
    return answersWithKeys(apdu) || files.readsKeys(apdu);
  });
}

const zeros = ({ length }: Uint8Array) => new Uint8Array(length);

/** A compact response contains only the last answer, and it is not always clear of which command: all are replaced. */
function shownResult(result: JobResult): JobResult {
  const { data, commands } = result;
  return {
    ...result,
    ...(data === undefined ? {} : { data: zeros(data) }),
    commands: commands.map((one) => ({ ...one, data: zeros(one.data) })),
  };
}

/** Work never changes: what is stored without secrets when a job is accepted is also the answer. */
const shownBefore = new WeakMap<JobWork, ShownWork>();

/** The work of a job without secrets, for display. */
export function shownWork(work: JobWork): ShownWork {
  const before = shownBefore.get(work);
  if (before !== undefined) return before;
  const clear = withFunction(hiddenWork(work));
  const shown: ShownWork = clear === work ? work : { ...clear, hidden: true };
  shownBefore.set(work, shown);
  return shown;
}

function hiddenWork(work: JobWork): JobWork {
  switch (work.kind) {
    case "script": {
      const apdus = shownApdus(work.apdus);
      return sameOctets(apdus, work.apdus) ? work : { ...work, apdus };
    }
    case "body": {
      const body = showScript(work.body).bytes;
      return sameOctets([body], [work.body]) ? work : { ...work, body };
    }
    case "packet": {
      const userData = shownOctets(work.userData, work.userDataHeader ?? true);
      return sameOctets(userData, work.userData) ? work : { ...work, userData };
    }
  }
}

function sameOctets(shown: readonly Uint8Array[], octets: readonly Uint8Array[]): boolean {
  return shown.every((one, index) => {
    const before = octets[index];
    return before !== undefined && (one === before || equalBytes(one, before));
  });
}

function withFunction(work: JobWork): JobWork {
  if (work.kind === "packet" || work.function === undefined) return work;
  const params = shownParams(work.function.params);
  if (JSON.stringify(params) === JSON.stringify(work.function.params)) return work;
  return { ...work, function: { ...work.function, params } };
}

/** The commands of a script without secrets, in their order. */
export function shownApdus(apdus: readonly Uint8Array[]): Uint8Array[] {
  const secrets = new CommandSecrets();
  return apdus.map((apdu) => {
    const ranges = secrets.next(apdu)?.ranges ?? [];
    return ranges.length === 0 ? apdu : withoutRanges(apdu, ranges);
  });
}

/** Parameters of an ES5 function without secrets: connectivity parameters are octets that contain logins. */
export function shownParams(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, /password/i.test(name) ? "hidden" : shownParam(value)]),
  );
}

function shownParam(value: unknown): unknown {
  return typeof value === "string" && /^([0-9a-fA-F]{2}){8,}$/.test(value) ? withoutLogins(value) : value;
}

/** A packet without secrets: one that is not ciphered contains its script in clear. */
export function shownPacket<T extends Pick<PacketRecord, "userData">>(packet: T): T {
  return { ...packet, userData: shownOctets(packet.userData, true) };
}

/** A job's packets without secrets, with the responses to them, which may contain data of a file of keys. */
export function shownPackets<T extends Pick<PacketRecord, "userData" | "response">>(
  packets: readonly T[],
  work: JobWork,
): T[] {
  const hides = readsKeys(work);
  return packets.map((packet) => ({
    ...shownPacket(packet),
    ...(packet.response === undefined || !hides
      ? {}
      : { response: packet.response.map(({ length }) => new Uint8Array(length)) }),
  }));
}

function shownOctets(userData: readonly Uint8Array[], userDataHeader: boolean): Uint8Array[] {
  const memory = new SegmentMemory();
  return userData.map((octets) => memory.show({ userData: octets, userDataHeader, peer: "" }));
}
