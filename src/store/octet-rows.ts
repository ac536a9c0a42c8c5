import { fromHex } from "../base/hex.ts";
import type { OctetText } from "../base/octet-text.ts";
import type { CommandResult, JobResult, JobWork } from "../gateway/model/job.ts";

/** Work as a row has it: `octetText` of the work. */
export type WrittenWork = OctetText<JobWork>;

/** A result as a row has it: `octetText` of the result. */
export type WrittenResult = OctetText<JobResult>;

export function readWork(written: WrittenWork): JobWork {
  switch (written.kind) {
    case "script":
      return { ...written, apdus: written.apdus.map(fromHex) };
    case "body":
      return { ...written, body: fromHex(written.body) };
    case "packet":
      return { ...written, userData: written.userData.map(fromHex) };
  }
}

export function readResult({ data, ...written }: WrittenResult): JobResult {
  const octets = data === undefined ? {} : { data: fromHex(data) };
  return { ...written, ...octets, commands: readCommands(written.commands) };
}

export function readCommands(written: readonly OctetText<CommandResult>[]): readonly CommandResult[] {
  return written.map((one) => ({ ...one, data: fromHex(one.data) }));
}
