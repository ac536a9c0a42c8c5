import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { exitOf, jobText, type ShownJob, watchJob } from "../job-view.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";

/** `job list|show|watch|cancel`. */
export function registerJob(program: Command, context: CliContext): void {
  const job = program.command("job").description("scripts on their way to cards");
  job
    .command("list")
    .option("-t, --target <target>")
    .option("--state <states>", "comma-separated: queued,running,waiting,done,failed,expired,cancelled")
    .option("--limit <n>", "at most this many", wholeNumber, 50)
    .description("jobs, newest first")
    .addHelpText("after", "\nExample:\n  otagate job list --state failed,expired --json\n")
    .action(async (options: { target?: string; state?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: ShownJob[] = [];
      for await (const one of connection.api.list<ShownJob>(
        "/v1/jobs",
        { target: options.target, state: options.state },
        options.limit,
      ))
        found.push(one);
      result(context.terminal, found, (jobs) =>
        jobs.length === 0
          ? "no jobs\n"
          : table(
              ["ID", "STATE", "WHAT", "TARGET", "BEARER", "QUEUED", "WHY"],
              jobs.map((one) => [
                one.id,
                one.state,
                one.work.function?.name ?? one.work.kind,
                one.target,
                one.chosen?.bearer ?? "",
                when(one.createdAt),
                one.error?.code ?? (one.endedAt === undefined ? one.note : undefined) ?? "",
              ]),
            ),
      );
    });
  job
    .command("show")
    .argument("<id>")
    .description("one job with its packets and what the card answered")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const one = await connection.api.get<ShownJob>(`/v1/jobs/${encodeURIComponent(id)}`);
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
    });
  job
    .command("watch")
    .argument("<id>")
    .option("--timeout <seconds>", "stop watching after this time", secondsOf)
    .description("wait for the end of a job")
    .action(async (id: string, options: { timeout?: number }) => {
      await using connection = await context.connect();
      const one = await watchJob(
        context,
        connection.api,
        id,
        options.timeout === undefined ? undefined : options.timeout * 1000,
      );
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
      process.exitCode = one.endedAt === undefined ? 6 : exitOf(one);
    });
  job
    .command("cancel")
    .argument("<id>")
    .description("cancel a job that has not ended")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const one = await connection.api.post<ShownJob>(`/v1/jobs/${encodeURIComponent(id)}/cancel`, {});
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
    });
}
