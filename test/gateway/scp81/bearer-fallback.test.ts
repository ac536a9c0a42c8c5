import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import type { JobId } from "../../../src/base/id.ts";
import { isdRTar, parseAid, parseTar } from "../../../src/codec/euicc/aid.ts";
import type { Job, JobRequest, JobWork } from "../../../src/gateway/model/job.ts";
import type { KeySetInfo } from "../../../src/gateway/model/key-set.ts";
import { changingBearer, mayChangeBearer, sessionDueBy } from "../../../src/gateway/scp81/bearer-fallback.ts";
import { job, target } from "../records.ts";

const minute = 60_000;
const now = 10 * minute;
const isdR: KeySetInfo = {
  id: "key_1",
  target: "tgt_1",
  type: "SCP80",
  kvn: 1,
  tars: [],
  algorithm: "AES",
  ccLength: 8,
  cntr: 0,
};

/** A job that waited for a session until now. */
function waiting(id: JobId, more: Partial<Job> = {}, request: Partial<JobRequest> = {}): Job {
  const waited = { notBefore: now, validUntil: now + minute };
  return job({ id, ...waited, request: { bearer: "auto", maxPackets: 4, ...request }, ...more });
}

const script = (more: Partial<Extract<JobWork, { kind: "script" }>>): JobWork => ({
  kind: "script",
  tar: isdRTar,
  apdus: [fromHex("80CA005A00")],
  ...more,
});

describe("how long a job waits for a session", () => {
  // docs/scp81.md: two minutes, or half the validity if that is less
  it.each([
    ["a long validity", 60 * minute, 2 * minute],
    ["four minutes", 4 * minute, 2 * minute],
    ["three minutes", 3 * minute, 1.5 * minute],
    ["an odd number of milliseconds", 101, 50],
    ["nothing left", 0, 0],
    ["over", -minute, 0],
  ])("%s", (_, validityMs, patienceMs) => {
    expect(sessionDueBy(job({ validUntil: now + validityMs }), now)).toBe(now + patienceMs);
  });
});

describe("whether a job may change its bearer", () => {
  it.each<[string, Job, boolean]>([
    ["auto, no session in time", waiting("job_a"), true],
    ["auto, still in time", waiting("job_a", { notBefore: now + 1 }), false],
    ["auto, a session has sent a part of it", waiting("job_a", { attempts: 1 }), false],
    ["auto, at the end of its validity", waiting("job_a", { validUntil: now }), false],
    ["https always waits", waiting("job_a", {}, { bearer: "https" }), false],
  ])("%s: %s", (_, of, may) => {
    expect(mayChangeBearer(of, now)).toBe(may);
  });
});

describe("the jobs that are sent by SMS instead", () => {
  interface Case {
    readonly jobs: readonly Job[];
    readonly sets?: readonly KeySetInfo[];
    readonly switching?: boolean;
    readonly carried?: (job: Job) => boolean;
  }
  it.each<[string, Case, readonly string[]]>([
    ["none waits", { jobs: [] }, []],
    ["all that waited", { jobs: [waiting("job_a"), waiting("job_b")] }, ["job_a", "job_b"]],
    ["none behind one that stays", { jobs: [waiting("job_a", { attempts: 1 }), waiting("job_b")] }, []],
    [
      "those before one that stays",
      { jobs: [waiting("job_a"), waiting("job_b", {}, { bearer: "https" }), waiting("job_c")] },
      ["job_a"],
    ],
    ["none without a link", { jobs: [waiting("job_a")], carried: () => false }, []],
    [
      "those that a link carries",
      { jobs: [waiting("job_a"), waiting("job_b")], carried: ({ id }) => id === "job_a" },
      ["job_a"],
    ],
    ["none during a profile switch", { jobs: [waiting("job_a")], switching: true }, []],
    [
      "the confirmation of the switch during it",
      { jobs: [waiting("job_a", { lane: "system" }), waiting("job_b")], switching: true },
      ["job_a"],
    ],
    ["none without a key set", { jobs: [waiting("job_a")], sets: [] }, []],
    ["none with PSKs only", { jobs: [waiting("job_a")], sets: [{ ...isdR, type: "SCP81", kvn: 64 }] }, []],
    ["none whose TAR has no key set", { jobs: [waiting("job_a", { work: script({ tar: parseTar("B00010") }) })] }, []],
    [
      "one whose TAR has its own key set",
      {
        jobs: [waiting("job_a", { work: script({ tar: parseTar("B00010") }) })],
        sets: [{ ...isdR, tars: [parseTar("B00010")] }],
      },
      ["job_a"],
    ],
    ["one with the KVN of a key set", { jobs: [waiting("job_a", {}, { kvn: 1 })] }, ["job_a"]],
    ["none with the KVN of no key set", { jobs: [waiting("job_a", {}, { kvn: 2 })] }, []],
    ["none that names a secure channel", { jobs: [waiting("job_a", {}, { secureChannel: "one" })] }, []],
    // INITIALIZE UPDATE. GP Card Specification, Amendment D §7.1.1
    [
      "none that begins one",
      { jobs: [waiting("job_a", { work: script({ apdus: [fromHex(`8050300008${"00".repeat(8)}`)] }) })] },
      [],
    ],
    // Class byte 84: the command has a C-MAC. GP Card Specification §11.1.4
    [
      "none that continues one",
      { jobs: [waiting("job_a", { work: script({ apdus: [fromHex("84E2880001FF")] }) })] },
      [],
    ],
    [
      "none secured upstream",
      {
        jobs: [
          waiting("job_a", {
            work: { kind: "packet", userData: [Uint8Array.of(0)], protocolId: 127, dataCoding: 246 },
          }),
        ],
      },
      [],
    ],
    [
      "one whose AID is that of its TAR",
      {
        jobs: [
          waiting("job_a", {
            work: script({ tar: parseTar("000012"), aid: parseAid("A0000005591010FFFFFFFF8900001200") }),
          }),
        ],
      },
      ["job_a"],
    ],
    [
      "none whose AID is another application, which SMS cannot name",
      { jobs: [waiting("job_a", { work: script({ aid: parseAid("A000000151000000") }) })] },
      [],
    ],
    [
      "none that needs more than 255 short messages",
      {
        jobs: [
          waiting("job_a", {
            work: script({ apdus: Array.from({ length: 150 }, () => fromHex(`80E28800FF${"00".repeat(255)}`)) }),
          }),
        ],
      },
      [],
    ],
  ])("%s", (_, { jobs, sets = [isdR], switching = false, carried = () => true }, ids) => {
    const falling = changingBearer({ target: target(), sets, jobs, switching }, now, carried);
    expect(falling.map(({ id }) => id)).toEqual(ids);
  });
});
