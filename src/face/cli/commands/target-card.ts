import type { Command } from "commander";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { CardAuditAnswer } from "../../api/cards.ts";
import { unchecked } from "../../api/client.ts";
import type { EisTrustAnswer } from "../../api/eis.ts";
import type { CliContext } from "../context.ts";
import { readInput, readJsonInput, valueOrFile } from "../input-file.ts";
import type { ShownJob } from "../job-view.ts";
import { namedLink } from "../named-link.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { writeOutput } from "../output-file.ts";
import { paint, result, table, writeDocument } from "../terminal.ts";
import { finishJobs } from "../watch-job.ts";

/** `target audit|export|certificates`: the EIS against the card. */
export function registerTargetCard(target: Command, context: CliContext): void {
  target
    .command("audit")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--fix", "update the EIS from the card")
    .option("--timeout <seconds>", "wait for the card, at most 60 seconds", secondsOf, 60)
    .option("--bearer <bearer>", "auto, envelope, sms or https", "auto")
    .option("--link <id>", "use only this reader, modem or SMSC")
    .description("compare the EIS with the card; exit code 1 when they differ")
    .addHelpText("after", "\nExample:\n  otagate target audit 89001012012341234012345678901224 --fix\n")
    .action(async (reference: string, options: { fix?: boolean; timeout: number; bearer: string; link?: string }) => {
      await using connection = await context.connect();
      const report = await connection.api.v1.cards.audit({
        params: { ref: reference },
        body: unchecked({
          fix: options.fix === true,
          waitMs: Math.round(options.timeout * 1000),
          bearer: options.bearer,
          ...(await namedLink(connection.api, options.link)),
        }),
      });
      result(context.terminal, report, (shown) => auditText(shown, context));
      if (report.differences.length > 0 && !report.fixed) process.exitCode = 1;
    });
  registerDocuments(target, context);
}

/** `connectivity show|set`: how a card reaches its SM-SR and the network. */
export function registerConnectivity(connectivity: Command, context: CliContext): void {
  connectivity
    .command("show")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .description("show the last known connectivity parameters")
    .addHelpText("after", "\nExample:\n  otagate connectivity show 89001012012341234012345678901224\n")
    .action(async (reference: string) => {
      await using connection = await context.connect();
      const shown = await connection.api.v1.cards.connectivity({ params: { ref: reference } });
      result(context.terminal, shown, (all) => `${treeLines(all, "").join("\n")}\n`);
    });
  registerSet(connectivity, context);
}

function registerDocuments(target: Command, context: CliContext): void {
  target
    .command("export")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--format <format>", "xml (SGP.02) or json", "xml")
    .option("-o, --output <file>", "output file (default: standard output)")
    .description("export the current EIS, without key values")
    .addHelpText("after", "\nExample:\n  otagate target export 89001012012341234012345678901224 -o eis.xml\n")
    .action(async (reference: string, options: { format: string; output?: string }) => {
      await using connection = await context.connect();
      const query = unchecked({ format: options.format });
      const document = await connection.api.v1.eis.export({ params: { ref: reference }, query });
      const text = document.endsWith("\n") ? document : `${document}\n`;
      if (options.output === undefined) writeDocument(context.terminal, text);
      else writeOutput("output", options.output, text);
    });
  target
    .command("certificates")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--ci <pem>", "certificate issuer (CI) certificate")
    .option("--eum <pem>", "EUM certificate (default: the one in the signature)")
    .description("verify the certificates of an eUICC; exit code 4 when one is not valid")
    .addHelpText("after", "\nExample:\n  otagate target certificates 89001012012341234012345678901224 --ci ci.pem\n")
    .action(async (reference: string, options: { ci?: string; eum?: string }) => {
      const given = (flag: string, file: string | undefined) =>
        file === undefined ? undefined : readInput(flag, file);
      await using connection = await context.connect();
      const body = { ci: given("--ci", options.ci), eum: given("--eum", options.eum) };
      const trust = await connection.api.v1.eis.certificates({ params: { ref: reference }, body });
      result(context.terminal, trust, (shown) => trustText(shown, context));
      if (trust.checks.some((check) => check.result === "bad")) process.exitCode = 4;
    });
}

function trustText({ eum, ecasd, checks }: EisTrustAnswer, { terminal }: CliContext): string {
  const titles: Readonly<Record<string, string>> = {
    "eum-by-ci": "CI signed the EUM certificate",
    "ecasd-by-eum": "EUM signed the ECASD certificate",
    "eis-by-eum": "EUM signed the EIS",
  };
  const colours: Readonly<Record<string, "green" | "red" | "yellow">> = { good: "green", bad: "red" };
  return [
    ...(eum === undefined
      ? ["EUM    no certificate"]
      : [
          `EUM    ${eum.subject}${eum.fromSignature ? " (from the signature)" : ""}`,
          `       issued by ${eum.issuer}, valid to ${eum.validTo}`,
        ]),
    ...(ecasd === undefined
      ? ["ECASD  no readable certificate"]
      : Object.entries(ecasd).map(([key, value], index) => `${index === 0 ? "ECASD " : "      "} ${key} ${value}`)),
    "",
    ...checks.map(
      ({ what, result: outcome, why }) =>
        `${paint(terminal, colours[outcome] ?? "yellow", outcome.padEnd(10))} ${titles[what] ?? what}${why === undefined ? "" : `: ${why}`}`,
    ),
  ].join("\n");
}

function auditText(report: CardAuditAnswer, { terminal }: CliContext): string {
  const side = (value: string | number | boolean | undefined) => (value === undefined ? "-" : String(value));
  const domains = table(
    ["ISD-P", "STATE", "FALL-BACK", "FREE"],
    report.domains.map((one) => [
      one.aid ?? "",
      one.state ?? "",
      one.fallback === true ? "yes" : "",
      side(one.remainingMemory),
    ]),
  );
  const { freeNonVolatile } = report.resources ?? {};
  const memory = freeNonVolatile === undefined ? "" : `\nfree memory ${freeNonVolatile} octets\n`;
  if (report.differences.length === 0)
    return `${domains}${memory}\n${paint(terminal, "green", "the EIS and the card agree")}`;
  const differences = table(
    ["ISD-P", "ICCID", "WHAT", "EIS", "CARD"],
    report.differences.map((one) => [one.aid ?? "", one.iccid ?? "", one.what, side(one.eis), side(one.card)]),
  );
  const end = report.fixed ? "the EIS was updated from the card" : "the EIS was not changed (use --fix to update it)";
  return `${domains}${memory}\n${differences}\n${paint(terminal, report.fixed ? "green" : "yellow", end)}`;
}

interface SetOptions {
  readonly file?: string;
  readonly smsrNumber?: string;
  readonly host?: string;
  readonly address?: string;
  readonly port?: number;
  readonly uri?: string;
  readonly agentId?: string;
  readonly apn?: string;
  readonly user?: string;
  readonly password?: string;
  readonly retry?: string;
  readonly smsc?: string;
  readonly profileApn?: string;
  readonly timeout?: number;
  readonly detach?: boolean;
}

function registerSet(connectivity: Command, context: CliContext): void {
  connectivity
    .command("set")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("-f, --file <file>", "all parameters as JSON (docs/eis.md)")
    .option("--smsr-number <digits>", "where the card's short messages go")
    .option("--address <ip>", "IP address of the SM-SR")
    .option("--port <n>", "TCP port of the SM-SR", wholeNumber)
    .option("--host <name>", "host name of the SM-SR's HTTP server")
    .option("--uri <path>", "URI of the administration agent's requests")
    .option("--agent-id <text>", "agent id")
    .option("--apn <name>", "access point name for SCP81")
    .option("--user <name>", "user name of the access point")
    .option("--password <text|@file>", "password of the access point")
    .option("--retry <attempts:seconds>", "retries of a failed connection")
    .option("--smsc <digits>", "SMSC of the enabled profile (needs keys of the operator's security domain)")
    .option("--profile-apn <name>", "access point name of the enabled profile")
    .option("--timeout <seconds>", "stop waiting after this time (the jobs continue)", secondsOf)
    .option("--detach", "print the job ids and return at once")
    .description("change connectivity parameters; wrong values can make the card unreachable")
    .addHelpText(
      "after",
      "\nExample:\n  otagate connectivity set 8900… --smsr-number +447700900123 --address 192.0.2.1 --port 443\n",
    )
    .action(async (reference: string, options: SetOptions) => {
      const { timeout: _, detach: __, ...given } = options;
      if (Object.keys(given).length === 0)
        throw new GatewayError("api.usage", "give at least one parameter: see `otagate connectivity set --help`");
      const body = options.file === undefined ? bodyOf(options) : readJsonInput("--file", options.file);
      await using connection = await context.connect();
      const { jobs } = await connection.api.v1.cards.setConnectivity({
        params: { ref: reference },
        body: unchecked(body),
      });
      if (options.detach === true) {
        const line = (job: ShownJob) => `${job.id} ${job.state} ${job.work.function?.name ?? ""}`;
        result(context.terminal, jobs, (all) => all.map(line).join("\n"));
        return;
      }
      await finishJobs(context, connection, jobs, options);
    });
}

function bodyOf(options: SetOptions): unknown {
  const retry = /^(\d+):(\d+)$/.exec(options.retry ?? "");
  if (options.retry !== undefined && retry === null)
    throw new GatewayError("api.usage", "--retry must be attempts:seconds, such as 3:60", {
      detail: { field: "retry" },
    });
  const password = options.password === undefined ? undefined : valueOrFile("--password", options.password);
  const https = {
    address: options.address,
    port: options.port,
    host: options.host,
    uri: options.uri,
    agentId: options.agentId,
    networkAccessName: options.apn,
    user: options.user,
    password,
    retry: retry === null ? undefined : { attempts: Number(retry[1]), delaySeconds: Number(retry[2]) },
  };
  const profile = {
    serviceCentre: options.smsc,
    https: options.profileApn === undefined ? undefined : { networkAccessName: options.profileApn },
  };
  const given = (value: object) => (Object.values(value).some((inner) => inner !== undefined) ? value : undefined);
  return { smsr: given({ number: options.smsrNumber, https: given(https) }), profile: given(profile) };
}

/** Nested facts as indented lines. */
function treeLines(value: Readonly<Record<string, unknown>>, pad: string): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    if (Array.isArray(inner))
      return inner.flatMap((one, index) =>
        isRecord(one) ? [`${pad}${key} ${index + 1}`, ...treeLines(one, `${pad}  `)] : [`${pad}${key} ${String(one)}`],
      );
    return isRecord(inner) ? [`${pad}${key}`, ...treeLines(inner, `${pad}  `)] : [`${pad}${key} ${String(inner)}`];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
