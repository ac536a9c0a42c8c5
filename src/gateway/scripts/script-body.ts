import { GatewayError } from "../../base/gateway-error.ts";
import { capduObject, compactScript, expandedScript, scriptApdusWith } from "../../codec/ota/script.ts";
import type { JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/**
 * The octets of a job's script as sent: with definite coding by SMS, unless the job or the target requires otherwise.
 */
export function workBody(
  work: Script,
  target: Target,
  usual: "expanded-definite" | "expanded-indefinite" = "expanded-definite",
): Uint8Array {
  if (work.kind === "body") return work.body;
  const { apdus } = work;
  const format = scriptFormat(work, target, usual);
  return format === "compact" ? compactScript(apdus) : expandedScript(apdus.map(capduObject), format);
}

/** The format of a job's script by SMS; `usual` is the default for eUICCs. */
export function scriptFormat(
  work: Extract<Script, { kind: "script" }>,
  target: Target,
  usual: "expanded-definite" | "expanded-indefinite" = "expanded-definite",
): "expanded-definite" | "expanded-indefinite" | "compact" {
  const { scriptFormat: chosen = target.kind === "uicc" ? "compact" : usual } = target.settings;
  return work.format ?? chosen;
}

/** The C-APDUs of a job, in order; empty when its script cannot be read (it is relayed nevertheless). */
export function scriptCommands(work: JobWork): readonly Uint8Array[] {
  return scriptCommandsWith(work, () => true);
}

/** As {@link scriptCommands}, those whose instruction is wanted. */
export function scriptCommandsWith(work: JobWork, wanted: (ins: number) => boolean): readonly Uint8Array[] {
  if (work.kind === "packet") return [];
  if (work.kind === "script") return work.apdus.filter((apdu) => wanted(apdu[1] ?? 0));
  try {
    return scriptApdusWith(work.body, wanted);
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}
