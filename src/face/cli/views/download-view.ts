import { junitXml } from "../../../codec/text/junit.ts";
import type { DownloadAnswer, DownloadPlanAnswer } from "../../api/downloads.ts";
import { elapsed, paint, type Terminal, table, when } from "../terminal.ts";

const stageTexts: Readonly<Record<DownloadAnswer["stage"], string>> = {
  planned: "planned",
  "isd-p": "create the ISD-P",
  certificate: "certificate of the SM-DP",
  keys: "establish keys",
  opening: "open the secure channel",
  authenticating: "authenticate",
  loading: "send the package",
  state: "read the state of the ISD-P",
  "clean-up": "delete the ISD-P",
  enabling: "enable the profile",
  verifying: "read the state of the profile",
  ended: "ended",
};

/** Progress in one line. */
export function downloadProgress({ stage, attempt, progress, order }: DownloadAnswer): string {
  const { block, blocks, remainingMs } = progress;
  const again = attempt > 1 ? `attempt ${attempt} of ${1 + Number(order.retries ?? 0)}, ` : "";
  const at = stage === "loading" ? `block ${block} of ${blocks}` : stageTexts[stage];
  return `${again}${at}${remainingMs === undefined ? "" : `, ${elapsed(remainingMs)} left`}`;
}

/** The plan of a download with what was found. */
export function planText(terminal: Terminal, plan: DownloadPlanAnswer): string {
  const { package: facts, findings, obstacles } = plan;
  const stopping = new Set(obstacles.map(({ code, message }) => `${code} ${message}`));
  const lines = [
    `card      ${plan.eid}`,
    `SM-DP     ${plan.smDp}`,
    `ISD-P     ${plan.isdP}`,
    `package   ${facts.octets} octets, version ${facts.version ?? "unknown"}, SHA-256 ${facts.sha256}`,
    `profile   ICCID ${facts.iccid ?? "unknown"}, IMSI ${facts.imsi ?? "unknown"}`,
    ...plan.steps.map((step, index) => `${index + 1}. ${step}`),
    ...findings.map(({ code, severity, message, acceptable }) => {
      const stops = stopping.has(`${code} ${message}`);
      const what = stops ? paint(terminal, "red", "obstacle") : severity === "obstacle" ? "accepted" : "warning";
      return `${what} ${code}: ${message}${stops && acceptable ? ` (--accept ${code})` : ""}`;
    }),
    obstacles.length === 0 ? "the preflight found no obstacle" : `${obstacles.length} obstacles`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A download with its steps and its outcome. */
export function downloadText(terminal: Terminal, one: DownloadAnswer): string {
  const { outcome, response, steps } = one;
  const rows = steps.map(({ stage, attempt, startedAt, endedAt, result }) => [
    String(attempt),
    stageTexts[stage],
    endedAt === undefined ? "" : elapsed(endedAt - startedAt),
    result ?? "",
  ]);
  return [
    `${one.id}  ${one.eid}  ICCID ${one.package.iccid ?? "unknown"}  ISD-P ${one.isdP}\n`,
    rows.length === 0 ? "" : table(["ATTEMPT", "STEP", "TIME", "RESULT"], rows),
    response === undefined ? "" : `EUICCResponse at block ${response.block}: ${response.octets} (${response.text})\n`,
    outcome === undefined ? `${downloadProgress(one)}\n` : outcomeLine(terminal, outcome),
  ].join("");
}

function outcomeLine(terminal: Terminal, { kind, text, enabled }: NonNullable<DownloadAnswer["outcome"]>): string {
  const style = kind === "installed" ? "green" : "red";
  const switched = enabled === undefined || enabled === "confirmed" ? "" : `; enabling: ${enabled}`;
  return `${paint(terminal, style, kind)}: ${text}${switched}\n`;
}

/** Downloads in a table. */
export function downloadTable(all: readonly DownloadAnswer[]): string {
  return table(
    ["ID", "EID", "ICCID", "STATE", "CARD", "STARTED"],
    all.map((one) => [
      one.id,
      one.eid,
      one.package.iccid ?? "",
      one.outcome?.kind ?? downloadProgress(one),
      one.outcome?.card ?? "",
      when(one.createdAt),
    ]),
  );
}

/** The report of a download for continuous integration: a case for each step. */
export function downloadJunit(one: DownloadAnswer): string {
  const { outcome, package: facts, response } = one;
  const last = one.steps.length - 1;
  const failed = outcome !== undefined && outcome.kind !== "installed";
  const summary = [
    `EID ${one.eid}`,
    `ICCID ${facts.iccid ?? "unknown"}`,
    `AID ${one.isdP}`,
    `SHA-256 ${facts.sha256}`,
    `EUICCResponse ${response === undefined ? "none" : `${response.octets} (${response.text})`}`,
  ];
  const cases = one.steps.map(({ stage, attempt, startedAt, endedAt = startedAt, result }, index) => ({
    name: `${attempt}.${index + 1} ${stageTexts[stage]}`,
    className: `download.${one.eid}`,
    seconds: (endedAt - startedAt) / 1000,
    ...(index === last && failed ? { failure: { type: outcome.kind, message: outcome.text } } : {}),
    output: [...(result === undefined ? [] : [result]), ...(index === last ? summary : [])].join("\n"),
  }));
  return junitXml([{ name: `download ${one.id}`, at: one.createdAt, cases }]);
}
