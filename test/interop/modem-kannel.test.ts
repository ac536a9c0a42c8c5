import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { first, freePort, openPair, programsAvailable, run, second, start, until } from "./modem-pair.ts";

// bearerbox and smsbox sit outside a user's path on Debian.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/usr/lib/kannel`;
const usable = await programsAvailable("bearerbox", "smsbox", "curl");

describe.skipIf(!usable)("kannel's AT module on the simulated modem", () => {
  it("detects the modem, sends, and takes direct deliveries", async () => {
    await using pair = await openPair();
    const [admin, box, http] = [await freePort(), await freePort(), await freePort()];
    const config = join(pair.folder, "kannel.conf");
    writeFileSync(
      config,
      `group = core\nadmin-port = ${admin}\nadmin-password = x\nsmsbox-port = ${box}\nbox-allow-ip = "127.0.0.1"\n` +
        `log-file = "${join(pair.folder, "bearerbox.log")}"\nlog-level = 0\n\n` +
        `group = smsc\nsmsc = at\nsmsc-id = sim\nmodemtype = auto\nspeed = 115200\ndevice = ${pair.ports[0]}\nmy-number = ${first}\n\n` +
        `group = modems\nid = generic\nname = "Generic"\ninit-string = "AT+CNMI=1,2,0,1,0"\n\n` +
        `group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = ${box}\nsendsms-port = ${http}\n\n` +
        `group = sendsms-user\nusername = u\npassword = p\nmax-messages = 3\n\n` +
        `group = sms-service\nkeyword = default\ntext = "Echo %a"\n`,
    );
    await using bearerbox = start("bearerbox", ["-v", "0", config]);
    const seen = () => bearerbox.output().slice(-3000);
    await until(() => pair.one.settings.cnmi[1] === 2, 30_000, seen);
    await using smsbox = start("smsbox", ["-v", "4", config]);
    const url = `http://127.0.0.1:${http}/cgi-bin/sendsms?username=u&password=p&from=1&to=${encodeURIComponent(second)}&text=Hello`;
    await until(() => smsbox.child.exitCode === null && seen().includes("Client connected"), 20_000, seen);
    let sent = await run("curl", ["-s", url]);
    for (let i = 0; i < 20 && !/Accepted|Queued/.test(sent.output); i++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      sent = await run("curl", ["-s", url]);
    }
    expect(sent.output).toMatch(/Accepted|Queued/);
    await until(() => pair.two.stores.ME.used === 1, 20_000, seen);
    await pair.two.submit(Uint8Array.from(Buffer.from("01000B915155010000F100040568656C6C6F", "hex")));
    await until(() => pair.two.stores.ME.used === 2, 20_000, seen);
    expect(pair.sent.filter(({ from }) => from === first)).toHaveLength(2);
  }, 90_000);
});
