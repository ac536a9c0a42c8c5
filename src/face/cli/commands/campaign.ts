import type { Command } from "commander";
import { parse } from "yaml";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { yamlTooDeep } from "../../../base/yaml-depth.ts";
import type { CampaignAnswer, CampaignItemAnswer } from "../../api/campaigns.ts";
import { everyItem, unchecked } from "../../api/client.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext, Connection } from "../context.ts";
import { completeId } from "../identifier.ts";
import { readInput } from "../input-file.ts";
import { shareOf, wholeNumber } from "../number-flag.ts";
import { writeOutput } from "../output-file.ts";
import { Progress, paint, printStatus, result, table, when, writeDocument } from "../terminal.ts";

/** `campaign start|list|show|watch|pause|resume|cancel|report`. */
export function registerCampaign(campaign: Command, context: CliContext): void {
  registerStart(campaign, context);
  campaign
    .command("list")
    .description("list campaigns, newest first")
    .addHelpText("after", "\nExample:\n  otagate campaign list\n")
    .action(async () => {
      await using connection = await context.connect();
      const found: CampaignAnswer[] = [];
      const { campaigns } = connection.api.v1;
      for await (const one of everyItem((query) => campaigns.list({ query }), 100)) found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no campaigns\n"
          : table(
              ["ID", "NAME", "STATE", "ENDED", "SUCCEEDED", "FAILED", "STARTED"],
              all.map((one) => [
                one.id,
                one.name,
                one.state,
                `${one.progress.ended}/${one.progress.total}`,
                String(one.progress.counts.succeeded ?? 0),
                String(one.progress.counts.failed ?? 0),
                when(one.createdAt),
              ]),
            ),
      );
    });
  campaign
    .command("show")
    .argument("<id>", "id of the campaign, or its beginning")
    .option("--state <state>", "only targets in this state")
    .description("show the progress of a campaign for each target")
    .addHelpText("after", "\nExample:\n  otagate campaign show cmp_01k… --state failed\n")
    .action(async (beginning: string, options: { state?: string }) => {
      await using connection = await context.connect();
      const id = await completeId(connection.api, "cmp", beginning);
      const { campaigns } = connection.api.v1;
      const one = await campaigns.get({ params: { id } });
      const items: CampaignItemAnswer[] = [];
      for await (const item of itemsOf(connection.api, id, options.state)) items.push(item);
      result(context.terminal, { ...one, items }, () => `${campaignLine(context, one)}\n${itemTable(items)}`);
    });
  campaign
    .command("watch")
    .argument("<id>", "id of the campaign, or its beginning")
    .description("follow a campaign until it ends")
    .addHelpText("after", "\nExample:\n  otagate campaign watch cmp_01k…\n")
    .action(async (id: string) => {
      await using connection = await context.connect();
      await watch(context, connection, await completeId(connection.api, "cmp", id));
    });
  for (const [verb, does] of [
    ["pause", "start no further targets; running targets finish"],
    ["resume", "continue after a pause or a stop"],
    ["cancel", "cancel the targets that have not started"],
  ] as const) {
    campaign
      .command(verb)
      .argument("<id>", "id of the campaign, or its beginning")
      .description(does)
      .addHelpText("after", `\nExample:\n  otagate campaign ${verb} cmp_01k…\n`)
      .action(async (id: string) => {
        await using connection = await context.connect();
        const whole = await completeId(connection.api, "cmp", id);
        const one = await connection.api.v1.campaigns[verb]({ params: { id: whole } });
        result(context.terminal, one, (shown) => campaignLine(context, shown));
      });
  }
  campaign
    .command("report")
    .argument("<id>", "id of the campaign, or its beginning")
    .option("--format <format>", "json, csv or junit", "json")
    .option("-o, --output <file>", "output file (default: standard output)")
    .description("write a report with the outcome of each target")
    .addHelpText("after", "\nExample:\n  otagate campaign report cmp_01k… --format junit -o report.xml\n")
    .action(async (id: string, options: { format: string; output?: string }) => {
      await using connection = await context.connect();
      const whole = await completeId(connection.api, "cmp", id);
      const query = unchecked({ format: options.format });
      const text = await connection.api.v1.campaigns.report({ params: { id: whole }, query });
      const report = text.endsWith("\n") ? text : `${text}\n`;
      if (options.output === undefined) writeDocument(context.terminal, report);
      else writeOutput("output", options.output, report);
    });
}

interface StartOptions {
  readonly file?: string;
  readonly all?: boolean;
  readonly tag?: string;
  readonly target?: string[];
  readonly function?: string;
  readonly from?: string;
  readonly to?: string;
  readonly delete?: boolean;
  readonly name?: string;
  readonly concurrency?: number;
  readonly canary?: number;
  readonly stopAt?: number;
  readonly detach?: boolean;
}

function registerStart(campaign: Command, context: CliContext): void {
  campaign
    .command("start")
    .option("-f, --file <file>", "campaign definition as YAML or JSON (docs/campaigns.md)")
    .option("--all", "all targets")
    .option("--tag <tag>", "targets with this tag")
    .option("-t, --target <target...>", "these targets")
    .option("--function <name>", "ES5 function without parameters, such as auditStatus")
    .option("--from <iccid-prefix>", "move: ICCID prefix of the old operator")
    .option("--to <iccid-prefix>", "move: ICCID prefix of the new operator")
    .option("--delete", "move: delete the old profile once the switch is confirmed")
    .option("--name <text>", "name of the campaign")
    .option("--concurrency <n>", "number of targets processed at the same time", wholeNumber)
    .option("--canary <n>", "number of targets to run first", wholeNumber)
    .option("--stop-at <share>", "stop when more than this share of the targets failed, 0 to 1", shareOf)
    .option("--detach", "return without following the campaign")
    .description("start a campaign and follow it")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate campaign start --tag rack-1 --function auditStatus\n  otagate campaign start --all --from 8901 --to 8944 --delete --canary 2 --stop-at 0.1\n",
    )
    .action(async (options: StartOptions) => {
      refuseContradictions(options);
      const order = options.file === undefined ? orderOf(options) : fileOrder(options.file);
      await using connection = await context.connect();
      const started = await connection.api.v1.campaigns.start({ body: unchecked(order) });
      if (options.detach === true) {
        result(context.terminal, started, (one) => `${one.id} ${campaignLine(context, one)}`);
        if (connection.embedded)
          printStatus(context.terminal, "no daemon is running: the campaign continues when one is started");
      } else {
        printStatus(context.terminal, `campaign ${started.id} started`);
        await watch(context, connection, started.id);
      }
    });
}

/** Text about work that continues after the command was interrupted, and how to stop it. */
function leftBehind(id: string, embedded: boolean): string {
  const stop = `to stop it: otagate campaign cancel ${id}`;
  return embedded
    ? `campaign ${id} stays in the store: a daemon continues it; ${stop}`
    : `campaign ${id} continues in the daemon; ${stop}`;
}

function fileOrder(file: string): unknown {
  const text = readInput("--file", file);
  const deep = yamlTooDeep(text);
  if (deep !== undefined)
    throw new GatewayError("api.usage", `--file: ${file} is ${deep}`, { detail: { field: "file" } });
  try {
    return parse(text);
  } catch (cause) {
    throw new GatewayError("api.usage", `--file: ${file} cannot be read as YAML or JSON`, {
      detail: { field: "file" },
      cause,
    });
  }
}

/** An option that would be ignored is refused. @throws api.usage */
function refuseContradictions(options: StartOptions): void {
  const given = (names: readonly (keyof StartOptions)[]) => names.filter((name) => options[name] !== undefined);
  const whole = given([
    "all",
    "tag",
    "target",
    "function",
    "from",
    "to",
    "delete",
    "name",
    "concurrency",
    "canary",
    "stopAt",
  ]);
  const rules: readonly (readonly [broken: boolean, message: string])[] = [
    [options.file !== undefined && whole.length > 0, "--file contains the whole campaign: remove the other options"],
    [given(["all", "tag", "target"]).length > 1, "use only one of --all, --tag and --target"],
    [(options.from === undefined) !== (options.to === undefined), "--from and --to must be given together"],
    [options.from !== undefined && options.function !== undefined, "use either --function, or --from and --to"],
    [options.delete === true && options.from === undefined, "--delete requires --from and --to"],
  ];
  for (const [broken, message] of rules)
    if (broken) throw new GatewayError("api.usage", message, { detail: { field: "options" } });
}

/** An ICCID prefix for a name: a long run of digits in it could be a key and would be refused. */
function shortPrefix(prefix: string): string {
  return prefix.length <= 10 ? prefix : `${prefix.slice(0, 10)}…`;
}

/** @throws api.usage if action or targets are not specified clearly */
function orderOf(options: StartOptions): unknown {
  const targets =
    options.all === true
      ? { kind: "all" }
      : options.tag !== undefined
        ? { kind: "tag", tag: options.tag }
        : options.target !== undefined
          ? { kind: "list", references: options.target }
          : undefined;
  if (targets === undefined)
    throw new GatewayError("api.usage", "select the targets with --all, --tag or --target", {
      detail: { field: "targets" },
    });
  const { from, to } = options;
  const move = from !== undefined && to !== undefined;
  if (!move && options.function === undefined) {
    throw new GatewayError("api.usage", "specify the action with --function, with --from and --to, or with --file", {
      detail: { field: "action" },
    });
  }
  const action = move
    ? {
        kind: "move",
        from: { iccidPrefix: from },
        to: { iccidPrefix: to },
        old: options.delete === true ? "delete" : "keep",
      }
    : { kind: "es5", function: options.function };
  return {
    name: options.name ?? (move ? `${shortPrefix(from)} to ${shortPrefix(to)}` : options.function),
    targets,
    action,
    ...withoutUndefined({
      concurrency: options.concurrency,
      canary: options.canary,
      stopAtFailureShare: options.stopAt,
    }),
  };
}

/** Outcome of the targets of a campaign, in one state or in all. */
function itemsOf({ v1 }: ApiClient, id: string, state: string | undefined): AsyncIterable<CampaignItemAnswer> {
  return everyItem((page) => v1.campaigns.items({ params: { id }, query: unchecked({ state, ...page }) }), 100_000);
}

/** Follows a campaign; exit code 0 when every target succeeded, 1 otherwise. */
async function watch(context: CliContext, { api, embedded }: Connection, id: string): Promise<void> {
  using _note = context.onInterrupt(() => leftBehind(id, embedded));
  const progress = new Progress(context.terminal);
  const told = new Set<number>();
  let last = "";
  for (;;) {
    const one = await api.v1.campaigns.get({ params: { id } });
    if ((one.progress.counts.failed ?? 0) > told.size) {
      for await (const item of itemsOf(api, id, "failed")) {
        if (told.has(item.position)) continue;
        told.add(item.position);
        progress.clear();
        printStatus(context.terminal, failureLine(context, item));
      }
    }
    const story = `${one.state} ${one.progress.counts.failed ?? 0} ${Math.floor((10 * one.progress.ended) / one.progress.total)}`;
    const busy = one.state === "running" || (one.progress.counts.running ?? 0) > 0;
    // The last state is the result, on standard output.
    if (busy && !context.terminal.fancy && story !== last) printStatus(context.terminal, campaignLine(context, one));
    last = story;
    progress.show(campaignLine(context, one));
    if (busy) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      continue;
    }
    progress.clear();
    const failed: CampaignItemAnswer[] = [];
    for await (const item of itemsOf(api, id, "failed")) failed.push(item);
    result(
      context.terminal,
      { ...one, failed },
      () => `${campaignLine(context, one)}\n${failed.length === 0 ? "" : itemTable(failed)}`,
    );
    if (one.state !== "done" || (one.progress.counts.failed ?? 0) > 0) process.exitCode = 1;
    return;
  }
}

function campaignLine({ terminal }: CliContext, one: CampaignAnswer): string {
  const { total, ended, counts, remainingMs } = one.progress;
  const share = total === 0 ? 1 : ended / total;
  const bar = "█".repeat(Math.round(share * 20)).padEnd(20, "·");
  const rest =
    remainingMs === undefined || one.state !== "running" ? "" : `, about ${Math.ceil(remainingMs / 1000)} s remaining`;
  const others = (["skipped", "cancelled"] as const)
    .filter((state) => (counts[state] ?? 0) > 0)
    .map((state) => `, ${counts[state]} ${state}`)
    .join("");
  const reason = one.reason === undefined ? "" : ` (${one.reason})`;
  return `${paint(terminal, "bold", one.name)} ${one.state}${reason} ${bar} ${ended}/${total}: ${counts.succeeded ?? 0} succeeded, ${counts.failed ?? 0} failed, ${counts.running ?? 0} running${others}${rest}`;
}

function failureLine({ terminal }: CliContext, item: CampaignItemAnswer): string {
  const why = item.error === undefined ? "" : `${item.error.code}: ${item.error.message}`;
  const note = item.note === undefined ? "" : ` (${item.note})`;
  return `${paint(terminal, "red", "failed")} ${item.label}${item.step === undefined ? "" : ` at ${item.step}`}: ${why}${note}`;
}

function itemTable(items: readonly CampaignItemAnswer[]): string {
  return table(
    ["#", "TARGET", "STATE", "STEP", "WHY"],
    items.map((item) => [
      String(item.position),
      item.label,
      item.state,
      item.step ?? "",
      item.error === undefined
        ? (item.note ?? "")
        : `${item.error.code}: ${item.error.message}${item.note === undefined ? "" : ` (${item.note})`}`,
    ]),
  );
}
