import { execFileSync } from "node:child_process";
import { describe, expect, test, vi } from "vitest";
import { driver } from "../../../drivers/serial-tty/driver.ts";
import { openPty } from "../../../simulators/pty.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { signalQuality } from "../../../src/codec/at/general-commands.ts";
import { latin1 } from "../../../src/codec/at/line.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import { ptyAvailable, ptyMissing } from "../../simulators/pty.ts";

const deps = { clock: systemClock, random: () => 0, log: silentLog };
const options = driver.options.parse({});
const usable = await ptyAvailable();
if (!usable) console.warn(`skipped: ${ptyMissing}`);

async function open(address: string) {
  const port = await driver.openPort?.(address, options, deps);
  if (port === undefined) throw new Error("the driver opens ports");
  return port;
}

describe.skipIf(!usable)("a serial port over a pseudo-terminal", () => {
  test("carries AT through the engine", async () => {
    await using pty = await openPty();
    let input = "";
    pty.onData((chunk) => {
      input += latin1(chunk);
      if (input.endsWith("\r")) pty.write(Buffer.from("\r\n+CSQ: 20,99\r\n\r\nOK\r\n"));
    });
    await using engine = new AtEngine({
      port: await open(`tty:${pty.path}`),
      link: "modem-1",
      profile: loadProfiles().get("generic-3gpp"),
    });
    expect(await engine.run(signalQuality, undefined)).toEqual({ rssiDbm: -73 });
    expect(input).toBe("AT+CSQ\r");
  });

  test("what the device does not take at once arrives whole and in order", async () => {
    await using pty = await openPty();
    const parts: Uint8Array[] = [];
    await using port = await open(`tty:${pty.path}`);
    const long = Buffer.from(Array.from({ length: 40_000 }, (_, i) => 0x20 + (i % 90)));
    const sent = [long, Buffer.from("first"), long.subarray(1), Buffer.from("last")];
    // Nobody reads yet: the pseudo-terminal takes a few kilobytes and no more.
    const written = Promise.all(sent.map((bytes) => port.write(bytes)));
    await systemClock.sleep(50);
    pty.onData((chunk) => parts.push(Uint8Array.from(chunk)));
    await written;
    const whole = Buffer.concat(sent);
    await vi.waitFor(() => expect(Buffer.concat(parts).length).toBe(whole.length), { timeout: 10_000 });
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
  });

  test("takes the speed and the flow control of its options", async () => {
    await using pty = await openPty();
    const wanted = driver.options.parse({ baud: 921_600, flow: "rtscts" });
    await using port = await driver.openPort?.(`tty:${pty.path}`, wanted, deps);
    const settings = execFileSync("stty", ["-a", "-F", pty.path], { encoding: "utf8" });
    expect(settings).toMatch(/speed 921600 baud/);
    expect(settings).toMatch(/ crtscts/);
    expect(port?.uart).toEqual({ baud: 921_600, flow: "rtscts" });
    expect(driver.uartOptions?.({ baud: 9_600, flow: "xonxoff" })).toEqual({ baud: 9_600, flow: "xonxoff" });
    expect(driver.uartOptions?.({})).toEqual({});
  });

  test("is taken alone: a second opening finds it busy", async () => {
    await using pty = await openPty();
    await using _first = await open(`tty:${pty.path}`);
    await expect(open(`tty:${pty.path}`)).rejects.toMatchObject({ code: "link.busy" });
  });

  test("ends when the device goes away, and nothing written later reaches the next device", async () => {
    const pty = await openPty();
    const port = await open(`tty:${pty.path}`);
    const ended = (async () => {
      for await (const _chunk of port.incoming);
    })();
    const lost = expect(ended).rejects.toMatchObject({ code: "link.lost" });
    await systemClock.sleep(50);
    await pty[Symbol.asyncDispose]();
    await lost;
    await expect(port.write(Buffer.from("STALE\r"))).rejects.toMatchObject({ code: "link.lost" });
    await using next = await openPty();
    const heard: string[] = [];
    next.onData((chunk) => heard.push(latin1(chunk)));
    await using again = await open(`tty:${next.path}`);
    await again.write(Buffer.from("NEW\r"));
    while (heard.length === 0) await systemClock.sleep(5);
    expect(heard.join("")).toBe("NEW\r");
    await port[Symbol.asyncDispose]();
  });
});

test("a device that does not exist is unknown", async () => {
  await expect(open("tty:/dev/ttyNONE9")).rejects.toMatchObject({ code: "link.unknown" });
  await expect(open("tty:usb-9-9/if00")).rejects.toMatchObject({ code: "link.unknown" });
});
