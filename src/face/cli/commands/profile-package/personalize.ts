import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { withoutUndefined } from "../../../../base/defined.ts";
import { asGatewayError, type GatewayError } from "../../../../base/gateway-error.ts";
import { iccidCheckDigitOk, parseIccid } from "../../../../codec/euicc/iccid.ts";
import { describePackage } from "../../../../codec/profile-package/describe.ts";
import { type Difference, diffPackages } from "../../../../codec/profile-package/diff.ts";
import { type ProfilePackage, readProfilePackage } from "../../../../codec/profile-package/element.ts";
import { packagePersonalizer } from "../../../../crypto/personalize-package.ts";
import type { CliContext } from "../../context.ts";
import { unreadable } from "../../input-file.ts";
import { differenceText } from "../../package-view.ts";
import { printStatus, result } from "../../terminal.ts";
import { assertOutput, type OutputFlags, valuesOf, writePackage } from "./package-output.ts";
import { refused, type ValueRow, valueRows } from "./value-table.ts";

interface PersonalizeFlags extends OutputFlags {
  readonly set?: readonly string[];
  readonly from?: string;
  readonly ignore?: string;
  readonly reveal?: boolean;
}

/** A package that was made. */
interface Made {
  /** Line of the table. */
  readonly line?: number;
  readonly iccid?: string;
  readonly imsi?: string;
  /** Absent with `--dry-run`. */
  readonly file?: string;
  readonly octets: number;
  readonly sha256: string;
  readonly notes: readonly string[];
  /** In what it differs from the template; for a single package. */
  readonly changes?: readonly Difference[];
}

const help = `
Names of values: iccid, imsi, acc, k, opc, op, pin1, pin2, puk1, puk2, adm1 to adm10, smsc, msisdn, spn, kic, kid, kik, psk,
profile-type, pol1, connectivity, connectivity-smsc; pin.REF, puk.REF, key.DOMAIN.KVN.ID; @7 behind a name for element 7 alone.

Examples:
  otagate profile personalize template.der --set iccid=8900012000000000017 --set imsi=001010000000013 --output one.der
  otagate profile personalize template.der --set k=@k.txt --set op=@op.txt --output one.der
  otagate profile personalize template.der --from cards.csv --output packages
`;

/** `profile personalize`: packages of a template with the values of flags and of a table. */
export function registerPersonalize(
  profile: Command,
  context: CliContext,
  file: string,
  read: (path: string) => ProfilePackage,
): void {
  profile
    .command("personalize")
    .argument("<file>", file)
    .option("--set <name=value...>", "a value for every package: imsi=001010000000013; name=@FILE reads a file")
    .option("--from <csv>", "table with a line for each package and a column for each value; - for standard input")
    .option("--ignore <columns>", "columns of the table to skip: name,batch")
    .option("--output <path>", "file to write; with --from, the folder for files named by ICCID")
    .option("--hex", "write hexadecimal text instead of DER")
    .option("--force", "replace files that exist")
    .option("--dry-run", "write nothing; check every value")
    .option("--reveal", "show keys, PINs and PUKs in the list of changes")
    .description("make packages with other values: ICCID, IMSI, keys, PINs and addresses")
    .addHelpText("after", help)
    .action(async (path: string, flags: PersonalizeFlags) => {
      assertOutput(flags);
      const template = read(path);
      const constant = valuesOf(flags.set ?? []);
      const made =
        flags.from === undefined
          ? [single(template, constant, flags)]
          : await table(template, constant, flags, context);
      result(context.terminal, { template: path, packages: made }, ({ packages }) => packages.map(madeText).join(""));
    });
}

function single(template: ProfilePackage, values: ValueRow["values"], flags: PersonalizeFlags): Made {
  const octets = packagePersonalizer(template.octets)(values);
  const file = flags.dryRun === true ? undefined : flags.output;
  if (file !== undefined) writePackage(file, octets, flags);
  const changes = diffPackages(template, readProfilePackage(octets), flags.reveal === true);
  return { ...madeOf(octets, values, file), changes };
}

/** A package for each line of a table, written as it is read. */
async function table(
  template: ProfilePackage,
  constant: ValueRow["values"],
  flags: PersonalizeFlags,
  context: CliContext,
) {
  const { from = "-", output = ".", dryRun = false } = flags;
  const personalize = packagePersonalizer(template.octets);
  if (!dryRun) folder(output);
  const lines = new Map<string, number>();
  const made: Made[] = [];
  let shownAt = performance.now();
  for await (const row of valueRows(from, ignoredOf(flags.ignore))) {
    try {
      made.push(rowOf(row));
    } catch (thrown) {
      throw atRow(from, row, thrown, dryRun ? 0 : made.length);
    }
    if (performance.now() - shownAt >= 1000) {
      printStatus(context.terminal, `${made.length} packages`);
      shownAt = performance.now();
    }
  }
  return made;

  function rowOf(row: ValueRow): Made {
    const values = { ...constant, ...row.values };
    if (values.iccid === undefined)
      throw refused(from, row.line, "iccid", "is required, since the file is named by it");
    const iccid = parseIccid(values.iccid);
    const earlier = lines.get(iccid);
    if (earlier !== undefined) throw refused(from, row.line, "iccid", `line ${earlier} has the same ICCID`);
    lines.set(iccid, row.line);
    const octets = personalize(values);
    const file = dryRun ? undefined : join(output, `${iccid}${flags.hex === true ? ".hex" : ".der"}`);
    if (file !== undefined) writePackage(file, octets, flags);
    return { line: row.line, ...madeOf(octets, values, file) };
  }
}

function ignoredOf(names = ""): ReadonlySet<string> {
  return new Set(names.split(",").map((name) => name.trim().toLowerCase()));
}

/** An error of a row with its line and column, and how many files stand there already. */
function atRow(file: string, { line }: ValueRow, thrown: unknown, written: number): GatewayError {
  const error = asGatewayError(thrown);
  const already = written === 0 ? "" : `; packages written before: ${written}`;
  const { field } = error.detail;
  const placed =
    "line" in error.detail || error.code === "api.usage"
      ? error
      : refused(file, line, typeof field === "string" ? field : undefined, error.message);
  return placed.with({ message: `${placed.message}${already}`, detail: { ...error.detail, line, written } });
}

function folder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw unreadable("--output", path, cause, "made");
  }
}

function madeOf(octets: Uint8Array, values: ValueRow["values"], file: string | undefined): Made {
  const { iccid, imsi } = describePackage(readProfilePackage(octets));
  return {
    ...withoutUndefined({ iccid, imsi, file }),
    octets: octets.length,
    sha256: createHash("sha256").update(octets).digest("hex"),
    notes: notesOf(values),
  };
}

/** What is allowed, and often a mistake. */
function notesOf(values: ValueRow["values"]): readonly string[] {
  const has = (name: string) => values[name] !== undefined;
  return [
    ...(values.iccid !== undefined && iccidCheckDigitOk(parseIccid(values.iccid)) === false
      ? ["the last digit of the ICCID is not its check digit"]
      : []),
    ...(has("k") && !has("op") && !has("opc") ? ["K is another one, and OPc stays that of the template"] : []),
    ...(has("op") && !has("k") ? ["OPc is that of the K of the template"] : []),
  ];
}

function madeText({
  line,
  iccid = "without ICCID",
  imsi,
  file = "not written",
  octets,
  notes,
  changes = [],
}: Made): string {
  const place = line === undefined ? "" : `line ${line}: `;
  const head = `${place}${file}: ICCID ${iccid}${imsi === undefined ? "" : `, IMSI ${imsi}`}, ${octets} octets\n`;
  const noted = notes.map((note) => `${place}note: ${note}\n`).join("");
  return `${head}${noted}${changes.length === 0 ? "" : differenceText(changes)}`;
}
