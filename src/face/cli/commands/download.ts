import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { packageOctets } from "../../../codec/profile-package/package-input.ts";
import { everyItem, unchecked } from "../../api/client.ts";
import type { DownloadAnswer } from "../../api/downloads.ts";
import type { CliContext, Connection } from "../context.ts";
import { completeId } from "../identifier.ts";
import { unreadable } from "../input-file.ts";
import { wholeNumber } from "../number-flag.ts";
import { writeOutput } from "../output-file.ts";
import { Progress, printStatus, result, writeDocument } from "../terminal.ts";
import { downloadJunit, downloadProgress, downloadTable, downloadText, planText } from "../views/download-view.ts";

interface StartOptions {
  readonly target: string;
  readonly dryRun?: boolean;
  readonly enable?: boolean;
  readonly verify?: boolean;
  readonly keep?: boolean;
  readonly retry?: number;
  readonly smDp?: string;
  readonly aid?: string;
  readonly quota?: number;
  readonly block?: number;
  readonly oneSession?: boolean;
  readonly accept?: string;
  readonly report?: string;
  readonly junit?: string;
  readonly detach?: boolean;
}

/** `download FILE`, `download list|show|watch|report|cancel`. */
export function registerDownload(download: Command, context: CliContext): void {
  registerStart(download, context);
  download
    .command("list")
    .option("-t, --target <target>", "only of this target")
    .description("list downloads, newest first")
    .addHelpText("after", "\nExample:\n  otagate download list\n")
    .action(async ({ target }: { target?: string }) => {
      await using connection = await context.connect();
      const found: DownloadAnswer[] = [];
      const { downloads } = connection.api.v1;
      const filter = withoutUndefined({ target });
      for await (const one of everyItem((query) => downloads.list({ query: { ...query, ...filter } }), 100))
        found.push(one);
      result(context.terminal, found, (all) => (all.length === 0 ? "no downloads\n" : downloadTable(all)));
    });
  download
    .command("show")
    .argument("<id>", "id of the download, or its beginning")
    .description("show the steps of a download, its progress and its outcome")
    .addHelpText("after", "\nExample:\n  otagate download show dld_01k…\n")
    .action(async (beginning: string) => {
      await using connection = await context.connect();
      const id = await completeId(connection.api, "dld", beginning);
      const one = await connection.api.v1.downloads.get({ params: { id } });
      result(context.terminal, one, (shown) => downloadText(context.terminal, shown));
    });
  download
    .command("watch")
    .argument("<id>", "id of the download, or its beginning")
    .description("follow a download until it ends; exit code 1 if the profile is not installed")
    .addHelpText("after", "\nExample:\n  otagate download watch dld_01k…\n")
    .action(async (beginning: string) => {
      await using connection = await context.connect();
      await watch(context, connection, await completeId(connection.api, "dld", beginning));
    });
  download
    .command("report")
    .argument("<id>", "id of the download, or its beginning")
    .option("--format <format>", "json or junit", "json")
    .option("-o, --output <file>", "output file (default: standard output)")
    .description("write a report: EID, ICCID, AID, hash of the package, time of each step, EUICCResponse")
    .addHelpText("after", "\nExample:\n  otagate download report dld_01k… --format junit -o report.xml\n")
    .action(async (beginning: string, { format, output }: { format: string; output?: string }) => {
      if (format !== "json" && format !== "junit")
        throw new GatewayError("api.usage", "--format must be json or junit", { detail: { field: "format" } });
      await using connection = await context.connect();
      const id = await completeId(connection.api, "dld", beginning);
      const one = await connection.api.v1.downloads.get({ params: { id } });
      const text = format === "junit" ? downloadJunit(one) : `${JSON.stringify(one, undefined, 2)}\n`;
      if (output === undefined) writeDocument(context.terminal, text);
      else writeOutput("output", output, text);
    });
  download
    .command("cancel")
    .argument("<id>", "id of the download, or its beginning")
    .description("cancel a download and remove what it has created on the card")
    .addHelpText("after", "\nExample:\n  otagate download cancel dld_01k…\n")
    .action(async (beginning: string) => {
      await using connection = await context.connect();
      const id = await completeId(connection.api, "dld", beginning);
      const one = await connection.api.v1.downloads.cancel({ params: { id } });
      result(context.terminal, one, (shown) => downloadText(context.terminal, shown));
    });
}

function registerStart(download: Command, context: CliContext): void {
  download
    .command("start", { isDefault: true })
    .argument("<file>", "file with a profile package: DER, or hexadecimal, Base64, PEM or ASN.1 text")
    .requiredOption("-t, --target <target>", "eUICC: EID, id, ICCID, IMSI, MSISDN or name")
    .option("--dry-run", "check and print the plan; send nothing")
    .option("--enable", "enable the profile once it is installed")
    .option("--verify", "read the state of the profile from the card at the end")
    .option("--keep", "leave the ISD-P of a failed download on the card")
    .option("--retry <n>", "begin again after a broken link, at most this often", wholeNumber)
    .option("--sm-dp <name>", "SM-DP of the configuration (default: the one of the card's CI)")
    .option("--aid <aid>", "AID of the new ISD-P (default: the lowest free one)")
    .option("--quota <octets>", "maximum non-volatile memory of the ISD-P", wholeNumber)
    .option("--block <octets>", "octets of the package in a block (default: 1000)", wholeNumber)
    .option("--one-session", "carry all steps in one SCP81 session")
    .option("--accept <codes>", "findings of the preflight that are no obstacle, separated by commas")
    .option("--report <file>", "write the report as JSON")
    .option("--junit <file>", "write the report as JUnit XML")
    .option("--detach", "return without following the download")
    .description("download a profile package to an eUICC and follow it; `start` may be left out")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate download profile.der --target 8900… --dry-run\n  otagate download profile.der --target 8900… --enable --verify --retry 2 --junit report.xml\n  otagate download start profile.der --target 8900… --detach\n",
    )
    .action(async (file: string, options: StartOptions) => {
      const order = orderOf(file, options);
      await using connection = await context.connect();
      const { downloads } = connection.api.v1;
      if (options.dryRun === true) {
        const plan = await downloads.plan({ body: unchecked(order) });
        result(context.terminal, plan, (shown) => planText(context.terminal, shown));
        if (plan.obstacles.length > 0) process.exitCode = 1;
        return;
      }
      const started = await downloads.start({ body: unchecked(order) });
      if (options.detach === true) {
        result(context.terminal, started, (one) => `${one.id} ${downloadProgress(one)}\n`);
        if (connection.embedded)
          printStatus(context.terminal, "no daemon is running: the download continues when one is started");
        return;
      }
      const ended = await watch(context, connection, started.id);
      if (options.report !== undefined)
        writeOutput("report", options.report, `${JSON.stringify(ended, undefined, 2)}\n`);
      if (options.junit !== undefined) writeOutput("junit", options.junit, downloadJunit(ended));
    });
}

function orderOf(file: string, options: StartOptions): object {
  const { target, enable, verify, keep, retry, smDp, aid, quota, block, oneSession, accept } = options;
  return {
    target,
    package: toHex(packageOctets(readFile(file))),
    ...withoutUndefined({ enable, verify, keep, smDp, aid, quota, oneSession }),
    ...withoutUndefined({ retries: retry, blockOctets: block, accept: accept?.split(",").map((one) => one.trim()) }),
  };
}

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (cause) {
    throw unreadable("file", file, cause);
  }
}

/** Follows a download to its end; the exit code states whether the profile is installed, and enabled if ordered. */
async function watch(context: CliContext, connection: Connection, id: string): Promise<DownloadAnswer> {
  const progress = new Progress(context.terminal);
  for (;;) {
    const one = await connection.api.v1.downloads.get({ params: { id }, query: { wait: 500 } });
    if (one.endedAt === undefined) {
      progress.show(downloadProgress(one));
      continue;
    }
    progress.clear();
    result(context.terminal, one, (shown) => downloadText(context.terminal, shown));
    const { outcome } = one;
    const wrong = outcome?.enabled !== undefined && outcome.enabled !== "confirmed";
    if (outcome?.kind !== "installed" || wrong) process.exitCode = 1;
    return one;
  }
}
