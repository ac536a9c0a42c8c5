import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { driver } from "../../../drivers/sim/driver.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink } from "../../../src/link/modem/modem-link.ts";
import { profiles } from "../../link/modem/fake-modem.ts";

const deps = { clock: systemClock, random: Math.random, log: silentLog };

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
