import { isdRTar } from "../../codec/euicc/aid.ts";
import { es5Commands } from "../../codec/euicc/es5/functions.ts";
import type { JobWork } from "../model/job.ts";
import type { OrderedWork } from "../model/new-job.ts";
import type { Target } from "../model/target.ts";
import { es5FromParams } from "./es5-params.ts";

/** Makes a job's work from a client's order. */
export function resolveWork(work: OrderedWork, target: Target): JobWork {
  if (work.kind !== "es5") return work;
  const fn = es5FromParams(work.function, work.params, target);
  const params = typeof work.params === "object" && work.params !== null ? { ...work.params } : {};
  const aid = "isdP" in fn && fn.isdP !== undefined ? { aid: fn.isdP } : {};
  return {
    kind: "script",
    tar: isdRTar,
    apdus: es5Commands(fn),
    function: { name: fn.name, params: { ...params, ...aid } },
  };
}
