import { z } from "zod";
import { defaultAddresses } from "../../../drivers/all.ts";
import { nearest } from "../../base/nearest.ts";
import { loadProfiles } from "../../link/modem/profile/profile-files.ts";
import { knownScheme } from "./checks.ts";

/** Settings of a discovered modem without a configuration. */
export const modemDefaults = {
  watchEveryMs: 60_000,
  quarantineAfter: 6,
  quarantineMs: 600_000,
  readEid: true,
  enableToolkit: false,
} as const;

/** One modem. */
export const ModemConfig = z.strictObject({
  /** Link id is `modem:` and this name. */
  name: z.string().min(1).max(60),
  /** `tty:/dev/serial/by-id/…`, `tty:usb-1-1.4/2` (USB path and interface), `tcp://host:port`; options as a query. */
  port: z.string().min(1).superRefine(knownScheme),
  /** Options of the port's driver, the same that its query takes. */
  options: z.record(z.string(), z.unknown()).optional(),
  /** Hardware profile, instead of the one that identification finds. */
  profile: z.string().optional(),
  /** Shell command that switches the power off and on. */
  powerCommand: z.string().min(1).optional(),
  /** The port of a hub with per-port power, as `uhubctl` prints it. */
  hub: z.strictObject({ location: z.string().regex(/^[0-9.-]+$/), port: z.number().int().min(1).max(32) }).optional(),
  watchEveryMs: z.number().int().min(1000).default(modemDefaults.watchEveryMs),
  quarantineAfter: z.number().int().min(1).max(100).default(modemDefaults.quarantineAfter),
  /** How long a quarantine lasts before the modem is tried again. */
  quarantineMs: z.number().int().min(1000).default(modemDefaults.quarantineMs),
  readEid: z.boolean().default(modemDefaults.readEid),
  /** Switch on a SIM toolkit that is off; the module stores this, and may have to restart. */
  enableToolkit: z.boolean().default(modemDefaults.enableToolkit),
  /** The same as `options.baud`. */
  baudRate: z.number().int().positive().optional(),
});
export type ModemConfig = z.infer<typeof ModemConfig>;

/** Discovery of modems. */
export const ModemDiscoveryConfig = z.strictObject({
  /** Use every USB device that matches a hardware profile; off by default, since other programs may use the devices. */
  enabled: z.boolean().default(false),
  everyMs: z.number().int().min(500).default(2_000),
  /** Addresses whose ports are searched. */
  addresses: z.array(z.string().superRefine(knownScheme)).default([...defaultAddresses.ports]),
  /** Folders with the user's hardware profiles; they replace shipped ones of the same name. */
  profiles: z.array(z.string()).default([]),
});
export type ModemDiscoveryConfig = z.infer<typeof ModemDiscoveryConfig>;

/** Refuses a modem with an unknown hardware profile. */
export function knownProfiles(
  config: { readonly modems: readonly ModemConfig[]; readonly modemDiscovery: ModemDiscoveryConfig },
  context: z.RefinementCtx,
): void {
  if (config.modems.every(({ profile }) => profile === undefined)) return;
  const profiles = loadProfiles(config.modemDiscovery.profiles);
  const names = profiles.list().map(({ name }) => name);
  for (const [index, { profile }] of config.modems.entries()) {
    if (profile === undefined || names.includes(profile)) continue;
    const hint = nearest(profile, names);
    const leftOut = profiles.problems.map(({ problem }) => `; ignored: ${problem}`).join("");
    const message = `no hardware profile is named '${profile}'${hint === undefined ? "" : `; did you mean '${hint}'?`}${leftOut}`;
    context.addIssue({ code: "custom", path: ["modems", index, "profile"], message });
  }
}
