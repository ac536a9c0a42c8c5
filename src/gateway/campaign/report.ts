import { type JunitCase, junitXml } from "../../codec/text/junit.ts";
import type { Campaign, CampaignItem, ItemCounts, ItemState } from "../model/campaign.ts";
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

export function campaignReport(
  campaign: Campaign,
  counts: ItemCounts,
  items: readonly CampaignItem[],
  now: number,
): CampaignReport {
  const failures: Record<string, number> = {};
  for (const { state, error } of items)
    if (state === "failed") failures[error?.code ?? "job.failed"] = (failures[error?.code ?? "job.failed"] ?? 0) + 1;
  return {
    campaign: shownCampaign(campaign),
    progress: progressOf(campaign, counts, now),
    failures,
    items: items.map(shownItem),
  };
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

/** The report as CSV with a header line. RFC 4180 */
export function reportCsv({ items }: CampaignReport): string {
  const lines = items.map((item) => [
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
  ]);
  return `${[columns, ...lines].map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Neither passed nor failed: not done, or not yet at its end. */
const notTested: ReadonlySet<ItemState> = new Set(["skipped", "cancelled", "pending", "running"]);

/** The report for continuous integration: one case a target. */
export function reportJunit({ campaign, items }: CampaignReport): string {
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
  return junitXml([{ name: campaign.order.name, at: campaign.createdAt, cases }]);
}

function failureOf(item: ShownItem): NonNullable<JunitCase["failure"]> {
  const { code = "job.failed", message = "", detail = {} } = item.error ?? {};
  return {
    type: code,
    message,
    text: `${stepName(item)} ${JSON.stringify({ ...detail, ...(item.card === undefined ? {} : { card: item.card }) })}`,
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

/** A cell that no spreadsheet takes for a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
