import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SimulatedModem } from "../../simulators/modem/modem.ts";
import { PlainCard } from "../../simulators/modem/plain-card.ts";
import type { PlayedProfile } from "../../simulators/modem/profile-behaviour.ts";
import { listenForHosts } from "../../simulators/socket-line.ts";
import { loadProfiles } from "../../src/link/modem/profile/profile-files.ts";
import { type ModemPair, openPair, programsAvailable, run, second, start, until } from "./modem-pair.ts";

process.env.PATH = `${process.env.PATH}:/usr/sbin`;
const usable = await programsAvailable("ModemManager", "dbus-daemon", "gdbus");
const service = "org.freedesktop.ModemManager1";
const root = "/org/freedesktop/ModemManager1";
const profiles = loadProfiles().list();

/** A private message bus with ModemManager in its test mode: no udev, no system bus. */
async function withManager(pair: ModemPair, work: (call: Call) => Promise<void>): Promise<void> {
  const address = `unix:path=${join(pair.folder, "bus")}`;
  const env = { DBUS_SESSION_BUS_ADDRESS: address, DBUS_SYSTEM_BUS_ADDRESS: address };
  await using _bus = start("dbus-daemon", ["--session", "--nofork", `--address=${address}`]);
  const flags = ["--test-session", "--test-enable", "--test-no-udev", "--no-auto-scan", "--test-no-suspend-resume"];
  await new Promise((resolve) => setTimeout(resolve, 300));
  await using manager = start("ModemManager", [...flags, "--test-no-qrtr", "--debug"], env);
  const call: Call = async (path, method, ...args) => {
    const { code, output } = await run(
      "gdbus",
      ["call", "--session", "--dest", service, "--object-path", path, "--method", method, "--", ...args],
      env,
    );
    if (code !== 0) throw new Error(`${method}: ${output}\n${manager.output().slice(-3000)}`);
    return output;
  };
  await until(() => manager.output().includes("ModemManager"), 10_000);
  await retry(() => call(root, "org.freedesktop.DBus.Peer.Ping"));
  await work(call);
}

type Call = (path: string, method: string, ...args: readonly string[]) => Promise<string>;

async function retry<T>(work: () => Promise<T>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function exercise(plugin: string, profile: PlayedProfile | undefined): Promise<void> {
  await using pair = await openPair();
  const card = new PlainCard({ imsi: "001010000000005", msisdn: "+15551000005", serviceCentre: "+15551000000" });
  await using modem = new SimulatedModem({ network: pair.network, card, ...(profile && { profile }) });
  // libuv fills the name of an abstract socket with zeros, GIO does not: a name of full length is the same for both.
  const name = `abstract:otagate-${process.pid}-${plugin}-`.padEnd(107, "x");
  await using _listener = await listenForHosts({ path: `\0${name}` }, (line) => line.onClose(modem.attachLine(line)));
  await modem.powerOn();
  await withManager(pair, async (call) => {
    await call(root, `${service}.Test.SetProfile`, "sim", plugin, `['${name}']`);
    const path = `${root}/Modem/0`;
    await retry(() => call(path, `${service}.Modem.Enable`, "true"), 60_000);
    const simple = await call(path, "org.freedesktop.DBus.Properties.GetAll", `${service}.Modem`);
    expect(simple).toContain("490154203237518");
    const state = `${service}.Modem.Modem3gpp`;
    await retry(async () => {
      const facts = await call(path, "org.freedesktop.DBus.Properties.GetAll", state);
      if (!facts.includes("'00101'")) throw new Error(facts);
    });
    const text = "{'number': <'+15551000002'>, 'text': <'Hello from ModemManager'>}";
    const sms = /(\/org[^']*)/.exec(await call(path, `${service}.Modem.Messaging.Create`, text))?.[1] ?? "";
    await call(sms, `${service}.Sms.Send`);
    await until(() => pair.two.stores.ME.used === 1);
    expect(pair.sent.at(-1)).toMatchObject({ from: "+15551000005", to: second });
    await pair.two.submit(Uint8Array.from(Buffer.from("01000B915155010000F500040568656C6C6F", "hex")));
    await retry(async () => {
      const list = await call(path, `${service}.Modem.Messaging.List`);
      const received = (list.match(/\/SMS\/\d+/g) ?? []).length;
      if (received < 2) throw new Error(`${list} with +CNMI ${modem.settings.cnmi}`);
    });
  });
}

describe.skipIf(!usable)("ModemManager on the simulated modem", () => {
  it("enables, registers, sends and receives with its generic plugin", async () => {
    await exercise("generic", undefined);
  }, 120_000);

  const vendors = { quectel: "quectel-", telit: "telit-", simtech: "simcom-", cinterion: "cinterion-" };
  for (const [plugin, prefix] of Object.entries(vendors)) {
    it(`does the same with its ${plugin} plugin and a hardware profile of that vendor`, async () => {
      const profile = profiles.find(({ name }) => name.startsWith(prefix));
      expect(profile).toBeDefined();
      await exercise(plugin, profile?.file);
    }, 120_000);
  }
});
