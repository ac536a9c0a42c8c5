import { fromHex, toHex } from "../base/hex.ts";
import { CommandSecrets, withoutRanges } from "../codec/apdu/secret-data.ts";
import { loginObjects, loginRanges } from "../codec/cat/login-secrets.ts";
import { showScript } from "../codec/ota/script-secrets.ts";
import { SegmentMemory } from "../link/segment-memory.ts";
import type { Job, JobWork } from "./job.ts";
import type { PacketRecord } from "./packet.ts";

/** Work as it may be shown. */
export type ShownWork = JobWork & {
  /** Keys, PINs or passwords in it are overwritten by zeros, lengths kept. */
  readonly hidden?: true;
};

/**
 * A job as clients, upstreams and people may see it, its own client included: the data of PUT KEY and of PIN commands, keys in STORE DATA,
 * profile packages in clear and logins of a bearer are overwritten by zeros. What goes to the card is not touched.
 */
export function shownJob<T extends Pick<Job, "work">>(job: T): Omit<T, "work"> & { readonly work: ShownWork } {
  return { ...job, work: shownWork(job.work) };
}

/** The work of a job as it may be shown. */
export function shownWork(work: JobWork): ShownWork {
  const shown = withFunction(hiddenWork(work));
  return JSON.stringify(shown) === JSON.stringify(work) ? work : { ...shown, hidden: true };
}

function hiddenWork(work: JobWork): JobWork {
  switch (work.kind) {
    case "script":
      return { ...work, apdus: shownApdus(work.apdus) };
    case "body":
      return { ...work, body: toHex(showScript(fromHex(work.body)).bytes) };
    case "packet":
      return { ...work, userData: shownMessages(work.userData, work.userDataHeader ?? true) };
  }
}

function withFunction(work: JobWork): JobWork {
  if (work.kind === "packet" || work.function === undefined) return work;
  return { ...work, function: { ...work.function, params: shownParams(work.function.params) } };
}

/** The commands of a script as they may be shown, in their order. */
export function shownApdus(apdus: readonly string[]): string[] {
  const secrets = new CommandSecrets();
  return apdus.map((text) => {
    const apdu = fromHex(text);
    const ranges = secrets.next(apdu)?.ranges ?? [];
    return ranges.length === 0 ? text : toHex(withoutRanges(apdu, ranges));
  });
}

/** Parameters of an ES5 function as they may be shown: connectivity parameters are octets, in which logins stand. */
export function shownParams(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, /password/i.test(name) ? "hidden" : shownParam(value)]),
  );
}

function shownParam(value: unknown): unknown {
  if (typeof value !== "string" || !/^([0-9a-fA-F]{2}){8,}$/.test(value)) return value;
  const octets = fromHex(value);
  const ranges = [...loginRanges(octets), ...loginObjects(octets, 0, octets.length)];
  return ranges.length === 0 ? value : toHex(withoutRanges(octets, ranges));
}

/** Packets as they may be shown: one that is not ciphered carries its script in clear. */
export function shownPacket<T extends Pick<PacketRecord, "userData">>(packet: T): T {
  return { ...packet, userData: shownMessages(packet.userData, true) };
}

function shownMessages(userData: readonly string[], userDataHeader: boolean): string[] {
  const memory = new SegmentMemory();
  return userData.map((text) => {
    const octets = fromHex(text);
    const shown = memory.show({ userData: octets, userDataHeader, peer: "" });
    return shown === octets ? text : toHex(shown);
  });
}
