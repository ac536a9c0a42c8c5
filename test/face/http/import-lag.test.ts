import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";
import { leastStretch } from "./lag.ts";

let bench: ApiBench;
const maxMs = 50;
beforeAll(async () => {
  bench = await ApiBench.open();
}, 60_000);
afterAll(() => bench[Symbol.asyncDispose]());

const key = (at: number, salt: number) => `A1B2C3D4E5F6071${salt}${at.toString(16).padStart(16, "0")}`;
const iccid = (at: number) => `8944${String(at).padStart(14, "0")}`;
const aid = (at: number) => `A0000005591010FFFFFFFF8900${(0x1000 + at).toString(16).toUpperCase()}00`;
const keys = (at: number) => [1, 2].map((id) => ({ id, type: "AES", value: key(at, id) }));
const many = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));
const csv = (header: string, lines: readonly string[]) => ({ format: "csv", text: [header, ...lines].join("\n") });

const header = "iccid,name,kvn,algorithm,kic,kid,cntr,tags";
const wideHeader = ["iccid", ...many(15, (set) => `kic${set + 1},kid${set + 1}`)].join();

/** Files of about one megabyte, whose cards have numbers from the given one on. */
const files: Readonly<Record<string, (from: number) => object>> = {
  "CSV of cards": (from) =>
    csv(
      header,
      many(9000, (at) => `${iccid(from + at)},card ${from + at},1,AES,${key(at, 1)},${key(at, 2)},5,lab`),
    ),
  "CSV of cards with many keys": (from) =>
    csv(
      wideHeader,
      many(900, (at) => [iccid(from + at), ...many(15, (set) => `${key(set, 1)},${key(set, 2)}`)].join()),
    ),
  "CSV of lines without content": (from) => csv(header, [iccid(from), ",,\n".repeat(20_000)]),
  "CSV of empty lines": (from) => csv("iccid", [iccid(from), "\n".repeat(490_000)]),
  "JSON of cards": (from) => ({
    format: "json",
    items: many(5000, (at) => ({
      iccid: iccid(from + at),
      name: `card ${from + at}`,
      keySets: [{ kvn: 1, cntr: 5, keys: keys(at) }],
    })),
  }),
  "JSON of cards with many profiles": (from) => ({
    format: "json",
    items: many(15, (at) => ({
      iccid: iccid(from + at * 1000),
      profiles: many(500, (one) => ({
        aid: aid(one),
        iccid: iccid(from + at * 1000 + one + 1),
        state: "disabled",
        fallback: false,
      })),
    })),
  }),
  "JSON of cards with many keys": (from) => ({
    format: "json",
    items: many(530, (at) => ({
      iccid: iccid(from + at),
      keySets: many(15, (kvn) => ({ kvn: kvn + 1, keys: keys(at * 100 + kvn) })),
    })),
  }),
};

describe("no import of a megabyte holds the process for 50 ms", () => {
  it.each(
    Object.entries(files).flatMap(([name, make], index) =>
      [true, false].map((dryRun) => ({ name, make, dryRun, first: (2 * index + (dryRun ? 1 : 0)) * 1_000_000 })),
    ),
  )("$name, dry run: $dryRun", { timeout: 300_000 }, async ({ make, dryRun, first }) => {
    let from = first;
    let answered = "";
    const least = await leastStretch(async () => {
      const payload = JSON.stringify({ ...make(from), dryRun });
      // What is in already would be merged: each time other cards.
      from += 20_000;
      const { statusCode, payload: text } = await bench.daemon.api.inject({
        method: "POST",
        url: "/v1/targets/import",
        headers: { "content-type": "application/json" },
        payload,
      });
      answered = `${statusCode} ${text.slice(0, 200)}`;
    }, maxMs);
    expect(answered).toMatch(/^200 /);
    expect(least).toBeLessThanOrEqual(maxMs);
  });
});
