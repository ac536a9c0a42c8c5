import { GatewayError } from "../base/gateway-error.ts";
import { fromHex } from "../base/hex.ts";
import { capduObject, compactScript, expandedScript, parseScript, scriptApdus } from "../codec/ota/script.ts";
import type { JobWork } from "./job.ts";
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
