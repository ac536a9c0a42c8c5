import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { control } from "../../../simulators/euicc/control.ts";
import { exportEis, exportMnoKeySets } from "../../../simulators/euicc/eis.ts";
import type { Executed } from "../../../simulators/euicc/execution-log.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { parseMisbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import { openEuicc } from "../../../simulators/euicc/program.ts";
import { FileStateStore } from "../../../simulators/euicc/state-store.ts";
import { fromHex } from "../../../src/base/hex.ts";
import * as fc from "../../fast-check.ts";
import { bench, envelope, secured, Terminal, tpduOf } from "./terminal.ts";

const audit = "AE80220580CAFF21000000";
const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "sim-euicc-"));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

describe("state of the simulated eUICC", () => {
  it("survives a restart: counters, switches, key sets; a replay is refused afterwards", async () => {
    const path = join(folder(), "state", "card.json");
    const first = new Terminal(openEuicc({ state: path }));
    await first.start();
    expect(await first.download(secured(audit, 7, { spi: "1601" })[0] ?? "")).toMatch(/AF802312FF21/);
    const second = new Terminal(openEuicc({ state: path }));
    await second.start();
    expect(await second.download(secured(audit, 7, { spi: "1601" })[0] ?? "")).toBe(
      "027100000B0A000001000000000700029000",
    );
    expect(await second.download(secured(audit, 8, { spi: "1601" })[0] ?? "")).toMatch(/AF802312FF21/);
    expect(JSON.parse(readFileSync(path, "utf8")).isdR.keySets[0].cntr).toBe("0000000008");
  });

  it("stores the counter before the script has its effect and before the answer is out", async () => {
    const saved: string[] = [];
    const state = createEuiccState();
    const { terminal } = bench(
      {},
      { state, store: { save: (now) => void saved.push(`${now.isdR.keySets[0]?.cntr}/${now.profiles.length}`) } },
    );
    await terminal.start();
    saved.length = 0;
    await terminal.download(secured("AE80221880E40040124F10A0000005591010FFFFFFFF8900001300000000", 5)[0] ?? "");
    expect(saved).toEqual(["0000000005/2", "0000000005/1"]);
  });

  it("has, killed at any moment, a whole state that never runs behind what it answered", async () => {
    const path = join(folder(), "card.json");
    const program = new URL("./endless-card.ts", import.meta.url).pathname;
    for (const patience of [3, 11, 20]) {
      const child = spawn(process.execPath, ["--import", "tsx", program, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let answered = "";
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        answered = line;
        lines += 1;
        if (lines === patience) child.kill("SIGKILL");
      }
      const state = new FileStateStore(path).load();
      expect(Number.parseInt(state?.isdR.keySets[0]?.cntr ?? "", 16)).toBeGreaterThanOrEqual(Number(answered));
    }
  });

  it("refuses a file that is not a card's state", () => {
    const path = join(folder(), "card.json");
    writeFileSync(path, "{}");
    expect(() => new FileStateStore(path).load()).toThrow("is not the state of a simulated eUICC");
  });

  it("is the same card for the same seed and another for another", () => {
    expect(createEuiccState({ seed: "a", profiles: 3 })).toEqual(createEuiccState({ seed: "a", profiles: 3 }));
    expect(createEuiccState({ seed: "a" }).eid).not.toBe(createEuiccState({ seed: "b" }).eid);
    for (const seed of ["a", "b", "c"]) expect(BigInt(createEuiccState({ seed }).eid) % 97n).toBe(1n);
  });

  it("exports its EIS", () => {
    const eis = exportEis(createEuiccState());
    expect(eis).toMatchObject({
      eid: "89001012012341234012345678901224",
      isdR: { aid: "A0000005591010FFFFFFFF8900000100" },
      profiles: [
        { state: "enabled", fallback: true },
        { state: "disabled", fallback: false },
      ],
    });
    expect(eis.isdR.keySets.map(({ kvn, type }) => [kvn, type])).toEqual([
      [1, "SCP80"],
      [0x40, "SCP81"],
    ]);
    expect(exportMnoKeySets(createEuiccState(), eis.profiles[0]?.iccid ?? "")).toHaveLength(4);
  });
});

describe("faults on demand", () => {
  const answerWith = async (fault: string) => {
    const { terminal, card } = bench();
    await terminal.start();
    Object.assign(card.misbehaviour, parseMisbehaviour(fault));
    const answer = await terminal.download(secured(audit, 3, { spi: "1609" })[0] ?? "");
    return { answer, terminal, card };
  };

  it("spoils, shifts, drops and doubles the PoR", async () => {
    const good = await answerWith("none");
    const wrongMac = await answerWith("por-mac");
    expect(wrongMac.answer.slice(0, 30)).toBe(good.answer.slice(0, 30));
    expect(wrongMac.answer).not.toBe(good.answer);
    expect((await answerWith("por-counter")).answer).toMatch(/0000000004/);
    expect((await answerWith("drop-por")).answer).toBe("9000");
    const doubled = await answerWith("duplicate-por");
    const [copy = ""] = await doubled.terminal.serve(doubled.answer);
    expect(tpduOf(copy)).toContain(good.answer.slice(0, -4));
  });

  it("is busy for a while, slow, random", async () => {
    const { terminal, card, clock } = bench();
    await terminal.start();
    Object.assign(card.misbehaviour, parseMisbehaviour("busy=2,delay=500"));
    const part = envelope(secured(audit, 3)[0] ?? "");
    expect([await terminal.raw(part), await terminal.raw(part), (await terminal.raw(part)).slice(0, 2)]).toEqual([
      "9300",
      "9300",
      "61",
    ]);
    expect(clock.time).toBe(1500);
    Object.assign(card.misbehaviour, parseMisbehaviour("random-sw=1,delay=off"));
    expect(await terminal.raw("80F2000C00")).toMatch(/^(6F00|6581|6985|6400|6A80|9300)$/);
  });

  it("falls mute, after a number of commands too, until it is reset", async () => {
    const { terminal, card } = bench();
    await terminal.start();
    Object.assign(card.misbehaviour, parseMisbehaviour("mute-after=1"));
    expect(await terminal.raw("80F2000C00")).toBe("9000");
    const silent = card.transmit(fromHex("80F2000C00"));
    expect(await Promise.race([silent, new Promise((resolve) => setTimeout(resolve, 20, "nothing"))])).toBe("nothing");
    card.misbehaviour.mute = false;
    card.reset();
    expect(await silent).toHaveLength(0);
    expect(await terminal.raw("80F2000C00")).toBe("9000");
    Object.assign(card.misbehaviour, parseMisbehaviour("wrong-atr"));
    expect(card.atr).toHaveLength(5);
  });

  it("names what it does not know and takes faults over its control line, in words and in JSON", async () => {
    expect(() => parseMisbehaviour("explode")).toThrow("no misbehaviour 'explode'");
    expect(() => parseMisbehaviour("busy=x")).toThrow("requires a number");
    const { card } = bench();
    const say = async (line: string) => JSON.parse(await control({ card }, line));
    expect(await say("misbehave por-mac,delay=5")).toEqual({ ok: true, misbehaviour: { porMac: true, delay: 5 } });
    expect(await say('{"do":"misbehave","with":"none"}')).toEqual({ ok: true, misbehaviour: {} });
    expect(await say("state")).toMatchObject({ ok: true, eid: card.state.eid });
    expect(await say("nonsense")).toMatchObject({ ok: false, error: { code: "api.usage" } });
    expect(await say("{")).toMatchObject({ ok: false, error: { code: "codec.text" } });
    expect(await control({ card }, "state")).not.toContain("000102030405060708090A0B0C0D0E0F");
  });
});

describe("the execution log", () => {
  it("tells each accepted packet once, after its effect, without secrets", async () => {
    const records: Executed[] = [];
    const { terminal } = bench({}, { onExecuted: (record) => void records.push(record) });
    await terminal.start();
    const packet = secured("AE80220580CAFF2100220D80D8000108FFFFFFFFFFFFFFFF0000", 3)[0] ?? "";
    await terminal.download(packet);
    await terminal.download(packet);
    expect(records).toMatchObject([{ bearer: "sms", tar: "000001", cntr: "0000000003", kvn: 1, spi: "1619" }]);
    expect(records[0]?.apdus).toEqual([
      { command: "80CAFF2100", sw: "9000" },
      { command: "80D80001", sw: "9484" },
    ]);
  });
});

describe("arbitrary input", () => {
  it("never brings the card down", async () => {
    const { terminal, card } = bench();
    await terminal.start();
    const classes = fc.constantFrom(0x00, 0x80, 0x84, 0x40, 0xa0);
    const instructions = fc.constantFrom(
      0xa4,
      0xb0,
      0xb2,
      0xd6,
      0xdc,
      0xa2,
      0xf2,
      0x20,
      0x2c,
      0x88,
      0x70,
      0xc0,
      0xca,
      0xe2,
      0xe6,
      0xe4,
      0x12,
      0x14,
      0x10,
      0xc2,
      0xaa,
    );
    const apdu = fc
      .tuple(
        classes,
        instructions,
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 255 }),
        fc.uint8Array({ maxLength: 60 }),
      )
      .map(([cla, ins, p1, p2, data]) => Uint8Array.of(cla, ins, p1, p2, data.length, ...data));
    const anything = fc.oneof(apdu, fc.uint8Array({ maxLength: 261 }));
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        const answer = await card.transmit(bytes);
        expect(answer.length).toBeGreaterThanOrEqual(2);
        expect(answer.length).toBeLessThanOrEqual(258);
        expect(Buffer.from(answer).toString("hex").slice(-4), "an unexpected exception").not.toBe("6f00");
      }),
      { numRuns: 3000 },
    );
  });

  it("in authentic scripts ends in status words and bad-format answers", async () => {
    const { terminal, card, state } = bench({ settings: { reportLimit: 250 } });
    await terminal.start();
    const target = card.application();
    if (!target) throw new Error("a card has an ISD-R");
    const seeds = [
      "80E28800153A03124F10A0000005591010FFFFFFFF8900001300",
      "80F2400200",
      "80E40040124F10A0000005591010FFFFFFFF890000140000",
      "80E6200016000010A0000005591010FFFFFFFF890000130000000000",
    ].map(fromHex);
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 255 }),
        fc.uint8Array({ maxLength: 8 }),
      )
      .map(([seed, at, value, tail]) => {
        const bytes = Uint8Array.from([...seed, ...tail]);
        bytes[at % bytes.length] = value;
        return Uint8Array.from([0xae, 0x80, 0x22, bytes.length, ...bytes, 0, 0]);
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 120 })), (body) => {
        const answer = card.runRemote(target, card.openRemote(target), body);
        expect(answer.length).toBeGreaterThanOrEqual(3);
        expect(Buffer.from(answer).toString("hex"), "an unexpected exception").not.toContain("23026f00");
      }),
      { numRuns: 2000 },
    );
    expect(state.profiles.filter((profile) => profile.state === "enabled")).toHaveLength(1);
  });
});
