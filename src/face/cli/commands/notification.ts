import type { Command } from "commander";
import { everyItem } from "../../api/client.ts";
import type { NotificationAnswer } from "../../api/notifications.ts";
import type { CliContext } from "../context.ts";
import { completeId } from "../identifier.ts";
import { exitOf } from "../job-view.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { result, table, when } from "../terminal.ts";
import { watchJob } from "../watch-job.ts";

const idText = "id of the notification, or its beginning";

const oneLine = (one: NotificationAnswer) => `${one.id} ${one.text}: ${one.confirmation}`;

const detailText = (one: NotificationAnswer) =>
  [
    oneLine(one),
    `  EID        ${one.eid}`,
    ...(one.aid === undefined ? [] : [`  ISD-P      ${one.aid}`]),
    `  sequence   ${one.sequence}`,
    `  received   ${when(one.firstAt)}, ${one.copies} ${one.copies === 1 ? "copy" : "copies"}, by ${one.via}`,
    `  checksum   ${one.verified ? "verified" : "not verified"}`,
    ...(one.confirmJob === undefined ? [] : [`  job        ${one.confirmJob}`]),
  ].join("\n");

/** `notification list|show|confirm|withhold`. */
export function registerNotification(notification: Command, context: CliContext): void {
  notification
    .command("show")
    .argument("<id>", idText)
    .description("show one notification and its confirmation")
    .addHelpText("after", "\nExample:\n  otagate notification show ntf_01j9z0f3\n")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const params = { id: await completeId(connection.api, "ntf", id) };
      result(context.terminal, await connection.api.v1.notifications.get({ params }), detailText);
    });
  notification
    .command("confirm")
    .argument("<id>", idText)
    .option("--timeout <seconds>", "stop waiting after this time (the confirmation continues)", secondsOf)
    .option("--detach", "return without waiting for the card's answer")
    .description("confirm a notification that waits for the upstream, was withheld or failed to be confirmed")
    .addHelpText("after", "\nExample:\n  otagate notification confirm ntf_01j9z0f3\n")
    .action(async (id: string, options: { timeout?: number; detach?: boolean }) => {
      await using connection = await context.connect();
      const { notifications } = connection.api.v1;
      const params = { id: await completeId(connection.api, "ntf", id) };
      const one = await notifications.confirm({ params });
      if (options.detach === true || one.confirmJob === undefined) {
        result(context.terminal, one, oneLine);
        return;
      }
      const job = await watchJob(context, connection, one.confirmJob, options);
      result(context.terminal, await notifications.get({ params }), oneLine);
      process.exitCode = exitOf(job);
    });
  notification
    .command("withhold")
    .argument("<id>", idText)
    .description("leave a notification unconfirmed, so that the card rolls back")
    .addHelpText("after", "\nExample:\n  otagate notification withhold ntf_01j9z0f3\n")
    .action(async (id: string) => {
      await using connection = await context.connect();
      const params = { id: await completeId(connection.api, "ntf", id) };
      result(context.terminal, await connection.api.v1.notifications.withhold({ params }), oneLine);
    });
  notification
    .command("list")
    .option("-t, --target <target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--limit <n>", "maximum number of notifications", wholeNumber, 50)
    .description("list notifications, newest first")
    .action(async (options: { target?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: NotificationAnswer[] = [];
      const { notifications } = connection.api.v1;
      const query = { target: options.target };
      for await (const one of everyItem((page) => notifications.list({ query: { ...query, ...page } }), options.limit))
        found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no notifications\n"
          : table(
              ["ID", "WHEN", "EID", "WHAT", "SEQ", "ISD-P", "VIA", "AUTHENTIC", "COPIES", "CONFIRMATION"],
              all.map((one) => [
                one.id,
                when(one.firstAt),
                one.eid,
                one.text,
                one.sequence,
                one.aid ?? "",
                one.via,
                one.verified ? "yes" : "no",
                String(one.copies),
                one.confirmation,
              ]),
            ),
      );
    });
}
