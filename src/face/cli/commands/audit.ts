import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { result, table, when } from "../terminal.ts";

interface ShownEntry {
  readonly at: number;
  readonly client?: string;
  readonly how?: string;
  readonly remote?: string;
  readonly operation: string;
  readonly path: string;
  readonly status?: number;
  readonly error?: string;
}

/** `audit list`. */
export function registerAudit(audit: Command, context: CliContext): void {
  audit
    .command("list")
    .option("--client <name>", "only requests of this client: name of a token, cert:NAME, local")
    .option("--operation <id>", "only requests of this API operation")
    .option("--limit <n>", "maximum number of entries", Number, 50)
    .description("list requests that changed something, and refused requests, newest first")
    .addHelpText("after", "\nExamples:\n  otagate audit list\n  otagate audit list --client smsr --limit 10\n")
    .action(async (options: { client?: string; operation?: string; limit: number }) => {
      await using connection = await context.connect();
      const { client, operation, limit } = options;
      const found: ShownEntry[] = [];
      for await (const one of connection.api.list<ShownEntry>("/v1/audit", { client, operation }, limit))
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
