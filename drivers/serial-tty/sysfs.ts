import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withoutUndefined } from "../../src/base/defined.ts";
import type { PortInfo } from "../../src/link/driver.ts";

/**
 * Serial ports as the kernel lists them, each with the number of its USB interface, which distinguishes a
 * modem's ports. `root` is where `/sys` and `/dev` are found; the empty string on a real machine.
 */
export async function listTtys(root = ""): Promise<readonly PortInfo[]> {
  const names = await readdir(join(root, "/sys/class/tty")).catch(() => []);
  const ports = await Promise.all(names.filter(isSerial).map((name) => describe(root, name)));
  return ports
    .filter((port) => port !== undefined)
    .sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

/** Names of the existing ports; cheap enough to be read every second. */
export async function ttyNames(root = ""): Promise<readonly string[]> {
  return (await readdir(join(root, "/sys/class/tty")).catch(() => [])).filter(isSerial);
}

function isSerial(name: string): boolean {
  return /^tty(USB|ACM|S|AMA|mxc|O|HS|SAC|PS|THS|XR|GS|MSM|LP)\d+$/.test(name);
}

async function describe(root: string, name: string): Promise<PortInfo | undefined> {
  const device = await realpath(join(root, "/sys/class/tty", name, "device")).catch(() => undefined);
  if (device === undefined) return undefined;
  const path = `/dev/${name}`;
  const face = await interfaceFolder(device);
  if (face === undefined) return (await isPopulated(root, name)) ? { address: `tty:${path}`, path } : undefined;
  const parent = dirname(face);
  const [number, vendor, product, serial, manufacturer, label] = await Promise.all([
    attribute(face, "bInterfaceNumber"),
    attribute(parent, "idVendor"),
    attribute(parent, "idProduct"),
    attribute(parent, "serial"),
    attribute(parent, "manufacturer"),
    attribute(parent, "product"),
  ]);
  const usbInterface = number === undefined ? undefined : Number.parseInt(number, 16);
  const usbPath = basename(parent);
  return {
    address: usbInterface === undefined ? `tty:${path}` : usbAddress(usbPath, usbInterface),
    path,
    ...(vendor === undefined || product === undefined ? {} : { usb: `${vendor}:${product}`.toLowerCase() }),
    usbPath,
    ...withoutUndefined({ usbInterface, usbSerial: serial, manufacturer, product: label }),
  };
}

/** The address that stays the same when the kernel numbers its ports again. */
function usbAddress(usbPath: string, usbInterface: number): string {
  return `tty:usb-${usbPath}/if${usbInterface.toString(16).padStart(2, "0")}`;
}

/** The folder of the USB interface a device belongs to; undefined for other buses. */
async function interfaceFolder(device: string): Promise<string | undefined> {
  for (let folder = device; folder !== "/" && folder !== "."; folder = dirname(folder)) {
    if ((await attribute(folder, "bInterfaceNumber")) !== undefined) return folder;
    if (basename(folder) === "devices") return undefined;
  }
  return undefined;
}

/** The kernel lists UARTs that a board does not have; their `type` is 0. */
async function isPopulated(root: string, name: string): Promise<boolean> {
  return (await attribute(join(root, "/sys/class/tty", name), "type")) !== "0";
}

async function attribute(folder: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, name), "utf8").catch(() => undefined);
  return text?.trim();
}
