import { capduObject, expandedScript, parseScript, type ScriptObject } from "../../codec/ota/script.ts";
import type { JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";
import { workBody } from "./script-body.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/**
 * The bodies of a job's script: one, or several that are cut at command boundaries when it is larger than the card's
 * buffer, or when its commands go one by one. An upstream's ready body is cut only if the card could not accept it
 * whole.
 */
export function scriptParts(work: Script, target: Target, oneByOne = false): Uint8Array[] {
  const whole = workBody(work, target, "expanded-indefinite");
  const limit = oneByOne ? 0 : target.settings.scp81Buffer;
  if (limit === undefined || whole.length <= limit) return [whole];
  const objects = work.kind === "script" ? work.apdus.map(capduObject) : objectsOf(whole);
  if (objects === undefined || objects.length < 2) return [whole];
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
