import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { parseJson } from "../../../base/json.ts";
import { unchecked } from "../../api/client.ts";
import type { ImportOutcomeAnswer } from "../../api/targets.ts";
import type { CliContext } from "../context.ts";
import { readInput, unreadable, valueOrFile } from "../input-file.ts";
import { wholeNumber } from "../number-flag.ts";
import { paint, printStatus, result } from "../terminal.ts";

/** `target import` and `target add`. */
export function registerTargetImport(target: Command, context: CliContext): void {
  registerImport(target, context);
  registerAdd(target, context);
}

interface ImportFlags {
  readonly eum?: string;
  readonly ci?: string;
  readonly transportKey?: string;
  readonly algorithm?: string;
  readonly tars?: string[];
  readonly replace?: boolean;
  readonly dryRun?: boolean;
}

const help = `
The import merges into existing targets: keys from a CSV remove neither profiles nor numbers.

Examples:
  otagate target import eis.json
  otagate target import keys.csv --dry-run
  otagate target import eis.xml --eum eum.pem --ci ci.pem

CSV columns: eid,iccid,imsi,msisdn,name,kvn,algorithm,kic,kid,dek,cntr,tars,psk,psk_kvn,psk_identity,tags
and those of card vendors, KIC1,KID1,KIK1 to KIC15,KID15,KIK15, in which the number is the key version.
KI, OPC, ADM1, PIN1, PUK1, ACC, UICC_SCP02_… and SCP03_… are ignored and never stored.
`;

function registerImport(target: Command, context: CliContext): void {
  target
    .command("import")
    .argument("<file>", "EIS or key file: JSON (one or a list), SGP.02 XML, or CSV; - for standard input")
    .option("--eum <pem>", "EUM certificate to verify the signature of an XML EIS")
    .option("--ci <pem>", "CI certificate to verify the EUM certificate")
    .option("--transport-key <hex|@file>", "key that unwraps the key values of an XML EIS")
    .option("--algorithm <name>", "AES, 3DES or DES, for SCP80 keys of a CSV without algorithm")
    .option("--tars <tar...>", "TARs for SCP80 keys of a CSV without TARs")
    .option("--replace", "remove everything that is not in the file, except name, tags and key sets")
    .option("--dry-run", "store nothing; print the changes")
    .description("import targets with their keys from a file, or merge it into existing targets")
    .addHelpText("after", help)
    .action(async (file: string, flags: ImportFlags) => {
      const { eum, ci, transportKey, algorithm, tars, replace = false, dryRun = false } = flags;
      const body = {
        ...importBody(file),
        ...(eum === undefined ? {} : { eum: readInput("eum", eum) }),
        ...(ci === undefined ? {} : { ci: readInput("ci", ci) }),
        ...(transportKey === undefined ? {} : { transportKey: valueOrFile("transport-key", transportKey) }),
        ...withoutUndefined({ algorithm: algorithm?.toUpperCase(), tars }),
        replace,
        dryRun,
      };
      await using connection = await context.connect();
      const answer = await connection.api.v1.targets.importAll({ body: unchecked(body) });
      for (const note of answer.notes) printStatus(context.terminal, note);
      if (answer.items.length === 0)
        printStatus(context.terminal, "nothing was imported: the file contains no targets");
      for (const { warnings, target: one } of answer.items)
        for (const warning of warnings) printStatus(context.terminal, `${one.eid ?? one.iccid ?? one.id}: ${warning}`);
      result(context.terminal, answer.items, (outcomes) =>
        outcomes.map((outcome) => outcomeText(outcome, dryRun, context)).join("\n"),
      );
    });
}

function outcomeText(
  { target, created, changes }: ImportOutcomeAnswer,
  dryRun: boolean,
  { terminal }: CliContext,
): string {
  const name = target.eid ?? target.iccid ?? "";
  if (!dryRun) {
    const what = created ? "added" : changes.length === 0 ? "unchanged" : "changed";
    return `${what} ${target.id} ${name} with ${target.esimProfiles.length} profiles`;
  }
  const head = created
    ? `would add ${name}`
    : `${changes.length === 0 ? "would not change" : "would change"} ${target.id} ${name}`;
  const lines = changes.flatMap(({ field, before, after }) => [
    ...(before === undefined ? [] : [paint(terminal, "red", `  - ${field}: ${before}`)]),
    ...(after === undefined ? [] : [paint(terminal, "green", `  + ${field}: ${after}`)]),
  ]);
  return [head, ...lines].join("\n");
}

/** The request for a file, whose format its first characters indicate. @throws api.usage for a file that cannot be read, target.invalid */
function importBody(file: string): object {
  const text = textFile(file === "-" ? 0 : file);
  const start = text.trimStart()[0];
  if (start === "<") return { format: "xml", text };
  if (start !== "{" && start !== "[") return { format: "csv", text };
  try {
    const parsed = parseJson(text);
    return { format: "json", items: Array.isArray(parsed) ? parsed : [parsed] };
  } catch (cause) {
    const why = cause instanceof GatewayError ? cause.message : "not valid JSON";
    throw new GatewayError("target.invalid", `${file}: ${why}`, { detail: { file }, cause });
  }
}

/** @throws api.usage for a file that cannot be read */
function textFile(file: string | 0): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unreadable("file", file === 0 ? "standard input" : file, cause);
  }
}

function registerAdd(target: Command, context: CliContext): void {
  target
    .command("add")
    .option("--eid <eid>", "EID of an eUICC, 32 digits")
    .option("--iccid <iccid>", "ICCID of a plain UICC")
    .option("--imsi <imsi>", "IMSI of the card")
    .option("--msisdn <digits>", "number for SMS, international format")
    .option("--name <name>", "name for display and as a reference")
    .option("--tag <tag...>", "tags for selection")
    .option("--kvn <n>", "key version of the SCP80 keys (default: 1)", wholeNumber)
    .option("--kic <hex|@file>", "KIc; needs --kid")
    .option("--kid <hex|@file>", "KID; needs --kic")
    .option("--algorithm <name>", "AES, 3DES or DES (default: AES)")
    .option("--cntr <n>", "last used counter (default: 0)", wholeNumber)
    .option("--tars <tar...>", "TARs of these keys (default: ISD-R and ISD-Ps)")
    .option("--psk <hex|@file>", "PSK for SCP81")
    .option("--psk-kvn <n>", "key version of the PSK (default: 64)", wholeNumber)
    .description(
      "add a target, or merge into an existing one; keys on the command line are visible to other users of the machine, use @file to hide them",
    )
    .addHelpText("after", "\nExample:\n  otagate target add --eid 8900… --kic @kic.hex --kid @kid.hex\n")
    .action(async (options: AddOptions) => {
      const shape = shapeOf(options);
      await using connection = await context.connect();
      const outcome = await connection.api.v1.targets.import({ body: shape });
      for (const warning of outcome.warnings) printStatus(context.terminal, warning);
      result(context.terminal, outcome, ({ target: one, created }) => `${created ? "added" : "changed"} ${one.id}`);
    });
}

interface AddOptions {
  readonly eid?: string;
  readonly iccid?: string;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly name?: string;
  readonly tag?: string[];
  readonly kvn?: number;
  readonly kic?: string;
  readonly kid?: string;
  readonly algorithm?: string;
  readonly cntr?: number;
  readonly tars?: string[];
  readonly psk?: string;
  readonly pskKvn?: number;
}

/** The description that the flags make. @throws api.usage for a flag without the one that it belongs to */
function shapeOf(options: AddOptions): Record<string, unknown> {
  const { kic, kid, psk, kvn, algorithm, cntr, tars, pskKvn } = options;
  if (options.eid === undefined && options.iccid === undefined) throw usage("eid", "--eid or --iccid is required");
  if (kic !== undefined && kid === undefined) throw usage("kid", "--kid is required with --kic: a key set has both");
  if (kid !== undefined && kic === undefined) throw usage("kic", "--kic is required with --kid: a key set has both");
  for (const [flag, value] of Object.entries({ kvn, algorithm, cntr, tars }))
    if (value !== undefined && kic === undefined) throw usage(flag, `--${flag} requires --kic and --kid`);
  if (pskKvn !== undefined && psk === undefined) throw usage("psk-kvn", "--psk-kvn requires --psk");
  const keySets: unknown[] = [];
  if (kic !== undefined && kid !== undefined) {
    keySets.push({
      kvn: kvn ?? 1,
      type: "SCP80",
      algorithm: (algorithm ?? "AES").toUpperCase(),
      cntr: cntr ?? 0,
      ...withoutUndefined({ tars }),
      keys: [
        { id: 1, value: valueOrFile("kic", kic) },
        { id: 2, value: valueOrFile("kid", kid) },
      ],
    });
  }
  if (psk !== undefined)
    keySets.push({ kvn: pskKvn ?? 64, type: "SCP81", keys: [{ id: 1, value: valueOrFile("psk", psk) }] });
  const { eid, iccid, imsi, msisdn, name, tag } = options;
  return JSON.parse(JSON.stringify({ eid, iccid, imsi, msisdn, name, tags: tag, keySets }));
}

function usage(field: string, message: string): GatewayError {
  return new GatewayError("api.usage", message, { detail: { field } });
}
