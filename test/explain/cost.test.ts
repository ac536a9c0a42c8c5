import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { explainTypes } from "../../src/explain/context.ts";
import { explain } from "../../src/explain/explain.ts";
import { treeLines } from "../../src/explain/tree-text.ts";
import { exampleKeys } from "./worked.ts";

const keys = exampleKeys();
const answered = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12 };

type Shape = (octets: number) => Uint8Array;

const text = (ascii: string) => new TextEncoder().encode(ascii);

/** `head`, then `unit` over and over. */
function repeated(unit: Uint8Array, head: Uint8Array = new Uint8Array(0)): Shape {
  return (octets) =>
    Uint8Array.from({ length: octets }, (_, at) => head[at] ?? unit[(at - head.length) % unit.length] ?? 0);
}

/** A template whose length fills the octets, around another shape. */
function wrappedIn(tag: string, inner: Shape): Shape {
  const head = fromHex(tag);
  return (octets) => {
    const length = octets - head.length - 4;
    return Uint8Array.from([...head, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff, ...inner(length)]);
  };
}

/** Templates in templates, each of which fills the one around it. */
function nested(tag: string): Shape {
  const head = fromHex(tag);
  return (octets) => {
    const all = new Uint8Array(octets);
    for (let at = 0; at + head.length + 4 <= octets; at += head.length + 4) {
      const length = octets - at - head.length - 4;
      all.set([...head, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff], at);
    }
    return all;
  };
}

/** The same octets at every run, with no pattern in them. */
const random: Shape = (octets) => {
  let state = 12345;
  return Uint8Array.from({ length: octets }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
};

const extended = (header: string, octets: number) =>
  fromHex(`${header}00${((octets - 7) & 0xffff).toString(16).padStart(4, "0")}`);

const shapes: Readonly<Record<string, Shape>> = {
  zeros: (octets) => new Uint8Array(octets),
  ones: (octets) => new Uint8Array(octets).fill(0xff),
  digits: (octets) => new Uint8Array(octets).fill(0x30),
  random,
  "empty text strings": repeated(fromHex("0500")),
  "command details": repeated(fromHex("8103014001")),
  "objects in a proactive command": wrappedIn("D0", repeated(fromHex("050100"))),
  "objects in a notification": wrappedIn("E1", repeated(fromHex("4C00"))),
  "objects in a session trigger": wrappedIn("81", wrappedIn("83", repeated(fromHex("8400")))),
  AIDs: repeated(fromHex("4F00")),
  "a definite script": wrappedIn("AA", repeated(fromHex("220400A40000"))),
  "an indefinite script": repeated(fromHex("220500A4000000"), fromHex("AE80")),
  "an indefinite script of nothing": repeated(fromHex("2200"), fromHex("AE80")),
  "an answer": repeated(fromHex("23029000"), fromHex("AF80")),
  "an SCP03t answer": repeated(fromHex("8400"), fromHex("AF80")),
  "a compact script": repeated(fromHex("00A4000000")),
  "a compact script of reads": repeated(fromHex("00C0000000")),
  "data groupings": (octets) => repeated(fromHex("3A0300"), extended("80E28800", octets))(octets),
  "stored objects": (octets) => repeated(fromHex("8500"), extended("80E29000", octets))(octets),
  "a delete command": (octets) => repeated(fromHex("4F00"), extended("80E40040", octets))(octets),
  "a user data header": repeated(fromHex("2400"), fromHex("FF")),
  "a request of many headers": repeated(text("A: b\r\n"), text("GET / HTTP/1.1\r\n")),
  "a request in many chunks": repeated(
    text("1\r\nA\r\n"),
    text("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
  ),
  "many requests": repeated(text("GET / HTTP/1.1\r\n\r\n")),
  "empty records of TLS": repeated(fromHex("1603030000")),
  "small records of TLS": repeated(fromHex("140303000101")),
  "profile elements": repeated(fromHex("AA00")),
  ...Object.fromEntries(
    ["30", "A0", "BF30", "E3", "66", "D0", "AA", "22", "FF21", "62", "7F21", "81", "83", "24", "D1", "8B"].map(
      (tag) => [`nested ${tag}`, nested(tag)],
    ),
  ),
};

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const size = 12_000;
/** What is this quick is not measured: 24,000 octets at a quadratic cost take seconds. */
const quick = 80;
/** Twice the octets cost twice the time where the algorithm is linear, four times where it is quadratic. */
const ratio = 3;

/** Whether double the octets cost about double: one good measurement of five is enough, so that a busy machine is no failure. */
function isLinear(make: Shape, work: (octets: Uint8Array) => void): boolean {
  const [once, twice] = [make(size), make(size * 2)];
  for (let attempt = 0; attempt < 5; attempt++) {
    const long = cpuMs(() => work(twice));
    if (long < quick || long < ratio * cpuMs(() => work(once))) return true;
  }
  return false;
}

describe("the cost of an explanation grows with the octets, not with their square", () => {
  it.each(Object.entries(shapes))("%s", (_, make) => {
    for (const as of [undefined, ...explainTypes]) {
      expect({ as, linear: isLinear(make, (octets) => void explain(octets, { keys, answered, as })) }).toEqual({
        as,
        linear: true,
      });
    }
    expect(isLinear(make, (octets) => void [...treeLines(explain(octets).node)])).toBe(true);
  });
});
