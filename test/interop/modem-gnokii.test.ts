import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPair, programsAvailable, run, second, until } from "./modem-pair.ts";

const usable = await programsAvailable("gnokii");

describe.skipIf(!usable)("gnokii on the simulated modem", () => {
  it("identifies and sends to the other modem", async () => {
    await using pair = await openPair();
    const rc = join(pair.folder, "gnokii.rc");
    writeFileSync(rc, `[global]\nport = ${pair.ports[0]}\nmodel = AT\nconnection = serial\nbindir = /usr/sbin/\n`);
    const identity = await run("gnokii", ["--config", rc, "--identify"]);
    expect(identity.output).toMatch(/IMEI +: 490154203237518/);
    const child = spawn("gnokii", ["--config", rc, "--sendsms", second], { stdio: ["pipe", "ignore", "ignore"] });
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.stdin.end("Hello from gnokii");
    await until(() => pair.two.stores.ME.used === 1);
    expect(pair.sent[0]).toMatchObject({ to: second });
    await ended;
  }, 60_000);
});
