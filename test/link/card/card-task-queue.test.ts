import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { CardTaskQueue } from "../../../src/link/card/card-task-queue.ts";

const now = () => 5_000;

describe("tasks", () => {
  test("run in order; one that finds the card busy waits its time and comes first then", async () => {
    const done: string[] = [];
    const queue = new CardTaskQueue();
    let busy = true;
    const first = queue.add(async () => {
      if (!busy) done.push("first");
      return !busy;
    });
    queue.addUnattended(async () => {
      done.push("second");
      return true;
    });
    await queue.runNext(now);
    expect([queue.dueAt, queue.length]).toEqual([6_000, 2]);
    await queue.runNext(now);
    busy = false;
    queue.addUnattended(async () => true);
    queue.resume();
    await queue.runNext(now);
    await first;
    expect(done).toEqual(["second", "first"]);
    expect([queue.dueAt, queue.ready]).toEqual([undefined, true]);
  });

  test("an abort takes one back before its turn and while it is put off, not while the card has it", async () => {
    const queue = new CardTaskQueue();
    const early = new AbortController();
    const waiting = queue.add(async () => true, early.signal);
    early.abort(new Error("early"));
    await expect(waiting).rejects.toThrow("early");
    await queue.runNext(now);

    const during = new AbortController();
    const running = queue.add(async () => {
      during.abort(new Error("during"));
      return true;
    }, during.signal);
    await queue.runNext(now);
    await expect(running).resolves.toBeUndefined();

    const busy = new AbortController();
    const postponed = queue.add(async () => false, busy.signal);
    await queue.runNext(now);
    busy.abort(new Error("busy"));
    await expect(postponed).rejects.toThrow("busy");
  });

  test("a failed link is passed on, a failed task is its owner's alone", async () => {
    const queue = new CardTaskQueue();
    const mine = queue.add(() => Promise.reject(new Error("mine")));
    await queue.runNext(now);
    await expect(mine).rejects.toThrow("mine");
    const mute = queue.add(() => Promise.reject(new GatewayError("card.mute", "mute")));
    mute.catch(() => undefined);
    await expect(queue.runNext(now)).rejects.toMatchObject({ code: "card.mute" });
    await expect(mute).rejects.toMatchObject({ code: "card.mute" });
  });

  test("closing fails what waits and takes nothing more", async () => {
    const queue = new CardTaskQueue();
    const waiting = queue.add(async () => true);
    queue.close(new Error("over"));
    await expect(waiting).rejects.toThrow("over");
    await expect(queue.add(async () => true)).rejects.toThrow("over");
    queue.addUnattended(async () => true);
    expect(queue.length).toBe(0);
  });
});
