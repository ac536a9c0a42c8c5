import { withoutUndefined } from "../../base/defined.ts";
import { octetText } from "../../base/octet-text.ts";
import { inTurns } from "../../base/turns.ts";
import { type JunitCase, junitPieces } from "../../codec/text/junit.ts";
import type { Campaign, CampaignItem, ItemState } from "../model/campaign.ts";
import { type Progress, progressOf } from "./pace.ts";
import { type ShownItem, shownCampaign, shownItem } from "./shown-campaign.ts";

/** Outcome of a campaign, target by target; keys and passwords of its order are masked. */
export interface CampaignReport {
  readonly campaign: Campaign;
  readonly progress: Progress;
  /** Number of failures by error code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly items: readonly ShownItem[];
}

/** Creates a report from pages of items; yields to other work. */
export async function campaignReport(
  campaign: Campaign,
  pieces: AsyncIterable<readonly CampaignItem[]>,
  now: number,
): Promise<CampaignReport> {
  const failures: Record<string, number> = {};
  const counts: Record<ItemState, number> = {
    pending: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
  };
  const items: ShownItem[] = [];
  const turn = inTurns(turnMs);
  for await (const piece of pieces) {
    for (const item of piece) {
      counts[item.state] += 1;
      const code = item.error?.code ?? "job.failed";
      if (item.state === "failed") failures[code] = (failures[code] ?? 0) + 1;
      items.push(shownItem(item));
      await turn();
    }
  }
  return { campaign: shownCampaign(campaign), progress: progressOf(campaign, counts, now), failures, items };
}

/** Longest time that a report is worked on before other work gets its turn, milliseconds. */
const turnMs = 5;

/** Joins the pieces of a report; yields to other work. */
export async function joinedReport(pieces: Iterable<string>): Promise<string> {
  const turn = inTurns(turnMs);
  const parts: string[] = [];
  for (const piece of pieces) {
    parts.push(piece);
    await turn();
  }
  return parts.join("");
}

/** The report as JSON, in pieces. */
export function* jsonPieces({ items, ...head }: CampaignReport): Generator<string> {
  yield `${JSON.stringify(octetText(head)).slice(0, -1)},"items":[`;
  for (const [index, item] of items.entries()) yield `${index === 0 ? "" : ","}${JSON.stringify(octetText(item))}`;
  yield "]}";
}

const columns = [
  "position",
  "target",
  "label",
  "outcome",
  "executed",
  "enabled",
  "step",
  "code",
  "message",
  "note",
  "started",
  "ended",
  "duration_ms",
  "jobs",
] as const;

/** The report as CSV, line by line. */
export function* csvPieces({ items }: CampaignReport): Generator<string> {
  yield csvLine(columns);
  for (const item of items) yield csvLine(csvCells(item));
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(cell).join(",")}\r\n`;
}

function csvCells(item: ShownItem): string[] {
  return [
    String(item.position),
    item.target,
    item.label,
    item.state,
    String(item.card?.executed ?? ""),
    item.card?.enabled?.iccid ?? item.card?.enabled?.aid ?? "",
    stepName(item),
    item.error?.code ?? "",
    item.error?.message ?? "",
    item.note ?? "",
    stamp(item.startedAt),
    stamp(item.endedAt),
    duration(item) === undefined ? "" : String(duration(item)),
    item.jobs.join(" "),
  ];
}

/** States that are neither passed nor failed: not started, or not ended yet. */
const notTested: ReadonlySet<ItemState> = new Set(["skipped", "cancelled", "pending", "running"]);

/** The report for continuous integration, case by case. */
export function reportPieces({ campaign, items }: CampaignReport): Generator<string> {
  const cases = items.map(
    (item): JunitCase => ({
      name: item.label,
      className: campaign.order.name,
      seconds: (duration(item) ?? 0) / 1000,
      ...(item.state === "failed" ? { failure: failureOf(item) } : {}),
      ...(notTested.has(item.state) ? { skipped: item.note ?? item.state } : {}),
      ...(item.note === undefined || item.state === "skipped" ? {} : { output: item.note }),
    }),
  );
  return junitPieces([{ name: campaign.order.name, at: campaign.createdAt, cases }]);
}

function failureOf(item: ShownItem): NonNullable<JunitCase["failure"]> {
  const { code = "job.failed", message = "", detail = {} } = item.error ?? {};
  return {
    type: code,
    message,
    text: `${stepName(item)} ${JSON.stringify({ ...detail, ...withoutUndefined({ card: item.card }) })}`,
  };
}

function stepName(item: ShownItem): string {
  return item.steps[item.step]?.name ?? "";
}

function duration({ startedAt, endedAt }: ShownItem): number | undefined {
  return startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
}

function stamp(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString();
}

/** A cell that a spreadsheet does not treat as a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
