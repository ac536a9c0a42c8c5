import { type Command, Option } from "commander";
import { everyItem } from "../../api/client.ts";
import type { CliContext } from "../context.ts";
import { completeId } from "../identifier.ts";
import { jobText, type ShownJob } from "../job-view.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";
import { exitOfWatched, type Until, watchJob } from "../watch-job.ts";

const idText = "id of the job, or its beginning";

/** `job list|show|watch|cancel`. */
export function registerJob(job: Command, context: CliContext): void {
  job
    .command("list")
    .option("-t, --target <target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--state <states>", "comma-separated: queued,running,waiting,done,failed,expired,cancelled")
    .option("--limit <n>", "maximum number of jobs", wholeNumber, 50)
    .description("list jobs, newest first")
    .addHelpText("after", "\nExample:\n  otagate job list --state failed,expired --json\n")
    .action(async (options: { target?: string; state?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: ShownJob[] = [];
      const query = { target: options.target, state: options.state };
      const { jobs: all } = connection.api.v1;
      for await (const one of everyItem((page) => all.list({ query: { ...query, ...page } }), options.limit))
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
    .argument("<id>", idText)
    .description("show a job with its packets and the card's answer")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const params = { id: await completeId(connection.api, "job", id) };
      const one = await connection.api.v1.jobs.get({ params });
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
    });
  job
    .command("watch")
    .argument("<id>", idText)
    .option("--timeout <seconds>", "stop waiting after this time", secondsOf)
    .addOption(
      new Option("--until <state>", "wait for the end of the job, or of the profile switch that it started")
        .choices(["accepted", "confirmed"])
        .default("accepted"),
    )
    .description("wait for the end of a job")
    .action(async (id: string, options: { timeout?: number; until: Until }) => {
      await using connection = await context.connect();
      const whole = await completeId(connection.api, "job", id);
      const one = await watchJob(context, connection, whole, options);
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
      process.exitCode = exitOfWatched(one, options.until);
    });
  job
    .command("cancel")
    .argument("<id>", idText)
    .description("cancel a job that has not ended")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const params = { id: await completeId(connection.api, "job", id) };
      const one = await connection.api.v1.jobs.cancel({ params });
      result(context.terminal, one, (shown) => jobText(context.terminal, shown));
    });
}
