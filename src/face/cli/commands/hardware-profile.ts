import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../../base/clock.ts";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { formatTranscript } from "../../../link/modem/at/transcript.ts";
import { type ProbeReport, probeModem } from "../../../link/modem/probe.ts";
import { checkProfile, type ModemProfile, ProfileSet } from "../../../link/modem/profile/profile.ts";
import {
  loadProfiles,
  profileContents,
  readableProfiles,
  readProfileFile,
} from "../../../link/modem/profile/profile-files.ts";
import { withoutRetired } from "../../../link/modem/profile/profile-schema.ts";
import type { Port } from "../../../link/port.ts";
import type { CliContext } from "../context.ts";
import { unreadable } from "../input-file.ts";
import { writeOutput } from "../output-file.ts";
import { printStatus, result, table } from "../terminal.ts";

/** Opens a port by address or device path; the composition root knows the drivers. */
export type OpenPort = (address: string) => Promise<{ readonly port: Port; readonly usb?: string }>;

/** `hardware-profile list|show|check`: none of them requires a daemon. */
export function registerHardwareProfile(
  profile: Command,
  context: CliContext,
  userFolders: () => readonly string[],
): void {
  profile
    .command("list")
    .description("list shipped and custom profiles")
    .action(() => {
      const loaded = loadProfiles(userFolders());
      for (const { problem } of loaded.problems) printStatus(context.terminal, `ignored: ${problem}`);
      for (const { problem } of loaded.warnings) printStatus(context.terminal, `warning: ${problem}`);
      const profiles = loaded.list();
      result(
        context.terminal,
        profiles.map(({ file }) => file),
        () =>
          table(
            ["NAME", "MODULES", "CONFIRMED"],
            profiles.map(({ name, file }) => [name, file.title, confirmed(file.verified)]),
          ),
      );
    });
  profile
    .command("show")
    .argument("<name>", "name of the profile")
    .description("show a profile with all inherited fields")
    .action((name: string) => {
      const { file } = loadProfiles(userFolders()).get(name);
      result(context.terminal, file, () => JSON.stringify(file, undefined, 2));
    });
  profile
    .command("check")
    .argument("<file>", "file with a custom profile")
    .description("validate a profile alone and together with all others")
    .addHelpText("after", "\nExample:\n  otagate hardware-profile check my-modem.json\n")
    .action((path: string) => printChecked(path, context, userFolders()));
}

/** Checks a file with a custom profile and prints the result. @throws profile.invalid */
export function printChecked(path: string, context: CliContext, userFolders: readonly string[]): void {
  const retired: string[] = [];
  try {
    const whole = checkFile(path, userFolders, retired);
    const models = (whole.file.models ?? []).join(", ");
    result(
      context.terminal,
      whole.file,
      () => `${path}: ${whole.name} is valid${models === "" ? "" : `; for ${models}`}`,
    );
  } finally {
    for (const at of retired)
      printStatus(context.terminal, `warning: ${path}: ${at}: nothing reads this field: remove it`);
  }
}

/**
 * The checked profile, merged with its parents.
 * @param retired gets the JSON pointers of fields that are ignored
 * @throws profile.invalid with all problems in `detail`
 */
export function checkFile(path: string, userFolders: readonly string[], retired: string[] = []): ModemProfile {
  if (!existsSync(path)) throw unreadable("file", path, Object.assign(new Error("missing"), { code: "ENOENT" }));
  const { content, retired: ignored } = withoutRetired(readProfileFile(path).content);
  retired.push(...ignored);
  const { file, problems } = checkProfile(content);
  if (file === undefined || problems.length > 0) {
    const list = problems.map(({ at, problem }) => `${at}: ${problem}`).join("\n  ");
    throw new GatewayError("profile.invalid", `${path}:\n  ${list}`, { detail: { problems } });
  }
  const others = [...profileContents(), ...readableProfiles(userFolders)].filter(
    ({ source }) => resolve(source) !== resolve(path),
  );
  const set = new ProfileSet([...others, { source: path, content }]);
  const clashes = [...new Set(clashesOf(set, file.name))];
  if (clashes.length > 0) {
    throw new GatewayError("profile.invalid", `${path}:\n  ${clashes.join("\n  ")}`, { detail: { problems: clashes } });
  }
  return set.get(file.name);
}

/** Devices that this profile and another one both claim, those of the other's examples included. */
function clashesOf(set: ProfileSet, name: string): readonly string[] {
  return set.list().flatMap((profile) =>
    (profile.file.models ?? []).flatMap((model) => {
      const names = set.fitting({ maker: profile.file.vendor ?? "", model, revision: "" }).map((one) => one.name);
      const others = names.filter((one) => one !== name);
      if (!names.includes(name) || others.length === 0) return [];
      return [`/match/model: ${model} also matches ${others.join(", ")}`];
    }),
  );
}

function confirmed(verified: readonly { firmware: string; on: string }[] | undefined): string {
  return verified?.map(({ firmware, on }) => `${firmware} ${on}`).join(", ") || "none yet";
}

/** `modem probe`: opens the port itself, so the daemon must not hold it. */
export function registerModemProbe(
  modem: Command,
  context: CliContext,
  { open, userFolders }: { readonly open: OpenPort; readonly userFolders: () => readonly string[] },
): void {
  modem
    .command("probe")
    .argument("<port>", "device path or address: /dev/ttyUSB2, tty:usb-1-1.4/if02, tcp://host:port")
    .option("-o, --out <folder>", "folder for a draft profile and a transcript")
    .description("identify a modem with queries that change nothing, and print its capabilities")
    .addHelpText("after", "\nExample:\n  otagate modem probe /dev/ttyUSB2 --out probe\n")
    .action(async (address: string, options: { out?: string }) => {
      const { port, usb } = await open(address);
      const profiles = loadProfiles(userFolders());
      const report = await probeModem({ port, profiles, clock: systemClock, ...withoutUndefined({ usb }) });
      const written = options.out === undefined ? [] : writeProbe(report, options.out);
      result(context.terminal, report, () => probeText(report) + written.map((path) => `wrote ${path}\n`).join(""));
    });
}

function writeProbe({ draft, transcript }: ProbeReport, folder: string): readonly string[] {
  const profile = join(folder, `${draft.name}.json`);
  const dialog = join(folder, `${draft.name}.at`);
  try {
    mkdirSync(dirname(profile), { recursive: true });
  } catch (cause) {
    throw unreadable("--out", dirname(profile), cause, "made");
  }
  writeOutput("out", profile, `${JSON.stringify(draft, undefined, 2)}\n`);
  writeOutput("out", dialog, formatTranscript(transcript));
  return [profile, dialog];
}

function probeText({ identity, profile, capabilities }: ProbeReport): string {
  const head = `${identity.maker} ${identity.model}, firmware ${identity.revision}\nhardware profile: ${profile}\n\n`;
  const rows = capabilities.map(({ name, verdict, because }) => [name, verdict, because]);
  return head + table(["CAPABILITY", "", "FROM"], rows);
}
