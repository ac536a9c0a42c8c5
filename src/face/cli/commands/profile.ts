import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { asGatewayError, type GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import type { CardFacts } from "../../../codec/profile-package/check/card.ts";
import { checkPackage, checkProfile, isRefused } from "../../../codec/profile-package/check/check-package.ts";
import type { Finding } from "../../../codec/profile-package/check/finding.ts";
import { describePackage } from "../../../codec/profile-package/describe.ts";
import { diffPackages } from "../../../codec/profile-package/diff.ts";
import { type ProfilePackage, readProfilePackage } from "../../../codec/profile-package/element.ts";
import { isKnownService } from "../../../codec/profile-package/facts.ts";
import { packageOctets } from "../../../codec/profile-package/package-input.ts";
import { revealSecrets } from "../../../codec/profile-package/secrets.ts";
import type { CliContext } from "../context.ts";
import { unreadable } from "../input-file.ts";
import { wholeNumber } from "../number-flag.ts";
import { differenceText, findingLine, packageText } from "../package-view.ts";
import { printStatus, result } from "../terminal.ts";
import { registerBuild } from "./profile-package/build.ts";
import { registerPersonalize } from "./profile-package/personalize.ts";

/** Checks a file with a hardware profile, which `profile check` did under this name before. */
type CheckHardwareProfile = (path: string) => Promise<void>;

const file = "file with a profile package: DER, or hexadecimal, Base64, PEM or ASN.1 text; - for standard input";

/** `profile show|check|diff|personalize|build`: profile packages in files. None of them requires a daemon. */
export function registerProfile(profile: Command, context: CliContext, hardware: CheckHardwareProfile): void {
  registerShow(profile, context);
  registerCheck(profile, context, hardware);
  registerPersonalize(profile, context, file, readPackage);
  registerBuild(profile, context);
  profile
    .command("diff")
    .argument("<before>", file)
    .argument("<after>", file)
    .option("--reveal", "show keys, PINs and PUKs")
    .description("compare two profile packages by element and field; exit code 1 when they differ")
    .action((before: string, after: string, options: { reveal?: boolean }) => {
      const found = diffPackages(readPackage(before), readPackage(after), options.reveal === true);
      result(context.terminal, found, (shown) => differenceText(shown));
      if (found.length > 0) process.exitCode = 1;
    });
}

function registerShow(profile: Command, context: CliContext): void {
  profile
    .command("show")
    .argument("<file>", file)
    .option("--reveal", "show keys, PINs and PUKs")
    .description("show what a profile package contains, and what is unusual in it")
    .action((path: string, options: { reveal?: boolean }) => {
      const octets = readPackage(path);
      const shown = {
        ...describePackage(octets),
        findings: checkProfile(octets),
        ...(options.reveal === true ? { secrets: revealSecrets(octets) } : {}),
      };
      result(context.terminal, shown, (whole) => packageText(whole));
    });
}

interface CheckFlags {
  readonly cardVersion?: string;
  readonly freeMemory?: number;
  readonly lacks?: Readonly<Record<string, boolean>>;
  readonly strict?: boolean;
}

function registerCheck(profile: Command, context: CliContext, hardware: CheckHardwareProfile): void {
  profile
    .command("check")
    .argument("<file...>", file)
    .option("--card-version <version>", "newest version of the format that the card installs: 2.3.1", versionOf)
    .option("--free-memory <octets>", "free memory of the card", wholeNumber)
    .option("--lacks <services>", "services that the card does not have: cat-tp,isim", servicesOf)
    .option("--strict", "exit code 1 also for what only some cards refuse")
    .description("list what a card would refuse of profile packages; exit code 1 when one is refused")
    .action(async (paths: readonly string[], { cardVersion, freeMemory, lacks, strict }: CheckFlags) => {
      const inputs = paths.map((path) => ({ path, bytes: readBytes(path) }));
      const [only] = inputs;
      if (only !== undefined && inputs.length === 1 && isJson(only.bytes)) {
        printStatus(context.terminal, "hardware profiles are checked by `otagate hardware-profile check` from now on");
        return hardware(only.path);
      }
      const card = withoutUndefined({ version: cardVersion, memory: freeMemory, services: lacks });
      const checked = inputs.map(({ path, bytes }) => ({ file: path, findings: findingsOf(bytes, card) }));
      result(context.terminal, checked, (all) => all.map((one) => checkText(one.file, one.findings)).join(""));
      const fails = ({ findings }: { findings: readonly Finding[] }) =>
        isRefused(findings) || (strict === true && findings.some(({ severity }) => severity !== "odd"));
      if (checked.some(fails)) process.exitCode = 1;
    });
}

function checkText(path: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return `${path}: nothing found that a card refuses\n`;
  return findings.map((finding) => `${path}: ${findingLine(finding)}\n`).join("");
}

/** Findings of a file; that it is not a package is one, too. */
function findingsOf(bytes: Uint8Array, card: CardFacts): readonly Finding[] {
  try {
    return checkPackage(packageOctets(bytes), card);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const { offset } = error.detail;
    return [{ severity: "refused", message: error.message, offset: typeof offset === "number" ? offset : 0 }];
  }
}

function servicesOf(text: string): Readonly<Record<string, boolean>> {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !isKnownService(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is not a service: see docs/profile-packages.md.`);
  return Object.fromEntries(names.map((name) => [name, false]));
}

function versionOf(text: string): string {
  if (/^\d{1,3}\.\d{1,3}(\.\d{1,3})?$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a version, such as 2.3.1.");
}

/** A package in a file. @throws codec.* naming the file, api.usage */
function readPackage(path: string): ProfilePackage {
  const bytes = readBytes(path);
  try {
    return readProfilePackage(packageOctets(bytes));
  } catch (thrown) {
    throw named(path, thrown);
  }
}

function named(path: string, thrown: unknown): GatewayError {
  const error = asGatewayError(thrown);
  return error.with({ message: `${path}: ${error.message}`, detail: { file: path } });
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (cause) {
    throw unreadable("file", path, cause);
  }
}

/** Whether a file is the JSON of a hardware profile. */
function isJson(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 100)));
}
