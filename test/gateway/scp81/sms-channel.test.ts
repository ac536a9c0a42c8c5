import { afterEach, expect, it } from "vitest";
import type { JobId } from "../../../src/base/id.ts";
import { parseTar } from "../../../src/codec/euicc/aid.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, euicc } from "../bench.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

it("a secure channel whose script is refused is over by short message too", async () => {
  const bench = await Bench.open();
  open.push(bench);
  const card = euicc();
  const aid = card.state.profiles[1]?.aid ?? "";
  const link = await bench.add(card);
  await bench.gateway.start();
  const order = (apdu: string) => ({
    target: card.state.eid,
    work: readWork({ kind: "script", tar: parseTar(aid.slice(24, 30)), aid, apdus: [apdu] }),
    request: { bearer: "short-message" } as const,
    origin: { face: "api" } as const,
  });
  const jobs: JobId[] = [];
  for (const apdu of ["8050770008010203040506070800", `8482330010${"11".repeat(16)}`, `84E2880010${"22".repeat(16)}`])
    jobs.push((await bench.gateway.jobs.submit(order(apdu))).job.id);
  const [first = "job_", ...rest] = jobs;
  expect(await bench.ended(first)).toMatchObject({ state: "failed", error: { code: "job.script" } });
  for (const id of rest)
    expect(await bench.ended(id)).toMatchObject({
      state: "failed",
      error: { code: "job.channel-ended", executed: false, detail: { why: "secure-channel-lost" } },
    });
  expect(link.submitted).toHaveLength(1);
  const again = (await bench.gateway.jobs.submit(order("8050770008010203040506070800"))).job.id;
  expect(await bench.ended(again)).toMatchObject({ state: "failed", error: { code: "job.script" } });
  expect(link.submitted).toHaveLength(2);
});
