import { capduObject, expandedScript, parseScript, type ScriptObject } from "../../codec/ota/script.ts";
import type { JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";
import { workBody } from "./script-body.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/** A script in parts; `limit` is what {@link cutScript} cuts them by, absent for a script in one part. */
export interface ScriptParts {
  readonly bodies: readonly Uint8Array[];
  readonly limit?: number;
}

/**
 * The bodies of a job's script: one, or several that are cut at command boundaries when it is larger than the card's
 * buffer, or when its commands go one by one. An upstream's ready body is cut only if the card could not accept it
 * whole.
 */
export function scriptParts(work: Script, target: Target, oneByOne = false): ScriptParts {
  const whole = workBody(work, target, "expanded-indefinite");
  const limit = oneByOne ? 0 : target.settings.scp81Buffer;
  if (limit === undefined || whole.length <= limit) return { bodies: [whole] };
  const bodies = cutScript(work, limit);
  return bodies.length < 2 ? { bodies: [whole] } : { bodies, limit };
}

/** Bodies of at most `limit` octets, or of one command: always the same ones for the same work. */
export function cutScript(work: Script, limit: number): Uint8Array[] {
  const objects = work.kind === "script" ? work.apdus.map(capduObject) : (objectsOf(work.body) ?? []);
  const parts: Uint8Array[] = [];
  let open: ScriptObject[] = [];
  for (const object of objects) {
    const grown = expandedScript([...open, object], "expanded-indefinite");
    if (grown.length > limit && open.length > 0) {
      parts.push(expandedScript(open, "expanded-indefinite"));
      open = [];
    }
    open.push(object);
  }
  if (open.length > 0) parts.push(expandedScript(open, "expanded-indefinite"));
  return parts;
}

/** The objects of an expanded script; undefined when it is compact or cannot be read. */
export function objectsOf(body: Uint8Array): readonly ScriptObject[] | undefined {
  try {
    const script = parseScript(body);
    return script.format === "compact" ? undefined : script.objects;
  } catch {
    return undefined;
  }
}
