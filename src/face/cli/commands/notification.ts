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

/** `notification list|confirm|withhold` and `procedure list`. */
export function registerNotification(program: Command, context: CliContext): void {
  const notification = program.command("notification").description("what eUICCs reported");
  for (const [verb, does] of [
    ["confirm", "confirm one that waits for the upstream, was withheld or went unconfirmed"],
    ["withhold", "leave one unconfirmed, so that the card switches back"],
  ] as const) {
    notification
      .command(verb)
      .argument("<id>")
      .description(does)
      .addHelpText("after", `\nExample:\n  otagate notification ${verb} ntf_01k…\n`)
      .action(async (id: string) => {
        await using connection = await context.connect();
        const path = `/v1/notifications/${encodeURIComponent(id)}/${verb}`;
        const one = await connection.api.post<ShownNotification>(path, {});
        result(context.terminal, one, (shown) => `${shown.id} ${shown.text}: ${shown.confirmation}`);
      });
  }
  registerProcedure(program, context);
  notification
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
              ["ID", "WHEN", "EID", "WHAT", "SEQ", "ISD-P", "VIA", "CC", "COPIES", "CONFIRMATION"],
              all.map((one) => [
                one.id,
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

interface ShownProcedure {
  readonly id: string;
  readonly target: string;
  readonly job: string;
  readonly kind: string;
  readonly aid: string;
  readonly at: string;
  readonly acceptedAt: number;
  readonly switchedAt?: number;
  readonly endedAt?: number;
}

function registerProcedure(program: Command, context: CliContext): void {
  program
    .command("procedure")
    .description("profile switches")
    .command("list")
    .option("-t, --target <target>")
    .option("--limit <n>", "at most this many", wholeNumber, 50)
    .description("profile switches, newest first: accepted, switched, confirmed, rolled back or lapsed")
    .addHelpText("after", "\nExample:\n  otagate procedure list --target 89001012012341234012345678901224\n")
    .action(async (options: { target?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: ShownProcedure[] = [];
      const query = { target: options.target };
      for await (const one of connection.api.list<ShownProcedure>("/v1/procedures", query, options.limit))
        found.push(one);
      const after = (from: number, to: number | undefined) => (to === undefined ? "" : `${to - from} ms`);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no profile switches\n"
          : table(
              ["ACCEPTED", "TARGET", "WHAT", "ISD-P", "STATE", "SWITCHED", "ENDED", "JOB"],
              all.map((one) => [
                when(one.acceptedAt),
                one.target,
                one.kind,
                one.aid,
                one.at,
                after(one.acceptedAt, one.switchedAt),
                after(one.acceptedAt, one.endedAt),
                one.job,
              ]),
            ),
      );
    });
}
