import { describe, expect, test } from "vitest";
import {
  announcedLength,
  type ProactiveEvent,
  type ProactiveSession,
  step,
} from "../../../src/link/card/terminal/proactive-session.ts";
import {
  elapsedSeconds,
  expireTimers,
  nextDue,
  remainingSeconds,
  startTimer,
  stopTimer,
  type Timers,
} from "../../../src/link/card/terminal/timers.ts";

const details = { number: 1, type: 0x02, qualifier: 0 };
const idle: ProactiveSession = { at: "idle" };
const announced: ProactiveSession = { at: "announced", length: 11 };
const fetching: ProactiveSession = { at: "fetching" };
const executing: ProactiveSession = { at: "executing", details };
const answering: ProactiveSession = { at: "answering", details };

describe("the dialogue", () => {
  test.each<[ProactiveSession, ProactiveEvent, ProactiveSession]>([
    [idle, { kind: "status", sw: 0x910b }, announced],
    [idle, { kind: "status", sw: 0x9100 }, { at: "announced", length: 256 }],
    [idle, { kind: "status", sw: 0x9000 }, idle],
    [idle, { kind: "status", sw: 0x6a82 }, idle],
    [announced, { kind: "status", sw: 0x910d }, { at: "announced", length: 13 }],
    // A card that announces once and answers other commands in between has still something to say.
    [announced, { kind: "status", sw: 0x9000 }, announced],
    [announced, { kind: "fetch" }, fetching],
    [fetching, { kind: "status", sw: 0x910b }, fetching],
    [fetching, { kind: "fetched", details }, executing],
    [fetching, { kind: "fetch-failed" }, idle],
    [executing, { kind: "status", sw: 0x910b }, executing],
    [executing, { kind: "answer" }, answering],
    [answering, { kind: "answered", sw: 0x9000 }, idle],
    [answering, { kind: "answered", sw: 0x910b }, announced],
    [answering, { kind: "answered", sw: 0x6f00 }, idle],
    [executing, { kind: "reset" }, idle],
    // What does not fit the state changes nothing.
    [idle, { kind: "fetch" }, idle],
    [idle, { kind: "answered", sw: 0x910b }, idle],
    [announced, { kind: "answer" }, announced],
  ])("%j with %j is %j", (now, event, next) => {
    expect(step(now, event)).toEqual(next);
  });

  test("only 91XX announces", () => {
    expect([0x9100, 0x91ff, 0x9000, 0x9200].map(announcedLength)).toEqual([256, 255, undefined, undefined]);
  });
});

test("timers run side by side, restart, stop and expire", () => {
  let timers: Timers = startTimer(startTimer([], 1, 10, 0), 2, 5, 0);
  expect(nextDue(timers)).toBe(5_000);
  timers = startTimer(timers, 2, 20, 1_000);
  expect(remainingSeconds(timers, 2, 1_500)).toBe(20);
  expect(remainingSeconds(timers, 3, 0)).toBeUndefined();
  const { due, running } = expireTimers(timers, 10_000);
  expect(due.map(({ id }) => id)).toEqual([1]);
  expect(due.map((timer) => elapsedSeconds(timer, 12_400))).toEqual([12]);
  expect(nextDue(stopTimer(running, 2))).toBeUndefined();
});
