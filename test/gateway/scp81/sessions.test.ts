import { afterEach, describe, expect, it } from "vitest";
import type { DropPoint } from "../../../simulators/scp81/agent-deviations.ts";
import { getEid, getStatus, Scp81Bench, type Scp81BenchOptions } from "./scp81-bench.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function set(options: Scp81BenchOptions = {}): Promise<Scp81Bench> {
  const made = await Scp81Bench.open(options);
  open.push(made);
  return made;
}

const dropped = (...at: DropPoint[]) => ({
  drops: at.map((point, post) => ({ at: point, post, how: "fin" as const })),
});

describe("a job by https", () => {
  it("is carried by a session that a short message asked for", async () => {
    const it = await set();
    const job = await it.bench.ended(await it.submit([getEid]));
    expect(job).toMatchObject({ state: "done", attempts: 1, chosen: { bearer: "https", link: "scp81" } });
    expect(job.result?.commands).toEqual([{ data: expect.stringContaining(it.eid), sw: "9000" }]);
    await it.agent.idle();
    expect(it.reports).toMatchObject([{ end: "complete", posts: 2 }]);
    const told = await it.bench.until(async () => {
      const events = (await it.bench.events()).filter((type) => type.startsWith("session."));
      return events.length === 3 ? events : undefined;
    });
    expect(told).toEqual(["session.triggered", "session.opened", "session.closed"]);
  });

  it("is done when the link broke before the card ran it: the same script goes again", async () => {
    const it = await set({ deviations: dropped("before-execution") });
    const job = await it.bench.ended(await it.submit([getEid]));
    expect(job.state).toBe("done");
    expect(it.executed).toHaveLength(1);
  });

  it("says that its answer is lost when the card ran it, and the next one follows in the resumed session", async () => {
    const it = await set({ deviations: dropped("after-execution") });
    const first = await it.submit([getEid], { moreToCome: true });
    const second = await it.submit([getStatus]);
    expect(await it.bench.ended(first)).toMatchObject({
      state: "failed",
      error: { code: "packet.answer-lost", executed: "unknown" },
    });
    expect((await it.bench.ended(second)).state).toBe("done");
    expect(it.executed.map(({ apdus }) => apdus.map(({ command }) => command.slice(0, 4)))).toEqual([
      ["80CA"],
      ["80F2"],
    ]);
  });

  it("asks again when its answer is lost and it may be repeated", async () => {
    const it = await set({ deviations: dropped("after-execution") });
    const job = await it.bench.ended(await it.submit([getEid], { onAnswerLost: "repeat" }));
    expect(job).toMatchObject({ state: "done", attempts: 2 });
    expect(it.executed).toHaveLength(2);
  });

  it("is reported not processed when the link breaks too often", async () => {
    const it = await set({
      retry: { attempts: 30 },
      deviations: dropped(...Array.from({ length: 11 }, () => "before-execution" as const)),
    });
    expect(await it.bench.ended(await it.submit([getEid]))).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", detail: { why: "too-often" } },
    });
    expect(it.executed).toHaveLength(0);
  });

  it("is reported refused when no application takes it", async () => {
    const it = await set();
    const job = await it.bench.ended(await it.submit([getEid], {}, { aid: "A0000005591010FFFFFFFF890000FF00" }));
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "scp81.rejected", executed: false, detail: { scriptStatus: "unknown-application" } },
    });
  });

  it("survives a restart of the daemon between the script and its answer", async () => {
    const it = await set({ deviations: dropped("after-execution"), retry: { delaySeconds: 1 } });
    const first = await it.submit([getEid], { moreToCome: true });
    const second = await it.submit([getStatus]);
    await it.bench.until(async () => (it.executed.length > 0 ? true : undefined));
    await it.restart();
    expect(await it.bench.ended(first)).toMatchObject({ error: { code: "packet.answer-lost" } });
    expect((await it.bench.ended(second)).state).toBe("done");
    expect(it.executed).toHaveLength(2);
    const ends = (await it.bench.events()).filter((type) => type === "job.done" || type === "job.failed");
    expect(ends.toSorted()).toEqual(["job.done", "job.done", "job.failed"]);
  });

  it("of an unconfirmed session says that nobody knows when the card begins a new one", async () => {
    const it = await set({ deviations: dropped("before-execution"), retry: { attempts: 0 } });
    const id = await it.submit([getEid]);
    await it.bench.until(async () => (it.reports.length > 0 ? true : undefined));
    expect(it.reports).toMatchObject([{ end: "gave-up" }]);
    it.card.openSession();
    expect(await it.bench.ended(id)).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", executed: "unknown" },
    });
  });
});

describe("scripts of one session", () => {
  it("wait for more while an upstream announces it", async () => {
    const it = await set();
    const first = await it.submit([getEid], { moreToCome: true });
    await it.bench.ended(first);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const second = await it.bench.ended(await it.submit([getStatus]));
    expect(second).toMatchObject({ state: "done", chosen: { why: "an SCP81 session is open" } });
    await it.agent.idle();
    expect(it.reports).toMatchObject([{ end: "complete", posts: 3 }]);
  });

  it("are not held open for longer than was announced", async () => {
    const it = await set({ holdOpenMs: 300 });
    await it.bench.ended(await it.submit([getEid], { moreToCome: true }));
    await it.agent.idle();
    expect(it.reports).toMatchObject([{ end: "complete" }]);
  });

  it("are cut at command boundaries when the card's buffer is small", async () => {
    const it = await set();
    await it.bench.targets.change(it.eid, { settings: { scp81Buffer: 20 } });
    const job = await it.bench.ended(await it.submit([getEid, getStatus, getEid]));
    expect(job.state).toBe("done");
    expect(job.result?.commands.map(({ sw }) => sw)).toEqual(["9000", "9000", "9000"]);
    expect(it.executed.map(({ apdus }) => apdus.length)).toEqual([1, 1, 1]);
  });

  it("that were cut stop where a command fails, and a broken link repeats only the part at hand", async () => {
    const it = await set({ deviations: { drops: [{ at: "before-execution", post: 1, how: "reset" }] } });
    await it.bench.targets.change(it.eid, { settings: { scp81Buffer: 12 } });
    const job = await it.bench.ended(await it.submit([getEid, "80CA0BAD00", getEid]));
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "job.script", executed: "partly", executedCommands: 1, detail: { command: 2 } },
    });
    expect(it.executed).toHaveLength(2);
  });

  it("end with a profile switch; what is behind it waits for its confirmation", async () => {
    const it = await set();
    const aid = it.card.state.profiles[1]?.aid;
    const { job } = await it.bench.gateway.jobs.submit({
      target: it.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      request: { bearer: "https", moreToCome: true },
      origin: { face: "api" },
    });
    const behind = await it.submit([getStatus]);
    expect((await it.bench.ended(job.id)).state).toBe("done");
    const later = await it.bench.ended(behind);
    expect(later.state).toBe("done");
    const procedure = await it.bench.store.read((r) => r.profileSwitches.ofJob(job.id));
    expect(procedure?.at).toBe("confirmed");
    expect(procedure?.endedAt).toBeLessThanOrEqual(later.startedAt ?? 0);
    await it.agent.idle();
    expect(it.reports).toMatchObject([{ end: "complete", posts: 2 }, {}]);
  });

  it("bring a notification, which is confirmed at once", async () => {
    const it = await set({ fixture: { settings: { notificationBearer: "https" } } });
    const aid = it.card.state.profiles[1]?.aid;
    const { job } = await it.bench.gateway.jobs.submit({
      target: it.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      request: { bearer: "https" },
      origin: { face: "api" },
    });
    await it.bench.until(async () => {
      const procedure = await it.bench.store.read((r) => r.profileSwitches.ofJob(job.id));
      return procedure?.at === "confirmed" ? procedure : undefined;
    });
    const [heard] = await it.bench.store.read(async (r) => {
      const target = await r.targets.resolve(it.eid);
      return r.notifications.list(target?.id, undefined, 10);
    });
    expect(heard).toMatchObject({ via: "https", confirmation: "confirmed" });
    await it.agent.idle();
    expect(it.reports).toHaveLength(2);
    expect((await it.bench.events()).filter((type) => type === "session.triggered")).toHaveLength(1);
  });
});

describe("scripts in a secure channel of their own", () => {
  const begin = "8050300008010203040506070800";
  const goOn = "848201001000112233445566778899AABBCCDDEEFF";

  it.each(["before-execution", "after-execution"] as const)(
    "are not sent when the link broke %s of the first",
    async (at) => {
      const it = await set({ deviations: dropped(at) });
      const aid = it.card.state.profiles[1]?.aid ?? "";
      const first = await it.submit([begin], { moreToCome: true }, { aid });
      const second = await it.submit([goOn], { moreToCome: true }, { aid });
      const other = await it.submit([getEid]);
      const lost = await it.bench.ended(second);
      expect(lost).toMatchObject({
        state: "failed",
        attempts: 0,
        error: { code: "job.channel-ended", executed: false },
      });
      const began = await it.bench.ended(first);
      expect(began.error?.executed).toBe("unknown");
      expect((await it.bench.ended(other)).state).toBe("done");
      expect(it.executed).toHaveLength(at === "after-execution" ? 2 : 1);
    },
  );
});
