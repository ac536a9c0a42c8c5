import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { first, openPair, programsAvailable, second, start, until } from "./modem-pair.ts";

const usable = await programsAvailable("smsd");

describe.skipIf(!usable)("smstools3 on the simulated modem", () => {
  it("registers, sends from its spool with a delivery report, and receives", async () => {
    await using pair = await openPair();
    const spool = (name: string) => join(pair.folder, name);
    for (const name of ["outgoing", "checked", "incoming", "failed", "report", "sent", "saved"]) mkdirSync(spool(name));
    const config = join(pair.folder, "smsd.conf");
    writeFileSync(
      config,
      `devices = GSM1\noutgoing = ${spool("outgoing")}\nchecked = ${spool("checked")}\nincoming = ${spool("incoming")}\n` +
        `failed = ${spool("failed")}\nreport = ${spool("report")}\nsent = ${spool("sent")}\nsaved = ${spool("saved")}\n` +
        `logfile = ${spool("log")}\nloglevel = 7\ndelaytime = 1\npidfile = ${spool("pid")}\ninfofile = ${spool("info")}\n` +
        `[GSM1]\ndevice = ${pair.ports[0]}\nincoming = yes\nreport = yes\nmemory_start = 0\nbaudrate = 115200\n`,
    );
    writeFileSync(join(spool("outgoing"), "m1"), `To: ${second.slice(1)}\nReport: yes\n\nHello from smstools`);
    await pair.two.submit(Uint8Array.from(Buffer.from("01000B915155010000F100040568656C6C6F", "hex")));
    await using daemon = start("smsd", ["-t", "-c", config]);
    const seen = () => daemon.output() + readFileSync(spool("log"), "utf8").slice(-2000);
    await until(() => pair.two.stores.ME.used === 1, 30_000, seen);
    await until(() => readdirSync(spool("incoming")).length === 1, 30_000, seen);
    expect(pair.sent.some(({ from, to, submit }) => from === first && to === second && submit.statusReport)).toBe(true);
    const [name = ""] = readdirSync(spool("incoming"));
    expect(readFileSync(join(spool("incoming"), name), "latin1")).toMatch(/^From: 15551000002\n[\s\S]*hello$/);
  }, 90_000);
});
