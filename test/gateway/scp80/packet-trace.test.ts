import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { TracePcap } from "../../../src/face/cli/trace-pcap.ts";
import { FramePrinter } from "../../../src/face/cli/trace-text.ts";
import type { TracedFrame } from "../../../src/face/cli/traced-frame.ts";
import { onFrame } from "../../../src/link/trace.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, euicc } from "../bench.ts";

const keyMark = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
const pinMark = "3731393337313933";
const putKey = `80D8000117018810${keyMark}03AABBCC`;
const verify = `0020000108${pinMark}`;

/** The frames that passed while `work` ran, as the API hands them out. */
async function framesOf(work: () => Promise<unknown>): Promise<TracedFrame[]> {
  const frames: TracedFrame[] = [];
  const off = onFrame(({ bytes, ...frame }) => {
    frames.push({ ...frame, seq: frames.length, ...(bytes === undefined ? {} : { hex: toHex(bytes) }) });
  });
  try {
    await work();
  } finally {
    off();
  }
  return frames;
}

/** All a user can get of frames: JSON lines, the printed form, pcap. */
function everyForm(frames: readonly TracedFrame[]): string {
  let text = frames.map((frame) => JSON.stringify(frame)).join("\n");
  const printer = new FramePrinter({ out: process.stdout, err: process.stderr, fancy: false, json: false }, (more) => {
    text += more;
  });
  const pcap = new TracePcap();
  for (const frame of frames) {
    printer.take(frame);
    text += pcap.take(frame).map(toHex).join("");
  }
  printer.flush();
  // The printed form cuts octets into lines.
  return text.replace(/\n +/g, "");
}

async function runScript(
  spi: string,
  apdus = ["80CAFF2100", putKey, verify],
): Promise<{ frames: TracedFrame[]; keys: string[] }> {
  await using bench = await Bench.open();
  await bench.gateway.start();
  const card = euicc();
  const keys = card.state.isdR.keySets.flatMap((set) => set.keys.map(({ value }) => value.toUpperCase()));
  const frames = await framesOf(async () => {
    await bench.add(card);
    await bench.run({
      target: card.state.eid,
      work: readWork({ kind: "script", tar: isdRTar, apdus }),
      request: { spi: fromHex(spi) },
      origin: { face: "cli" },
    });
  });
  return { frames, keys };
}

describe("packets and scripts in the trace", () => {
  it("are published once, with target and job, in clear", async () => {
    const { frames } = await runScript("1639");
    const out = frames.filter((frame) => frame.dir === "out" && ["packet", "script"].includes(frame.kind));
    expect(out.map((frame) => frame.kind)).toEqual(["packet", "script"]);
    expect(out[0]).toMatchObject({ facts: { tar: isdRTar, cntr: 1, spi: "1639", transmission: 1 } });
    for (const frame of out) expect(frame).toMatchObject({ target: expect.any(String), job: expect.any(String) });
    expect(out[1]?.hex).toContain("80CAFF2100");
    const answers = frames.filter((frame) => frame.dir === "in" && frame.kind === "packet");
    expect(answers.at(-1)).toMatchObject({ facts: { status: 0, authenticated: true } });
    expect(fromHex(frames.findLast((frame) => frame.kind === "script")?.hex ?? "")[0]).toBe(0xab);
  });

  it.each(["1639", "0221"])("never show keys and PINs, with SPI %s", async (spi) => {
    const { frames, keys } = await runScript(spi);
    expect(frames.some((frame) => frame.kind === "tpdu" || frame.kind === "apdu")).toBe(true);
    const hiding = frames.filter((frame) => frame.facts?.hidden !== undefined).map((frame) => frame.kind);
    expect(new Set(hiding)).toEqual(new Set(spi === "1639" ? ["script"] : ["script", "apdu"]));
    const text = everyForm(frames);
    expect(text).not.toContain(keyMark);
    expect(text).not.toContain(pinMark);
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) expect(text).not.toContain(key);
  });

  it("never show keys of a script in clear that takes several short messages, whichever they are in", async () => {
    const storeKeys = `80E2880013811310${keyMark}`;
    const apdus = [...Array<string>(8).fill(putKey), storeKeys, verify, ...Array<string>(8).fill(storeKeys)];
    const { frames } = await runScript("0221", apdus);
    const envelopes = frames.filter((frame) => /^80C20000(81)?..D1/.test(frame.hex ?? ""));
    expect(envelopes.length).toBeGreaterThan(3);
    for (const { facts } of envelopes) expect(facts?.hidden).toBe("key");
    const text = everyForm(frames);
    // Cut between two messages, half of a key would still be one.
    expect(text).not.toContain(keyMark.slice(0, 16));
    expect(text).not.toContain(pinMark);
    expect(text).toContain("80D8000117".concat("00".repeat(23)));
  });
});
