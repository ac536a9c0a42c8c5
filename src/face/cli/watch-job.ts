import { unchecked } from "../api/client.ts";
import type { ApiClient } from "./client.ts";
import type { CliContext, Connection } from "./context.ts";
import { exitOf, jobHasEnded, jobText, type ShownJob } from "./job-view.ts";
import { exitOfSwitch, type ShownSwitch, switchIsOpen, switchText } from "./switch-view.ts";
import { Progress, printStatus, result, when } from "./terminal.ts";

/** How long a command watches: to the end of the job, or of the profile switch that the job starts. */
export type Until = "accepted" | "confirmed";

interface WatchOptions {
  /** Seconds after which to stop watching. */
  readonly timeout?: number;
  readonly until?: Until;
}

/** How long one request waits for a change. */
const pollMs = 1000;

/** Displays progress: rewrites one line on a terminal; elsewhere prints a line at each change. */
class Story implements Disposable {
  readonly #context: CliContext;
  readonly #progress: Progress;
  readonly #start = Date.now();
  #last = "";

  constructor(context: CliContext) {
    this.#context = context;
    this.#progress = new Progress(context.terminal);
  }

  tell(text: string): void {
    this.#progress.show(`${text}, ${((Date.now() - this.#start) / 1000).toFixed(0)} s`);
    if (!this.#context.terminal.fancy && text !== this.#last) printStatus(this.#context.terminal, text);
    this.#last = text;
  }

  [Symbol.dispose](): void {
    this.#progress.clear();
  }
}

/** Watches a job to its end, and with `until: "confirmed"` also its profile switch; returns the final job. */
export async function watchJob(
  context: CliContext,
  { api, embedded }: Connection,
  id: string,
  { timeout, until }: WatchOptions,
): Promise<ShownJob> {
  using _note = context.onInterrupt(() => leftBehind(id, embedded));
  using story = new Story(context);
  const deadline = Date.now() + (timeout ?? Number.POSITIVE_INFINITY) * 1000;
  const job = await traced(context, api, { job: id }, () => watchToEnd(api, id, deadline, story));
  if (!jobHasEnded(job)) printStatus(context.terminal, leftBehind(id, embedded));
  const open = until === "confirmed" && job.switch !== undefined && switchIsOpen(job.switch);
  if (!open || job.switch === undefined) return job;
  const { id: one } = job.switch;
  await traced(context, api, { target: job.target }, () => watchSwitch(context, api, one, deadline, story));
  return api.v1.jobs.get({ params: { id: id } });
}

async function watchToEnd(api: ApiClient, id: string, deadline: number, story: Story): Promise<ShownJob> {
  for (;;) {
    const job = await api.v1.jobs.get({ params: { id: id }, query: { wait: pollMs } });
    if (jobHasEnded(job)) return job;
    const where = job.chosen === undefined ? "" : ` by ${job.chosen.bearer} over ${job.chosen.link}`;
    const until = job.state === "queued" ? `, valid until ${when(job.validUntil)}` : "";
    story.tell(`job ${id} ${job.state}${where}${job.note === undefined ? "" : `: ${job.note}`}${until}`);
    if (Date.now() > deadline) return job;
  }
}

/** Watches a profile switch until it is confirmed, rolled back or lapsed, or the time limit is reached. */
async function watchSwitch(
  context: CliContext,
  api: ApiClient,
  id: string,
  deadline: number,
  story: Story,
): Promise<ShownSwitch> {
  for (;;) {
    const one = await api.v1.switches.get({ params: { id }, query: { wait: pollMs } });
    if (!switchIsOpen(one) || Date.now() > deadline) return one;
    story.tell(`switch ${id} ${switchText(context.terminal, one)}`);
  }
}

/** `switch wait`: returns the switch when it has ended or the time limit is reached. */
export async function waitForSwitch(
  context: CliContext,
  { api }: Connection,
  id: string,
  { timeout }: WatchOptions,
): Promise<ShownSwitch> {
  using story = new Story(context);
  const deadline = Date.now() + (timeout ?? Number.POSITIVE_INFINITY) * 1000;
  return watchSwitch(context, api, id, deadline, story);
}

/** Prints the frames of `query` while `work` runs, if requested. */
async function traced<T>(
  context: CliContext,
  api: ApiClient,
  query: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  if (!context.trace()) return work();
  const { followTrace } = await import("./trace-view.ts");
  const stop = new AbortController();
  const frames = followTrace(context, api, query, stop.signal);
  try {
    return await work();
  } finally {
    stop.abort();
    await frames.catch(() => undefined);
  }
}

/** Text about work that continues after a command was interrupted or stopped waiting, and how to stop it. */
function leftBehind(job: string, embedded: boolean): string {
  return embedded
    ? `job ${job} stays in the store: a daemon or the next command continues it; to stop it: otagate job cancel ${job}`
    : `job ${job} continues in the daemon; to stop it: otagate job cancel ${job}`;
}

/** The exit code of a command that started a job: that of the switch, if it was watched. */
export function exitOfWatched(job: ShownJob, until: Until): number {
  const { switch: started } = job;
  return until === "confirmed" && job.state === "done" && started !== undefined ? exitOfSwitch(started) : exitOf(job);
}

/** Watches open jobs, one after the other, and prints their outcome; the first failure determines the exit code. */
export async function finishJobs(
  context: CliContext,
  connection: Connection,
  jobs: readonly ShownJob[],
  options: WatchOptions,
): Promise<void> {
  const { terminal } = context;
  for (const { id } of jobs) printStatus(terminal, `job ${id} accepted`);
  const watched: ShownJob[] = [];
  for (const { id } of jobs) watched.push(await watchJob(context, connection, id, options));
  result(terminal, watched, (all) => all.map((one) => jobText(terminal, one)).join("\n"));
  process.exitCode = watched.map(exitOf).find((code) => code !== 0) ?? 0;
}

/** Orders a job, prints its id and, unless detached, watches it and prints its outcome. */
export async function runJob(
  context: CliContext,
  connection: Connection,
  order: Readonly<Record<string, unknown>>,
  options: WatchOptions & { readonly detach?: boolean },
): Promise<void> {
  const { terminal } = context;
  const job = await connection.api.v1.jobs.submit({ body: unchecked(order) });
  if (options.detach === true) {
    result(terminal, job, () => `${job.id} ${job.state}`);
    if (connection.embedded)
      printStatus(terminal, "no daemon is running: the job waits for a daemon or the next command");
    return;
  }
  printStatus(terminal, `job ${job.id} accepted`);
  const until = options.until ?? "confirmed";
  const watched = await watchJob(context, connection, job.id, { ...options, until });
  result(terminal, watched, (one) => jobText(terminal, one));
  process.exitCode = exitOfWatched(watched, until);
}
