import type { Command } from "commander";
import { everyItem } from "../../api/client.ts";
import type { CliContext } from "../context.ts";
import { completeId } from "../identifier.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { exitOfSwitch, type ShownSwitch, switchText } from "../switch-view.ts";
import { elapsed, printStatus, result, type Terminal, table, when } from "../terminal.ts";
import { waitForSwitch } from "../watch-job.ts";

const idText = "id of the switch, or its beginning";

/** `switch list|show|wait`. SGP.02 §3.2, §3.4 */
export function registerSwitch(group: Command, context: CliContext): void {
  registerSwitchList(group, context);
  group
    .command("show")
    .argument("<id>", idText)
    .description("show one profile switch")
    .addHelpText("after", "\nExample:\n  otagate switch show prc_01j9z0f3\n")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const whole = await completeId(connection.api, "prc", id);
      const one = await connection.api.v1.switches.get({ params: { id: whole } });
      result(context.terminal, one, (shown) => detailText(context.terminal, shown));
    });
  group
    .command("wait")
    .argument("<id>", idText)
    .option("--timeout <seconds>", "stop waiting after this time", secondsOf)
    .description("wait until a switch is confirmed (exit code 0), rolled back (4) or lapsed (6)")
    .addHelpText("after", "\nExample:\n  otagate switch wait prc_01j9z0f3 --timeout 300\n")
    .action(async (id: string, options: { timeout?: number }) => {
      await using connection = await context.connect();
      const one = await waitForSwitch(context, connection, await completeId(connection.api, "prc", id), options);
      result(context.terminal, one, (shown) => detailText(context.terminal, shown));
      process.exitCode = exitOfSwitch(one);
    });
}

function detailText(terminal: Terminal, one: ShownSwitch): string {
  return [
    `${one.id} ${switchText(terminal, one)}`,
    `  function   ${one.kind} ${one.aid}${one.from === undefined || one.from === one.aid ? "" : `, from ${one.from}`}`,
    `  target     ${one.target}`,
    `  job        ${one.job}`,
    `  accepted   ${when(one.acceptedAt)}`,
    ...(one.switchedAt === undefined ? [] : [`  switched   ${when(one.switchedAt)}`]),
    ...(one.endedAt === undefined ? [] : [`  ended      ${when(one.endedAt)}`]),
  ].join("\n");
}

/** `switch list`, and `procedure list`, its former name. */
export function registerSwitchList(group: Command, context: CliContext): void {
  group
    .command("list")
    .option("-t, --target <target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--limit <n>", "maximum number of switches", wholeNumber, 50)
    .description("list profile switches, newest first")
    .addHelpText("after", `\nExample:\n  otagate ${group.name()} list --target 89001012012341234012345678901224\n`)
    .action(async (options: { target?: string; limit: number }) => {
      if (group.name() === "procedure")
        printStatus(
          context.terminal,
          "`procedure list` is deprecated and will be removed after this release: use `switch list`",
        );
      await using connection = await context.connect();
      const found: ShownSwitch[] = [];
      const query = { target: options.target };
      const { switches } = connection.api.v1;
      for await (const one of everyItem((page) => switches.list({ query: { ...query, ...page } }), options.limit))
        found.push(one);
      const after = (from: number, to: number | undefined) => (to === undefined ? "" : elapsed(to - from));
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no profile switches\n"
          : table(
              ["ID", "ACCEPTED", "TARGET", "FUNCTION", "ISD-P", "STATE", "SWITCHED", "ENDED", "JOB"],
              all.map((one) => [
                one.id,
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
