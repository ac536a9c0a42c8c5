import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { everyItem } from "../../api/client.ts";
import type { DeadLetterAnswer, UpstreamAnswer } from "../../api/upstreams.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";

/** `upstream list`, `upstream dead list|replay|discard`. */
export function registerUpstream(upstream: Command, context: CliContext): void {
  upstream
    .command("list")
    .description("list upstreams with delivery status")
    .addHelpText("after", "\nExample:\n  otagate upstream list\n")
    .action(async () => {
      await using connection = await context.connect();
      const { items } = await connection.api.v1.upstreams.list();
      result(context.terminal, items, (all) => (all.length === 0 ? "no upstreams\n" : upstreamTable(all)));
    });
  const dead = upstream.command("dead").description("manage events that an upstream refused");
  dead
    .command("list")
    .argument("<upstream>", "name of the upstream")
    .option("--limit <n>", "maximum number of dead letters", wholeNumber, 100)
    .description("list dead letters, oldest first")
    .addHelpText("after", "\nExample:\n  otagate upstream dead list smsr\n")
    .action(async (name: string, options: { limit: number }) => {
      await using connection = await context.connect();
      const found: DeadLetterAnswer[] = [];
      const { upstreams } = connection.api.v1;
      const params = { name };
      for await (const one of everyItem((query) => upstreams.deadLetters({ params, query }), options.limit))
        found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no dead letters\n"
          : table(
              ["ID", "TYPE", "WHEN", "TRIED", "WHY", "TARGET"],
              all.map((one) => [
                one.id,
                one.type,
                when(one.createdAt),
                String(one.attempts),
                one.error ?? "",
                one.target ?? "",
              ]),
            ),
      );
    });
  const acts = [
    { verb: "replay", what: "send all dead letters again, or one of them", done: "sent again" },
    { verb: "discard", what: "remove all dead letters, or one of them", done: "dropped" },
  ] as const;
  for (const { verb, what, done } of acts) {
    dead
      .command(verb)
      .argument("<upstream>", "name of the upstream")
      .argument("[id]", "dead letter (default: all)")
      .description(what)
      .addHelpText("after", `\nExample:\n  otagate upstream dead ${verb} smsr\n`)
      .action(async (name: string, id: string | undefined) => {
        await using connection = await context.connect();
        const answer = await connection.api.v1.upstreams[verb]({
          params: { name },
          body: withoutUndefined({ id }),
        });
        result(context.terminal, answer, ({ count }) => `${count} ${done}\n`);
      });
  }
}

function upstreamTable(all: readonly UpstreamAnswer[]): string {
  return table(
    ["NAME", "USED FOR", "QUEUED", "DEAD", "DELIVERED", "LAST SUCCESS", "LAST TROUBLE"],
    all.map((one) => [
      one.name,
      usesOf(one),
      String(one.queued),
      String(one.dead),
      String(one.delivered),
      when(one.lastSuccessAt),
      one.lastError ?? "",
    ]),
  );
}

function usesOf({ webhook, pull, proxy, keyLookup }: UpstreamAnswer): string {
  const uses = [webhook && "events", pull && "work", proxy && "sessions", keyLookup && "keys"];
  return uses.filter((use) => use !== false).join(", ");
}
