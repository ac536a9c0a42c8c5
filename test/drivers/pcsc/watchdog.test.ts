import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Watchdog } from "../../../drivers/pcsc/watchdog.ts";

let late: number[];
let watchdog: Watchdog;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  late = [];
  watchdog = new Watchdog((limitMs) => late.push(limitMs));
});

afterEach(() => {
  vi.useRealTimers();
});

it("reports an exceeded limit once", () => {
  watchdog.arm(100);
  vi.advanceTimersByTime(99);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(late).toEqual([100]);
});

it("reports nothing for calls that end in time", () => {
  for (let i = 0; i < 50; i++) {
    watchdog.arm(100);
    vi.advanceTimersByTime(60);
    watchdog.rest();
  }
  vi.advanceTimersByTime(1_000);
  expect(late).toEqual([]);
});

it("keeps a limit that was set while the timer of an earlier one still runs", () => {
  watchdog.arm(100);
  vi.advanceTimersByTime(90);
  watchdog.rest();
  watchdog.arm(100);
  vi.advanceTimersByTime(99);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual([100]);
});

it("takes a shorter limit than the one before", () => {
  watchdog.arm(10_000);
  watchdog.rest();
  watchdog.arm(50);
  vi.advanceTimersByTime(50);
  expect(late).toEqual([50]);
});
