import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { drivers } from "../../drivers/all.ts";
import { SimulatedModem } from "../../simulators/modem/modem.ts";
import { PlainCard } from "../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../simulators/network/network.ts";
import { listenForHosts } from "../../simulators/socket-line.ts";
import { DriverRegistry } from "../../src/app/driver-registry.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/link/driver.ts";
import { ModemLink } from "../../src/link/modem/modem-link.ts";
import { profiles } from "../link/modem/fake-modem.ts";
import { testRandom } from "../seed.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/drivers.md"), "utf8");
// Inside the checkout, so that the sources and packages that the page imports are found.
const folder = mkdtempSync(join(root, "node_modules", ".driver-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The driver of the page, with the checkout's own files in place of the relative ones. */
function driverOfThePage(): { readonly file: string; readonly lines: number } {
  const code = /```ts\n(import [\s\S]*?)```/.exec(page)?.[1] ?? "";
  const file = join(folder, "driver.ts");
  writeFileSync(file, code.replaceAll("../../src/", `${root}/src/`));
  return { file, lines: code.trim().split("\n").length };
}

test("every registered driver is in the table, under the scheme it is registered for", async () => {
  for (const [scheme, load] of Object.entries(drivers)) {
    expect((await load()).driver.scheme).toBe(scheme);
    expect(page, scheme).toMatch(new RegExp(`^\\| .*\`${scheme}\``, "m"));
  }
});

test("the driver of the page compiles, and a modem comes up over it", { timeout: 60_000 }, async () => {
  const { file, lines } = driverOfThePage();
  expect(lines).toBeGreaterThan(20);
  expect(lines).toBeLessThanOrEqual(45);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: `${root}/tsconfig.json`,
      include: [file],
      exclude: [],
      compilerOptions: { noEmit: true },
    }),
  );
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { stdio: "pipe" });

  const scheme = /^ {2}(\w+): \(\) => import\("\.\/unix-socket\/driver\.ts"\),$/m.exec(page)?.[1] ?? "";
  const registry = new DriverRegistry({ ...drivers, [scheme]: () => import(pathToFileURL(file).href) }, "tty:");
  const network = new SimulatedNetwork();
  await using modem = new SimulatedModem({ network, card: new PlainCard({}) });
  const path = join(folder, "modem.sock");
  await using _listener = await listenForHosts({ path }, (line) => line.onClose(modem.attachLine(line)));
  await modem.powerOn();
  const deps = { clock: systemClock, random: testRandom(), log: silentLog };
  const place = await registry.resolve(`unix:${path}?connectTimeoutMs=2000`);
  expect(place.options).toEqual({ connectTimeoutMs: 2_000 });
  const openPort = (signal: AbortSignal) => registry.openPort(place, undefined, deps, signal);
  await using link = new ModemLink({ id: "modem:page", openPort, profiles, ...deps, settings: { settleMs: 50 } });
  link.start();
  await vi.waitFor(() => expect(link.state.phase).toEqual({ at: "ready" }), { timeout: 15_000 });
  await link[Symbol.asyncDispose]();
  network.close();
  await expect(registry.openPort(await registry.resolve("unix:/nowhere.sock"), undefined, deps)).rejects.toMatchObject({
    code: "link.unavailable",
  });
});
