import { withoutUndefined } from "../../base/defined.ts";
import type { PortInfo } from "../driver.ts";
import { type ModemProfile, type ProfileSet, portsFor } from "./profile/profile.ts";

/** A USB device with serial ports that may be a modem. */
interface FoundModem {
  /** Stable as long as it sits in the same socket: `usb-1-1.4`. */
  readonly id: string;
  readonly usb: string;
  readonly usbPath: string;
  readonly product?: string;
  /** Profiles that name its USB id; identification decides among them. */
  readonly candidates: readonly string[];
  /** Ports to try for AT, the most likely first. */
  readonly at: readonly PortInfo[];
}

/** Groups ports by device and determines which of them accept AT commands. */
export function findModems(ports: readonly PortInfo[], profiles: ProfileSet): readonly FoundModem[] {
  const devices = new Map<string, PortInfo[]>();
  for (const port of ports) {
    if (port.usbPath === undefined || port.usb === undefined) continue;
    devices.set(port.usbPath, [...(devices.get(port.usbPath) ?? []), port]);
  }
  return [...devices].flatMap(([usbPath, group]) => {
    const [first] = group;
    if (first?.usb === undefined) return [];
    const candidates = profiles.byUsb(first.usb);
    const at = atPorts(group, candidates);
    if (at.length === 0) return [];
    return [
      {
        id: `usb-${usbPath}`,
        usb: first.usb,
        usbPath,
        ...withoutUndefined({ product: first.product }),
        candidates: candidates.map(({ name }) => name),
        at,
      },
    ];
  });
}

/**
 * Ports with a known AT role first and data ports last; if no role is known, all that no profile excludes, in order of
 * interface.
 */
function atPorts(group: readonly PortInfo[], candidates: readonly ModemProfile[]): readonly PortInfo[] {
  const layouts = candidates.map((profile) => portsFor(profile, group[0]?.usb));
  const first = new Set(layouts.map((layout) => layout?.at));
  const second = new Set(layouts.map((layout) => layout?.atSecondary));
  const never = new Set(layouts.flatMap((layout) => [layout?.diag, layout?.nmea, ...(layout?.ignore ?? [])]));
  const data = new Set(layouts.map((layout) => layout?.ppp));
  const rank = ({ usbInterface }: PortInfo) =>
    first.has(usbInterface) ? 0 : second.has(usbInterface) ? 1 : data.has(usbInterface) ? 3 : 2;
  return group
    .filter(({ usbInterface }) => usbInterface !== undefined && !never.has(usbInterface))
    .sort((a, b) => rank(a) - rank(b) || (a.usbInterface ?? 0) - (b.usbInterface ?? 0));
}
