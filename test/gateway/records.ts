import { type Aid, isdRTar, parseAid } from "../../src/codec/euicc/aid.ts";
import type { Job } from "../../src/gateway/model/job.ts";
import type { EsimProfile, Target } from "../../src/gateway/model/target.ts";
import { readWork } from "../../src/store/octet-rows.ts";

/** ISD-P AIDs of table tests. */
export const isdP = {
  first: parseAid("A0000005591010FFFFFFFF8900001100"),
  second: parseAid("A0000005591010FFFFFFFF8900001200"),
} as const;

/** A profile as the EIS has it; disabled, without rules. */
export function profile(aid: Aid, more: Partial<EsimProfile> = {}): EsimProfile {
  return { aid, state: "disabled", fallback: false, ...more };
}

/** A stored eUICC for table tests. */
export function target(more: Partial<Target> = {}): Target {
  return {
    id: "tgt_1",
    kind: "euicc",
    tags: [],
    esimProfiles: [],
    reach: {},
    settings: {},
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    ...more,
  };
}

/** A stored job for table tests: queued, for the ISD-R. */
export function job(more: Partial<Job> = {}): Job {
  return {
    seq: 1,
    id: "job_1",
    target: "tgt_1",
    state: "queued",
    lane: "normal",
    work: readWork({ kind: "script", tar: isdRTar, apdus: ["80CA005A00"] }),
    request: { bearer: "auto", maxPackets: 4 },
    origin: { face: "cli" },
    attempts: 0,
    notBefore: 0,
    validUntil: 1_000_000,
    createdAt: 0,
    ...more,
  };
}
