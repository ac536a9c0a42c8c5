import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { driver, type TtyOptions } from "../../../drivers/serial-tty/driver.ts";
import { listTtys } from "../../../drivers/serial-tty/sysfs.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { type PortEvent, silentLog } from "../../../src/link/driver.ts";
import { findModems } from "../../../src/link/modem/discover.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";

const deps = { clock: systemClock, random: () => 0, log: silentLog };

/** A USB device with one tty per interface, laid out as the kernel does it for option (`usb-serial`) or cdc_acm. */
function plug(root: string, usbPath: string, ids: string, ttys: Readonly<Record<string, string>>): void {
  const device = join(root, "sys/devices/pci0000:00/usb1", usbPath);
  mkdirSync(device, { recursive: true });
  const [vendor, product] = ids.split(":");
  writeFileSync(join(device, "idVendor"), `${vendor}\n`);
  writeFileSync(join(device, "idProduct"), `${product}\n`);
  writeFileSync(join(device, "serial"), "0123456789\n");
  writeFileSync(join(device, "product"), "EG25-G\n");
  for (const [tty, number] of Object.entries(ttys)) {
    const face = join(device, `${usbPath}:1.${Number.parseInt(number, 16)}`);
    const holder = tty.startsWith("ttyUSB") ? join(face, tty) : face;
    mkdirSync(join(root, "sys/class/tty", tty), { recursive: true });
    mkdirSync(holder, { recursive: true });
    writeFileSync(join(face, "bInterfaceNumber"), `${number}\n`);
    symlinkSync(holder, join(root, "sys/class/tty", tty, "device"));
  }
}

describe("serial ports in sysfs", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "sysfs-"));
    mkdirSync(join(root, "sys/class/tty/tty0"), { recursive: true });
    plug(root, "1-1.4", "2c7c:0125", { ttyUSB0: "00", ttyUSB1: "01", ttyUSB2: "02", ttyUSB3: "03" });
  });

  test("are listed with USB id, path and interface number", async () => {
    expect(await listTtys(root)).toHaveLength(4);
    expect((await listTtys(root))[2]).toEqual({
      address: "tty:usb-1-1.4/if02",
      path: "/dev/ttyUSB2",
      usb: "2c7c:0125",
      usbPath: "1-1.4",
      usbInterface: 2,
      usbSerial: "0123456789",
      product: "EG25-G",
    });
  });

  test("of cdc_acm and of boards are listed too; UARTs that are not there are not", async () => {
    plug(root, "1-2", "1e2d:0069", { ttyACM0: "0a" });
    for (const [name, type] of [
      ["ttyS0", "4"],
      ["ttyS1", "0"],
    ] as const) {
      mkdirSync(join(root, "sys/devices/platform/serial", name), { recursive: true });
      mkdirSync(join(root, "sys/class/tty", name), { recursive: true });
      writeFileSync(join(root, "sys/class/tty", name, "type"), type);
      symlinkSync(join(root, "sys/devices/platform/serial", name), join(root, "sys/class/tty", name, "device"));
    }
    const ports = await listTtys(root);
    expect(ports.find(({ path }) => path === "/dev/ttyACM0")).toMatchObject({
      usbInterface: 10,
      address: "tty:usb-1-2/if0a",
    });
    expect(ports.map(({ path }) => path)).toContain("/dev/ttyS0");
    expect(ports.map(({ path }) => path)).not.toContain("/dev/ttyS1");
  });

  test("are grouped to modems, the AT port first, diagnostics and positions left alone", async () => {
    const [modem] = findModems(await listTtys(root), loadProfiles());
    expect(modem).toMatchObject({ id: "usb-1-1.4", usb: "2c7c:0125", candidates: ["quectel-ec25"] });
    expect(modem?.at.map(({ path }) => path)).toEqual(["/dev/ttyUSB2", "/dev/ttyUSB3"]);
  });

  test("of a device that nobody knows are all tried", async () => {
    plug(root, "1-9", "dead:beef", { ttyUSB7: "01", ttyUSB8: "00" });
    const modem = findModems(await listTtys(root), loadProfiles()).find(({ usb }) => usb === "dead:beef");
    expect(modem?.at.map(({ path }) => path)).toEqual(["/dev/ttyUSB8", "/dev/ttyUSB7"]);
  });

  test("come and go as they are plugged", async () => {
    const options: TtyOptions = { ...driver.options.parse({}), root, pollMs: 50 };
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of driver.watchPorts?.(options, deps, stop.signal) ?? []) seen.push(told(event));
    })();
    const until = async (expected: string) => {
      while (!seen.includes(expected)) await systemClock.sleep(10);
    };
    await until("port-added /dev/ttyUSB3");
    rmSync(join(root, "sys/class/tty/ttyUSB3"), { recursive: true });
    await until("port-removed /dev/ttyUSB3");
    plug(root, "1-3", "1e0e:9001", { ttyUSB9: "02" });
    await until("port-added /dev/ttyUSB9");
    stop.abort();
    await watching;
    expect(seen).toHaveLength(6);
  });

  test("nothing is no error", async () => expect(await listTtys("/nonexistent")).toEqual([]));
});

function told({ kind, port }: PortEvent): string {
  return `${kind} ${port.path}`;
}
