import { errorCatalogue } from "../../base/error-catalogue.ts";
import type { JobAnswer, JobDetail } from "../api/jobs.ts";
import { switchText } from "./switch-view.ts";
import { elapsed, paint, type Terminal, when } from "./terminal.ts";

/** A job in an answer of the API, in a list or alone. */
export type ShownJob = JobAnswer & Partial<Pick<JobDetail, "packets" | "decoded" | "switch">>;

const ended = new Set(["done", "failed", "expired", "cancelled"]);

/** Whether the job has ended. */
export function jobHasEnded(job: ShownJob): boolean {
  return ended.has(job.state);
}

/** The exit code of a command that ends while the job is in this state. */
export function exitOf(job: ShownJob): number {
  if (!jobHasEnded(job)) return 6;
  if (job.state === "done") return 0;
  if (job.state === "expired") return 6;
  if (job.state === "cancelled") return 1;
  const code = job.error?.code ?? "";
  return Object.hasOwn(errorCatalogue, code) ? errorCatalogue[code as keyof typeof errorCatalogue].exit : 1;
}

/** A finished job, as text and octets. */
export function jobText(terminal: Terminal, job: ShownJob): string {
  const good = job.state === "done";
  const what = job.work.function?.name ?? job.work.kind;
  const lines = [
    `${paint(terminal, good ? "green" : jobHasEnded(job) ? "red" : "yellow", job.state.toUpperCase())} ${what} ${paint(terminal, "dim", job.id)}`,
  ];
  if (job.chosen !== undefined)
    lines.push(`  bearer     ${job.chosen.bearer} over ${job.chosen.link} (${job.chosen.why})`);
  for (const packet of job.packets ?? []) {
    const times = packet.transmissions === 1 ? "" : `, sent ${packet.transmissions} times`;
    lines.push(
      `  packet     ${packet.cntr === undefined ? "secured upstream" : `CNTR ${packet.cntr}`}, TAR ${packet.tar ?? "?"}, ${packet.userData.length} SMS, ${packet.state}${times}`,
    );
  }
  const por = job.result?.por;
  if (por !== undefined)
    lines.push(`  PoR        ${hex2(por.status)} ${por.name}${por.authenticated ? "" : " (not authenticated)"}`);
  for (const [index, command] of (job.result?.commands ?? []).entries()) {
    const named = job.decoded?.[index];
    lines.push(
      `  ${String(index + 1).padStart(2)} ${(named?.function ?? "command").padEnd(8)} ${command.sw}${command.data === "" ? "" : ` ${command.data}`}${named === undefined || named.succeeded ? "" : `: ${named.meaning}`}`,
    );
    if (named?.answer !== undefined && (named.succeeded || command.data !== ""))
      lines.push(...answerLines(named.answer));
  }
  if (job.result?.commands.length === 0 && job.result.data !== undefined) lines.push(`  data       ${job.result.data}`);
  if (job.result?.note !== undefined) lines.push(`  note       ${job.result.note}`);
  if (job.switch !== undefined) lines.push(`  switch     ${switchText(terminal, job.switch)}`);
  if (job.error !== undefined)
    lines.push(
      `  ${paint(terminal, "red", job.error.code)}: ${job.error.message}`,
      `  executed   ${executedText(job.error.detail)}`,
    );
  if (job.note !== undefined && !jobHasEnded(job)) lines.push(`  note       ${job.note}`);
  lines.push(
    `  times      queued ${when(job.createdAt)}, ${job.endedAt === undefined ? `valid until ${when(job.validUntil)}` : `ended after ${elapsed(job.endedAt - job.createdAt)}`}`,
  );
  return lines.join("\n");
}

/** Facts about the card after a failure, as text. */
function executedText({ executed, executedCommands }: Readonly<Record<string, unknown>>): string {
  switch (executed) {
    case true:
      return "yes: the card executed it";
    case false:
      return "no: the card executed none of it";
    case "partly":
      return `partly: the first ${String(executedCommands ?? "?")} commands`;
    default:
      return "unknown: it may have reached the card";
  }
}

const hex2 = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");

/** A fact of a decoded answer; types of keys and life cycles are octets. GP Card Specification §11.1.1, §11.1.8 */
function shownFact(key: string, value: unknown): string {
  if (key === "kind") return String(value);
  if (typeof value !== "number") return `${key} ${String(value)}`;
  if (key === "type" || key === "lifeCycle") return `${key} ${hex2(value)}`;
  return key.endsWith("Memory") ? `${key} ${value} octets` : `${key} ${value}`;
}

/** A decoded answer as indented lines. */
function answerLines(answer: unknown): string[] {
  const lines: string[] = [];
  const walk = (value: unknown, name: string, depth: number) => {
    const pad = " ".repeat(5 + depth * 2);
    if (Array.isArray(value)) for (const one of value) walk(one, name, depth);
    else if (typeof value === "object" && value !== null) {
      const flat = Object.entries(value).filter(
        ([key, inner]) => typeof inner !== "object" && inner !== "" && !(key === "kind" && inner in value),
      );
      if (flat.length > 0) lines.push(`${pad}${flat.map(([key, inner]) => shownFact(key, inner)).join(", ")}`);
      for (const [key, inner] of Object.entries(value)) if (typeof inner === "object") walk(inner, key, depth + 1);
    } else lines.push(`${pad}${name} ${String(value)}`);
  };
  walk(answer, "", 0);
  return lines;
}
