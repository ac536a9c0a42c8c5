import { GatewayError } from "../base/gateway-error.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { capduObject, compactScript, expandedScript, parseScript, scriptApdus } from "../codec/ota/script.ts";
import { badFormatName, chainingResultName, parseScriptResponse } from "../codec/ota/script-response.ts";
import type { JobResult, JobWork } from "./job.ts";
import type { Target } from "./target.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/** The octets that a job's script is on the way: definite coding by SMS unless job or target say otherwise. */
export function workBody(
  work: Script,
  target: Target,
  usual: "expanded-definite" | "expanded-indefinite" = "expanded-definite",
): Uint8Array {
  if (work.kind === "body") return fromHex(work.body);
  const apdus = work.apdus.map(fromHex);
  const format =
    work.format ??
    (target.kind === "uicc" ? target.settings.scriptFormat : (target.settings.scriptFormat ?? usual)) ??
    "compact";
  return format === "compact" ? compactScript(apdus) : expandedScript(apdus.map(capduObject), format);
}

/** The C-APDUs of a job, in order; none when its script cannot be read (it is relayed all the same). */
export function scriptCommands(work: JobWork): readonly Uint8Array[] {
  if (work.kind === "packet") return [];
  if (work.kind === "script") return work.apdus.map(fromHex);
  try {
    return scriptApdus(parseScript(fromHex(work.body)));
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}

/** What is wrong with an answer to a script although it could be read, in words. */
export interface ReadResult {
  readonly result: Omit<JobResult, "por">;
  readonly fault?: string;
}

/** Command results from the response data of a script; data that are no script answer are kept as they are. */
export function readScriptResult(data: Uint8Array): ReadResult {
  const raw = data.length === 0 ? {} : { data: toHex(data) };
  if (data.length === 0) return { result: { commands: [] } };
  const answer = ((): ReturnType<typeof parseScriptResponse> | undefined => {
    try {
      return parseScriptResponse(data);
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  })();
  if (answer === undefined) return { result: { ...raw, commands: [] } };
  const command = ({ data: octets, sw }: { data: Uint8Array; sw: number }) => ({
    data: toHex(octets),
    sw: sw.toString(16).toUpperCase().padStart(4, "0"),
  });
  if (answer.format === "compact")
    return { result: { ...raw, commands: [command(answer.last)], executed: answer.count } };
  const fault =
    answer.badFormat !== undefined
      ? `the card could not read the script: ${badFormatName(answer.badFormat)}`
      : answer.chaining !== undefined
        ? `script chaining: ${chainingResultName(answer.chaining)}`
        : answer.immediateAction !== undefined
          ? `immediate action failed: ${answer.immediateAction}`
          : answer.truncated
            ? "an answer was cut, the commands after it did not run"
            : undefined;
  return {
    result: { ...raw, commands: answer.answers.map(command), executed: answer.count ?? answer.answers.length },
    ...(fault === undefined ? {} : { fault }),
  };
}
