import type { z } from "zod";
import { networkOf } from "../../base/whole-network.ts";
import { driverRegistry } from "../driver-registry.ts";

/**
 * Refuses a network whose address is not its first one: it would admit more addresses than it seems to. For
 * `superRefine`.
 */
export function wholeNetwork(rule: string, context: z.RefinementCtx): void {
  const network = networkOf(rule);
  if (network === undefined) return;
  const [address] = rule.split("/");
  const message = `'${rule}' has an address inside a network: use ${network} for the network, or ${address} for that address alone`;
  context.addIssue({ code: "custom", message });
}

/** Refuses a list in which two entries are the same. For `superRefine`. */
export function noneTwice(list: readonly string[], context: z.RefinementCtx): void {
  for (const [index, entry] of list.entries()) {
    const before = list.indexOf(entry);
    if (before < index)
      context.addIssue({ code: "custom", path: [index], message: `'${entry}' is already entry ${before}` });
  }
}

/** Refuses an address that no driver opens. For `superRefine`. */
export function knownScheme(address: string, context: z.RefinementCtx): void {
  const message = driverRegistry().problemOf(address);
  if (message !== undefined) context.addIssue({ code: "custom", message });
}

/** Refuses two modems at one port, however it is spelled: each would receive the answers of the other. */
export function portsOfTheirOwn(
  modems: readonly { readonly name: string; readonly port: string }[],
  context: z.RefinementCtx,
): void {
  const taken = new Map<string, string>();
  for (const [index, { name, port }] of modems.entries()) {
    const plain = plainPort(port);
    const other = taken.get(plain);
    if (other === undefined) taken.set(plain, name);
    else
      context.addIssue({
        code: "custom",
        path: [index, "port"],
        message: `'${port}' is already the port of the modem '${other}'; each modem needs its own port`,
      });
  }
}

/** A port in one spelling. */
function plainPort(written: string): string {
  const [port = ""] = written.split("?");
  const tcp = /^tcp:\/\/(.+):0*(\d+)\/?$/i.exec(port);
  if (tcp !== null) return `tcp://${(tcp[1] ?? "").toLowerCase()}:${tcp[2]}`;
  const path = port.replace(/^tty:/, "");
  const usb = /^(usb-[^/]+)\/(?:if)?0*([0-9a-f]+)$/i.exec(path);
  return usb === null ? path.replace(/\/+/g, "/") : `${usb[1]}/${(usb[2] ?? "").toLowerCase()}`;
}

/** Refuses a list in which two entries share a value that must be unique; the message names both. For `superRefine`. */
export function uniqueBy<T extends Readonly<Record<K, string>>, K extends string>(key: K) {
  return (list: readonly T[], context: z.RefinementCtx): void => {
    const first = new Map<string, number>();
    for (const [index, entry] of list.entries()) {
      const value = entry[key];
      const before = first.get(value);
      if (before === undefined) first.set(value, index);
      else {
        const message = `'${value}' is already the ${key} of entry ${before}; each entry needs its own`;
        context.addIssue({ code: "custom", path: [index, key], message });
      }
    }
  };
}
