import { mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { driver } from "../../../drivers/sim/driver.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink } from "../../../src/link/modem/modem-link.ts";
import { profiles } from "../../link/modem/fake-modem.ts";
import { testRandom } from "../../seed.ts";

const deps = { clock: systemClock, random: testRandom(), log: silentLog };

test("an address is a modem that behaves as its profile says", async () => {
  const options = driver.options.parse({ profile: "quectel-ec25" });
  const openPort = async () => {
    const port = await driver.openPort?.("sim:bench", options, deps);
    if (port === undefined) throw new Error("no port");
    return port;
  };
  await using link = new ModemLink({ id: "modem:bench", openPort, profiles, ...deps, settings: { settleMs: 50 } });
  link.start();
  await vi.waitFor(() => expect(link.state.phase).toEqual({ at: "ready" }), { timeout: 10_000 });
  expect(link.state).toMatchObject({ profile: "quectel-ec25", pin: "READY" });
});

test("state files are readers with cards of their own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sim-driver-"));
  const options = driver.options.parse({ euiccs: [join(folder, "a.json"), join(folder, "b.json")] });
  const readers = (await driver.listReaders?.(options, deps)) ?? [];
  expect(readers.map(({ reader, state }) => [reader.name, state.at])).toEqual([
    ["euicc-1", "present"],
    ["euicc-2", "present"],
  ]);
  const stop = new AbortController();
  const names: string[] = [];
  for await (const event of driver.watchReaders?.(options, deps, stop.signal) ?? []) {
    if (event.kind === "reader-added") names.push(event.reader.address);
    if (names.length === 2) stop.abort();
  }
  expect(names).toEqual(["sim:euicc-1", "sim:euicc-2"]);
});

test("control lines reach the card of the reader that they begin with, else the first one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sim-driver-"));
  const control = join(folder, "control.sock");
  const euiccs = [join(folder, "a.json"), join(folder, "b.json")];
  const options = driver.options.parse({ euiccs, misbehave: "delay=1", control });
  const ask = async (line: string): Promise<unknown> => {
    const socket = connect(control);
    socket.end(`${line}\n`);
    return JSON.parse(await text(socket));
  };
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const event of driver.watchReaders?.(options, deps, stop.signal) ?? []) {
    if (event.kind === "reader-added") seen.push(event.reader.name);
    if (event.kind === "card-removed") seen.push(`${event.kind} ${event.reader}`);
    if (seen.length === 2) {
      expect(await ask("misbehave por-mac")).toEqual({ ok: true, misbehaviour: { delay: 1, porMac: true } });
      expect(await ask("euicc-2 state")).toMatchObject({ ok: true, misbehaviour: { delay: 1 } });
      expect(await ask("euicc-2 eject")).toEqual({ ok: true });
      expect(await ask("euicc-3 eject")).toMatchObject({ ok: false, error: { code: "api.usage" } });
    }
    if (seen.length === 3) stop.abort();
  }
  expect(seen).toEqual(["euicc-1", "euicc-2", "card-removed euicc-2"]);
  await expect(ask("state")).rejects.toThrow();
});
