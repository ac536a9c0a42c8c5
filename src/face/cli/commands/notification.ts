import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";

interface ShownNotification {
  readonly id: string;
  readonly eid: string;
  readonly text: string;
  readonly sequence: string;
  readonly aid?: string;
  readonly via: string;
  readonly verified: boolean;
  readonly copies: number;
  readonly confirmation: string;
  readonly firstAt: number;
}

/** `notification list`. */
export function registerNotification(program: Command, context: CliContext): void {
  program
    .command("notification")
    .description("what eUICCs reported")
    .command("list")
    .option("-t, --target <target>")
    .option("--limit <n>", "at most this many", wholeNumber, 50)
    .description("notifications, newest first")
    .action(async (options: { target?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: ShownNotification[] = [];
      for await (const one of connection.api.list<ShownNotification>(
        "/v1/notifications",
        { target: options.target },
        options.limit,
      ))
        found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no notifications\n"
          : table(
              ["WHEN", "EID", "WHAT", "SEQ", "ISD-P", "VIA", "CC", "COPIES", "CONFIRMATION"],
              all.map((one) => [
                when(one.firstAt),
                one.eid,
                one.text,
                one.sequence,
                one.aid ?? "",
                one.via,
                one.verified ? "good" : "none",
                String(one.copies),
                one.confirmation,
              ]),
            ),
      );
    });
}
