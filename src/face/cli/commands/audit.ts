import type { Command } from "commander";
import type { AuditAnswer } from "../../api/audit.ts";
import { everyItem } from "../../api/client.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";

/** `audit list`. */
export function registerAudit(audit: Command, context: CliContext): void {
  audit
    .command("list")
    .option("--client <name>", "only requests of this client: name of a token, cert:NAME, local")
    .option("--operation <id>", "only requests of this API operation")
    .option("--limit <n>", "maximum number of entries", wholeNumber, 50)
    .description("list requests that changed something, and refused requests, newest first")
    .addHelpText("after", "\nExamples:\n  otagate audit list\n  otagate audit list --client smsr --limit 10\n")
    .action(async (options: { client?: string; operation?: string; limit: number }) => {
      await using connection = await context.connect();
      const { client, operation, limit } = options;
      const found: AuditAnswer[] = [];
      const { audit: log } = connection.api.v1;
      for await (const one of everyItem((page) => log.list({ query: { client, operation, ...page } }), limit))
        found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no entries\n"
          : table(
              ["WHEN", "CLIENT", "FROM", "WHAT", "STATUS", "PATH"],
              all.map((one) => [
                when(one.at),
                one.client ?? "(stranger)",
                one.remote ?? one.how ?? "",
                one.operation,
                `${one.status ?? "no response"}${one.error === undefined ? "" : ` ${one.error}`}`,
                one.path,
              ]),
            ),
      );
    });
}
