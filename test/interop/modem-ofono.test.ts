import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SimulatedModem } from "../../simulators/modem/modem.ts";
import { PlainCard } from "../../simulators/modem/plain-card.ts";
import { listenForHosts } from "../../simulators/socket-line.ts";
import { openPair, programsAvailable, run, second, start, until } from "./modem-pair.ts";

process.env.PATH = `${process.env.PATH}:/usr/sbin`;
const usable = await programsAvailable("ofonod", "dbus-daemon", "gdbus");

describe.skipIf(!usable)("oFono on the simulated modem over TCP", () => {
  it("powers it on, reads the card and sends", async () => {
    await using pair = await openPair();
    const card = new PlainCard({ imsi: "001010000000006", msisdn: "+15551000006", serviceCentre: "+15551000000" });
    await using modem = new SimulatedModem({ network: pair.network, card });
    await using listener = await listenForHosts({ port: 0 }, (line) => line.onClose(modem.attachLine(line)));
    await modem.powerOn();
    const config = join(pair.folder, "ofono");
    mkdirSync(config);
    writeFileSync(join(config, "phonesim.conf"), `[sim]\nDriver=phonesim\nAddress=127.0.0.1\nPort=${listener.port}\n`);
    const address = `unix:path=${join(pair.folder, "bus")}`;
    const env = {
      DBUS_SESSION_BUS_ADDRESS: address,
      DBUS_SYSTEM_BUS_ADDRESS: address,
      OFONO_PHONESIM_CONFIG: join(config, "phonesim.conf"),
    };
    await using _bus = start("dbus-daemon", ["--session", "--nofork", `--address=${address}`]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await using ofono = start("ofonod", ["-n", "-d"], env);
    const seen = () => ofono.output().slice(-3000);
    const call = (path: string, method: string, ...args: readonly string[]) =>
      run(
        "gdbus",
        ["call", "--session", "--dest", "org.ofono", "--object-path", path, "--method", method, "--", ...args],
        env,
      );
    const succeed = async (path: string, method: string, ...args: readonly string[]): Promise<string> => {
      for (const end = Date.now() + 20_000; ; ) {
        const { code, output } = await call(path, method, ...args);
        if (code === 0) return output;
        if (Date.now() > end) throw new Error(`${method}: ${output}\n${seen()}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    await succeed("/sim", "org.ofono.Modem.SetProperty", "Powered", "<true>");
    await succeed("/sim", "org.ofono.Modem.SetProperty", "Online", "<true>");
    for (const end = Date.now() + 20_000; ; ) {
      const facts = await succeed("/sim", "org.ofono.SimManager.GetProperties");
      if (facts.includes("001010000000006") || Date.now() > end) {
        expect(facts).toContain("001010000000006");
        break;
      }
    }
    await succeed("/sim", "org.ofono.MessageManager.SendMessage", second, "Hello from oFono");
    await until(() => pair.two.stores.ME.used === 1, 20_000, seen);
    expect(pair.sent[0]).toMatchObject({ from: "+15551000006", to: second });
  }, 90_000);
});
