import { fromHex } from "../base/hex.ts";
import type { OctetText } from "../base/octet-text.ts";
import type { CommandResult, JobRequest, JobResult, JobWork } from "../gateway/model/job.ts";
import { stored } from "./stored.ts";

/** Work as a row has it: `octetText` of the work; earlier versions stored its AID as the client had written it. */
export type WrittenWork = WithWrittenAid<OctetText<JobWork>>;

type WithWrittenAid<W extends { readonly kind: JobWork["kind"] }> = W extends { readonly kind: "packet" }
  ? W
  : Omit<W, "aid"> & { readonly aid?: string };

/** A request as a row has it: `octetText` of the request. */
export type WrittenRequest = OctetText<JobRequest>;

/** A result as a row has it: `octetText` of the result. */
export type WrittenResult = OctetText<JobResult>;

export function readWork(written: WrittenWork): JobWork {
  switch (written.kind) {
    case "script": {
      const { aid, apdus, ...others } = written;
      return { ...others, ...readAid(aid), apdus: apdus.map(fromHex) };
    }
    case "body": {
      const { aid, body, ...others } = written;
      return { ...others, ...readAid(aid), body: fromHex(body) };
    }
    case "packet":
      return { ...written, userData: written.userData.map(fromHex) };
  }
}

function readAid(aid: string | undefined): Pick<Extract<JobWork, { kind: "script" }>, "aid"> {
  return aid === undefined ? {} : { aid: stored(aid.toUpperCase()) };
}

export function readRequest<T extends Partial<WrittenRequest>>({
  spi,
  ...others
}: T): Omit<T, "spi"> & Pick<JobRequest, "spi"> {
  return { ...others, ...(spi === undefined ? {} : { spi: fromHex(spi) }) };
}

export function readResult({ data, ...written }: WrittenResult): JobResult {
  const octets = data === undefined ? {} : { data: fromHex(data) };
  return { ...written, ...octets, commands: readCommands(written.commands) };
}

export function readCommands(written: readonly OctetText<CommandResult>[]): readonly CommandResult[] {
  return written.map((one) => ({ ...one, data: fromHex(one.data) }));
}
