import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { first, openPair, programsAvailable, run, second, start, until } from "./modem-pair.ts";

const gammu = await programsAvailable("gammu");
const smsd = await programsAvailable("gammu-smsd");

describe.skipIf(!gammu)("gammu on the simulated modem", () => {
  it("identifies, sends to the other modem, and reads there what arrived", async () => {
    await using pair = await openPair();
    const rc = pair.ports.map((port, index) => {
      const file = join(pair.folder, `gammu${index}.rc`);
      writeFileSync(file, `[gammu]\ndevice=${port}\nconnection=at115200\n`);
      return file;
    });
    const identity = await run("gammu", ["-c", rc[0] ?? "", "identify"]);
    expect(identity.output).toMatch(/IMEI +: 490154203237518\n[\s\S]*SIM IMSI +: 001010000000001/);
    const text = "Long enough to need two parts of a concatenated short message: ".repeat(3);
    const sent = await run("gammu", ["-c", rc[0] ?? "", "sendsms", "TEXT", second, "-autolen", "400", "-text", text]);
    expect(sent.output).toContain("OK, message reference=1");
    await until(() => pair.two.stores.ME.used === 2);
    const read = await run("gammu", ["-c", rc[1] ?? "", "getallsms"]);
    expect(read.output).toContain(`Remote number        : "${first}"`);
    expect(read.output).toContain("Concatenated (linked) message");
    expect(read.output.replaceAll("\n", "")).toContain("Long enough to need two parts of a concatenated");
  }, 60_000);
});

describe.skipIf(!smsd)("gammu-smsd on the simulated modem", () => {
  it("sends from its outbox and receives into its inbox", async () => {
    await using pair = await openPair();
    const folders = ["in", "out", "sent", "error"].map((name) => `${join(pair.folder, name)}/`);
    for (const folder of folders) mkdirSync(folder);
    const [inbox = "", outbox = "", sentbox = "", errorbox = ""] = folders;
    const rc = join(pair.folder, "smsd.rc");
    writeFileSync(
      rc,
      `[gammu]\ndevice=${pair.ports[0]}\nconnection=at115200\n[smsd]\nservice=files\nlogfile=stdout\nLoopSleep=1\nReceiveFrequency=1\n` +
        `StatusFrequency=0\nCheckSecurity=0\nCheckBattery=0\nCheckSignal=0\nResetFrequency=0\n` +
        `inboxpath=${inbox}\noutboxpath=${outbox}\nsentsmspath=${sentbox}\nerrorsmspath=${errorbox}\n`,
    );
    writeFileSync(join(outbox, `OUT${second}.txt`), "Hello from smsd");
    await pair.two.submit(Uint8Array.from(Buffer.from("01000B915155010000F100040568656C6C6F", "hex")));
    await using daemon = start("gammu-smsd", ["-c", rc]);
    const seen = () => `${daemon.output().slice(-2000)}`;
    await until(() => pair.two.stores.ME.used === 1, 30_000, seen);
    await until(() => readdirSync(inbox).length === 1, 20_000, seen);
    expect(pair.sent.some(({ from, to }) => from === first && to === second)).toBe(true);
    expect(readdirSync(inbox)[0]).toContain("15551000002");
    expect(readFileSync(join(inbox, readdirSync(inbox)[0] ?? ""))).toEqual(Buffer.from("hello"));
    expect(pair.one.stores.ME.used).toBe(0);
  }, 60_000);
});
