import { afterEach, describe, expect, it } from "vitest";
import type { DropPoint } from "../../../simulators/scp81/agent-deviations.ts";
import { octetText } from "../../../src/base/octet-text.ts";
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
    const rig = await set();
    const job = await rig.bench.ended(await rig.submit([getEid]));
    expect(job).toMatchObject({ state: "done", attempts: 1, chosen: { bearer: "https", link: "scp81" } });
    expect(octetText(job.result?.commands)).toEqual([{ data: expect.stringContaining(rig.eid), sw: "9000" }]);
    await rig.agent.idle();
    expect(rig.reports).toMatchObject([{ end: "complete", posts: 2 }]);
    const told = await rig.bench.until(async () => {
      const events = (await rig.bench.events()).filter((type) => type.startsWith("session."));
      return events.length === 3 ? events : undefined;
    });
    expect(told).toEqual(["session.triggered", "session.opened", "session.closed"]);
  });

  it("is done when the link broke before the card ran it: the same script goes again", async () => {
    const rig = await set({ deviations: dropped("before-execution") });
    const job = await rig.bench.ended(await rig.submit([getEid]));
    expect(job.state).toBe("done");
    expect(rig.executed).toHaveLength(1);
  });

  it("says that its answer is lost when the card ran it, and the next one follows in the resumed session", async () => {
    const rig = await set({ deviations: dropped("after-execution") });
    const first = await rig.submit([getEid], { moreToCome: true });
    const second = await rig.submit([getStatus]);
    expect(await rig.bench.ended(first)).toMatchObject({
      state: "failed",
      error: { code: "packet.answer-lost", executed: "unknown" },
    });
    expect((await rig.bench.ended(second)).state).toBe("done");
    expect(rig.executed.map(({ apdus }) => apdus.map(({ command }) => command.slice(0, 4)))).toEqual([
      ["80CA"],
      ["80F2"],
    ]);
  });

  it("asks again when its answer is lost and it may be repeated", async () => {
    const rig = await set({ deviations: dropped("after-execution") });
    const job = await rig.bench.ended(await rig.submit([getEid], { onAnswerLost: "repeat" }));
    expect(job).toMatchObject({ state: "done", attempts: 2 });
    expect(rig.executed).toHaveLength(2);
  });

  it("is reported not processed when the link breaks too often", async () => {
    const rig = await set({
      retry: { attempts: 30 },
      deviations: dropped(...Array.from({ length: 11 }, () => "before-execution" as const)),
    });
    expect(await rig.bench.ended(await rig.submit([getEid]))).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", detail: { why: "too-often" } },
    });
    expect(rig.executed).toHaveLength(0);
  });

  it("is reported refused when no application takes it", async () => {
    const rig = await set();
    const job = await rig.bench.ended(await rig.submit([getEid], {}, { aid: "A0000005591010FFFFFFFF890000FF00" }));
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "scp81.rejected", executed: false, detail: { scriptStatus: "unknown-application" } },
    });
  });

  it("survives a restart of the daemon between the script and its answer", async () => {
    const rig = await set({ deviations: dropped("after-execution"), retry: { delaySeconds: 1 } });
    const first = await rig.submit([getEid], { moreToCome: true });
    const second = await rig.submit([getStatus]);
    await rig.bench.until(async () => (rig.executed.length > 0 ? true : undefined));
    await rig.restart();
    expect(await rig.bench.ended(first)).toMatchObject({ error: { code: "packet.answer-lost" } });
    expect((await rig.bench.ended(second)).state).toBe("done");
    expect(rig.executed).toHaveLength(2);
    const ends = (await rig.bench.events()).filter((type) => type === "job.done" || type === "job.failed");
    expect(ends.toSorted()).toEqual(["job.done", "job.done", "job.failed"]);
  });

  it("of an unconfirmed session says that nobody knows when the card begins a new one", async () => {
    const rig = await set({ deviations: dropped("before-execution"), retry: { attempts: 0 } });
    const id = await rig.submit([getEid]);
    await rig.bench.until(async () => (rig.reports.length > 0 ? true : undefined));
    expect(rig.reports).toMatchObject([{ end: "gave-up" }]);
    rig.card.openSession();
    expect(await rig.bench.ended(id)).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", executed: "unknown" },
    });
  });
});

describe("scripts of one session", () => {
  it("wait for more while an upstream announces it", async () => {
    const rig = await set();
    const first = await rig.submit([getEid], { moreToCome: true });
    await rig.bench.ended(first);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const second = await rig.bench.ended(await rig.submit([getStatus]));
    expect(second).toMatchObject({ state: "done", chosen: { why: "an SCP81 session is open" } });
    await rig.agent.idle();
    expect(rig.reports).toMatchObject([{ end: "complete", posts: 3 }]);
  });

  it("are not held open for longer than was announced", async () => {
    const rig = await set({ holdOpenMs: 300 });
    await rig.bench.ended(await rig.submit([getEid], { moreToCome: true }));
    await rig.agent.idle();
    expect(rig.reports).toMatchObject([{ end: "complete" }]);
  });

  it("are cut at command boundaries when the card's buffer is small", async () => {
    const rig = await set();
    await rig.bench.targets.change(rig.eid, { settings: { scp81Buffer: 20 } });
    const job = await rig.bench.ended(await rig.submit([getEid, getStatus, getEid]));
    expect(job.state).toBe("done");
    expect(job.result?.commands.map(({ sw }) => sw)).toEqual(["9000", "9000", "9000"]);
    expect(rig.executed.map(({ apdus }) => apdus.length)).toEqual([1, 1, 1]);
  });

  it("that were cut stop where a command fails, and a broken link repeats only the part at hand", async () => {
    const rig = await set({ deviations: { drops: [{ at: "before-execution", post: 1, how: "reset" }] } });
    await rig.bench.targets.change(rig.eid, { settings: { scp81Buffer: 12 } });
    const job = await rig.bench.ended(await rig.submit([getEid, "80CA0BAD00", getEid]));
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "job.script", executed: "partly", executedCommands: 1, detail: { command: 2 } },
    });
    expect(rig.executed).toHaveLength(2);
  });

  it("end with a profile switch; what is behind it waits for its confirmation", async () => {
    const rig = await set();
    const aid = rig.card.state.profiles[1]?.aid;
    const { job } = await rig.bench.gateway.jobs.submit({
      target: rig.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      request: { bearer: "https", moreToCome: true },
      origin: { face: "api" },
    });
    const behind = await rig.submit([getStatus]);
    expect((await rig.bench.ended(job.id)).state).toBe("done");
    const later = await rig.bench.ended(behind);
    expect(later.state).toBe("done");
    const procedure = await rig.bench.store.read((r) => r.profileSwitches.ofJob(job.id));
    expect(procedure?.at).toBe("confirmed");
    expect(procedure?.endedAt).toBeLessThanOrEqual(later.startedAt ?? 0);
    await rig.agent.idle();
    expect(rig.reports).toMatchObject([{ end: "complete", posts: 2 }, {}]);
  });

  it("bring a notification, which is confirmed at once", async () => {
    const rig = await set({ fixture: { settings: { notificationBearer: "https" } } });
    const aid = rig.card.state.profiles[1]?.aid;
    const { job } = await rig.bench.gateway.jobs.submit({
      target: rig.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      request: { bearer: "https" },
      origin: { face: "api" },
    });
    await rig.bench.until(async () => {
      const procedure = await rig.bench.store.read((r) => r.profileSwitches.ofJob(job.id));
      return procedure?.at === "confirmed" ? procedure : undefined;
    });
    const [heard] = await rig.bench.store.read(async (r) => {
      const target = await r.targets.resolve(rig.eid);
      return r.notifications.list(target?.id, undefined, 10);
    });
    expect(heard).toMatchObject({ via: "https", confirmation: "confirmed" });
    await rig.agent.idle();
    expect(rig.reports).toHaveLength(2);
    expect((await rig.bench.events()).filter((type) => type === "session.triggered")).toHaveLength(1);
  });
});

describe("scripts in a secure channel of their own", () => {
  const begin = "8050300008010203040506070800";
  const goOn = "848201001000112233445566778899AABBCCDDEEFF";

  it.each(["before-execution", "after-execution"] as const)(
    "are not sent when the link broke %s of the first",
    async (at) => {
      const rig = await set({ deviations: dropped(at) });
      const aid = rig.card.state.profiles[1]?.aid ?? "";
      const first = await rig.submit([begin], { moreToCome: true }, { aid });
      const second = await rig.submit([goOn], { moreToCome: true }, { aid });
      const other = await rig.submit([getEid]);
      const lost = await rig.bench.ended(second);
      expect(lost).toMatchObject({
        state: "failed",
        attempts: 0,
        error: { code: "job.channel-ended", executed: false },
      });
      const began = await rig.bench.ended(first);
      expect(began.error?.executed).toBe("unknown");
      expect((await rig.bench.ended(other)).state).toBe("done");
      expect(rig.executed).toHaveLength(at === "after-execution" ? 2 : 1);
    },
  );
});
