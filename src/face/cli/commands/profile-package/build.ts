import { createHash } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { withoutUndefined } from "../../../../base/defined.ts";
import { toHex } from "../../../../base/hex.ts";
import { checkPackage } from "../../../../codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../../codec/profile-package/describe.ts";
import { readProfilePackage } from "../../../../codec/profile-package/element.ts";
import { buildPackage } from "../../../../crypto/personalize-package.ts";
import type { CliContext } from "../../context.ts";
import { packageText } from "../../package-view.ts";
import { result } from "../../terminal.ts";
import { keyVersion, outlineOf, readDescription } from "./build-description.ts";
import { assertOutput, type OutputFlags, valuesOf, writePackage } from "./package-output.ts";

interface BuildFlags extends OutputFlags {
  readonly set?: readonly string[];
  readonly format?: string;
  readonly algorithm?: "milenage" | "tuak" | "test";
  readonly keyVersion?: number;
  readonly keyType?: "aes" | "3des";
  readonly pskVersion?: number;
  readonly ssd?: boolean;
}

const help = `
Required values: iccid, imsi, k, opc or op, pin1, puk1, adm1, kic, kid, kik; with --psk-version psk; with a second security domain
key.sd2.01.kic, key.sd2.01.kid and key.sd2.01.kik. All names: \`otagate profile personalize --help\`.

Examples:
  otagate profile build profile.yaml --output profile.der
  otagate profile build profile.yaml --set iccid=8900012000000000017 imsi=001010000000013 --format 3.1 --output profile.der
`;

/** `profile build`: a minimal package of a description, of flags, or of both. */
export function registerBuild(profile: Command, context: CliContext): void {
  profile
    .command("build")
    .argument("[description]", "JSON or YAML file: format, algorithm, mnoSd, ssd, values")
    .option("--set <name=value...>", "a value: imsi=001010000000013; name=@FILE reads a file")
    .option("--format <version>", "version of the format, 2.0 to 3.3.1 (default: 2.3)")
    .addOption(
      new Option("--algorithm <name>", "authentication algorithm (default: milenage)").choices([
        "milenage",
        "tuak",
        "test",
      ]),
    )
    .option("--key-version <version>", "version of the MNO-SD's keys for SCP80, 01 to 0F (default: 01)", versionOf)
    .addOption(new Option("--key-type <type>", "type of these keys (default: aes)").choices(["aes", "3des"]))
    .option("--psk-version <version>", "version of the MNO-SD's PSK for SCP81, 40 to 4F (default: none)", versionOf)
    .option("--ssd", "add a second security domain with keys of its own")
    .option("--output <file>", "file to write")
    .option("--hex", "write hexadecimal text instead of DER")
    .option("--force", "replace a file that exists")
    .option("--dry-run", "write nothing; show the package")
    .description("build a minimal profile package: one USIM, an MNO-SD, remote file management")
    .addHelpText("after", help)
    .action((path: string | undefined, flags: BuildFlags) => {
      assertOutput(flags);
      const octets = buildPackage(outlineWith(path, flags));
      const file = flags.dryRun === true ? undefined : flags.output;
      if (file !== undefined) writePackage(file, octets, flags);
      const shown = {
        ...withoutUndefined({ file }),
        sha256: toHex(createHash("sha256").update(octets).digest()).toLowerCase(),
        ...describePackage(readProfilePackage(octets)),
        findings: checkPackage(octets),
      };
      result(context.terminal, shown, (whole) => `${whole.file ?? "not written"}\n${packageText(whole)}`);
    });
}

/** The description of a file, if there is one, with the flags over it. */
function outlineWith(path: string | undefined, flags: BuildFlags) {
  const described = path === undefined ? {} : readDescription(path);
  const { format, algorithm, keyVersion: version, keyType, pskVersion } = flags;
  return outlineOf({
    ...described,
    ...withoutUndefined({ format, algorithm }),
    mnoSd: { ...described.mnoSd, ...withoutUndefined({ keyVersion: version, keyType, pskVersion }) },
    ...(flags.ssd === true ? { ssd: described.ssd ?? {} } : {}),
    values: { ...described.values, ...valuesOf(flags.set ?? []) },
  });
}

function versionOf(text: string): number {
  const read = keyVersion.safeParse(text);
  if (read.success) return read.data;
  throw new InvalidArgumentError("It must be 1 or 2 hexadecimal digits, as 01 or 40.");
}
