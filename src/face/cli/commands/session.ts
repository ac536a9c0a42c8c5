import type { Command } from "commander";
import type { ApiClient } from "../client.ts";
import type { CliContext } from "../context.ts";
import { onlyOne } from "../identifier.ts";
import { secondsOf } from "../number-flag.ts";
import { printStatus, result, table, when } from "../terminal.ts";

const idText = "id of the session, or its beginning";

/**
 * Id of the open session that begins with this text; a text without a match is returned unchanged. @throws api.usage
 */
async function openSession(api: ApiClient, text: string): Promise<string> {
  const typed = text.trim().toLowerCase();
  const beginning = typed.startsWith("ses_") ? typed : `ses_${typed}`;
  const { items } = await api.v1.sessions.list({ query: { limit: 1000 } });
  const found = items.map(({ id }) => id).filter((id) => id.startsWith(beginning));
  return onlyOne(found, text) ?? text;
}

/** `session list|show|close`. */
export function registerSession(session: Command, context: CliContext): void {
  session
    .command("list")
    .description("list open sessions and the address of the server")
    .action(async () => {
      await using connection = await context.connect();
      const answer = await connection.api.v1.sessions.list();
      result(context.terminal, answer, ({ items, listening }) => {
        const head =
          listening === undefined ? "the SCP81 server is off\n" : `listening on ${listening.host}:${listening.port}\n`;
        return (
          head +
          (items.length === 0
            ? "no open sessions\n"
            : table(
                ["ID", "EID", "FROM", "SINCE", "PHASE", "POSTS"],
                items.map((one) => [
                  one.id,
                  one.eid ?? one.target,
                  one.remote,
                  when(one.openedAt),
                  one.phase,
                  String(one.posts),
                ]),
              ))
        );
      });
    });
  session
    .command("show")
    .argument("<id>", idText)
    .description("show an open session")
    .action(async (beginning: string) => {
      await using connection = await context.connect();
      const id = await openSession(connection.api, beginning);
      const one = await connection.api.v1.sessions.get({ params: { id } });
      result(context.terminal, one, (shown) =>
        Object.entries(shown)
          .map(([key, value]) => `${key.padEnd(9)} ${value}`)
          .join("\n"),
      );
    });
  session
    .command("close")
    .argument("<id>", idText)
    .description("close a session; the card may resume it")
    .action(async (beginning: string) => {
      await using connection = await context.connect();
      const id = await openSession(connection.api, beginning);
      await connection.api.v1.sessions.cut({ params: { id } });
      result(context.terminal, { closed: id }, () => `closed ${id}`);
    });
}

/** `target trigger`. */
export function registerTargetTrigger(target: Command, context: CliContext): void {
  target
    .command("trigger")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--wait <seconds>", "wait until the session is open, at most this long", secondsOf)
    .option("--validity <seconds>", "repeat the trigger for this time (default: 90 s)", secondsOf)
    .description("trigger the card to open an SCP81 session")
    .addHelpText(
      "after",
      "\nExample:\n  otagate target trigger 8900… --wait 60\n  otagate target trigger 8900… --validity 3600\n",
    )
    .action(async (reference: string, options: { wait?: number; validity?: number }) => {
      await using connection = await context.connect();
      const { events, sessions } = connection.api.v1;
      const before = await events.list({ query: { last: 1, limit: 1 } });
      const { target: id } = await sessions.trigger({
        params: { ref: reference },
        body: options.validity === undefined ? {} : { validityMs: options.validity * 1000 },
      });
      if (options.wait === undefined) {
        result(
          context.terminal,
          { target: id, triggered: true },
          () => "trigger accepted: the card opens a session when it receives it (see `otagate session list`)",
        );
        return;
      }
      for (const end = Date.now() + options.wait * 1000; Date.now() < end; ) {
        const { items } = await sessions.list();
        const open = items.find((one) => one.target === id);
        if (open !== undefined) {
          result(context.terminal, open, (one) => `session ${one.id} is open from ${one.remote}`);
          return;
        }
        // A session without work ends at once.
        const after = before.items[0]?.seq ?? 0;
        const [opened] = (await events.list({ query: { after, target: id, type: "session.opened", limit: 1 } })).items;
        if (opened !== undefined) {
          result(context.terminal, opened, ({ data }) => `session ${data.session} was opened, and ended without work`);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      printStatus(context.terminal, "no session was opened in time");
      process.exitCode = 6;
    });
}
