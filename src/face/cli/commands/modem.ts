import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { asGatewayError } from "../../../base/gateway-error.ts";
import { everyItem } from "../../api/client.ts";
import type { MessageAnswer } from "../../api/messages.ts";
import type { CliContext } from "../context.ts";
import { modemTable, modemText } from "../modem-view.ts";
import { wholeNumber } from "../number-flag.ts";
import { printStatus, result, shownLines, table, when } from "../terminal.ts";
import { type OpenPort, registerModemProbe } from "./hardware-profile.ts";
import type { ShownLink } from "./reader.ts";

/** Functions that only the composition root can provide. */
interface ModemCommandDeps {
  readonly open: OpenPort;
  readonly userFolders: () => readonly string[];
}

const paramsOf = (name: string) => ({ id: name.includes(":") ? name : `modem:${name}` });

/** `modem list|show|reset|power|at|probe`. */
export function registerModem(modem: Command, context: CliContext, deps: ModemCommandDeps): void {
  modem
    .command("list")
    .description("list modems with identity and status")
    .action(async () => {
      await using connection = await context.connect();
      const { items } = await connection.api.v1.links.list({ query: { kind: "modem" } });
      result(context.terminal, items, modemTable);
    });
  modem
    .command("show")
    .argument("<modem>", "name or part of it")
    .description("show all facts about a modem, and the steps of the last profile switch")
    .action(async (name: string) => {
      await using connection = await context.connect();
      const link = await connection.api.v1.links.get({ params: paramsOf(name) });
      result(context.terminal, link, (one) => modemText(context.terminal, one));
    });
  modem
    .command("reset")
    .argument("<modem>", "name or part of it")
    .option("--sim", "reset only the card")
    .option("--power", "cycle the power")
    .option(...leaseOption)
    .description("restart a modem; ends its quarantine")
    .action(async (name: string, options: { sim?: boolean; power?: boolean; lease?: string }) => {
      await using connection = await context.connect();
      const link =
        options.power === true
          ? await connection.api.v1.links.powerCycle({ params: paramsOf(name), body: leaseOf(options) })
          : await connection.api.v1.links.reset({
              params: paramsOf(name),
              body: { kind: options.sim === true ? "warm" : "cold", ...leaseOf(options) },
            });
      result(context.terminal, link, shortState);
    });
  modem
    .command("power")
    .argument("<modem>", "name or part of it")
    .option(...leaseOption)
    .description("cycle the power of a modem; ends its quarantine")
    .action(async (name: string, options: { lease?: string }) => {
      await using connection = await context.connect();
      const link = await connection.api.v1.links.powerCycle({ params: paramsOf(name), body: leaseOf(options) });
      result(context.terminal, link, shortState);
    });
  modem
    .command("at")
    .argument("<modem>", "name or part of it")
    .argument("[command...]", "AT commands; without any, a console is opened")
    .option(...leaseOption)
    .description("send AT commands on a port that the daemon uses")
    .addHelpText("after", "\nExamples:\n  otagate modem at rack1 AT+CSQ\n  otagate modem at rack1\n")
    .action(async (name: string, commands: string[], options: { lease?: string }) => {
      await using connection = await context.connect();
      const send = (line: string) =>
        connection.api.v1.links.sendAt({ params: paramsOf(name), body: { line, ...leaseOf(options) } });
      if (commands.length > 0) await runCommands(context, send, commands);
      else await atConsole(context, send, name);
    });
  registerModemProbe(modem, context, deps);
}

const leaseOption = ["--lease <id>", "lease of the card in the modem"] as const;
const leaseOf = ({ lease }: { readonly lease?: string }) => withoutUndefined({ lease });

const shortState = (link: ShownLink) => `${link.id}: ${link.up ? "ready" : (link.reason ?? "down")}`;

type SendLine = (line: string) => Promise<{ readonly lines: readonly string[] }>;

async function runCommands(context: CliContext, send: SendLine, commands: readonly string[]): Promise<void> {
  const answers: { command: string; lines: readonly string[] }[] = [];
  for (const command of commands) {
    const { lines } = await send(command);
    answers.push({ command, lines });
    if (/ERROR/.test(lines.at(-1) ?? "")) process.exitCode = 4;
  }
  result(context.terminal, answers, (all) =>
    all.map(({ command, lines }) => `> ${command}\n${lines.join("\n")}\n`).join(""),
  );
}

/** Reads lines until end of input; history with the arrow keys. */
async function atConsole(context: CliContext, send: SendLine, name: string): Promise<void> {
  const console = createInterface({
    input: process.stdin,
    output: process.stderr,
    prompt: `${name}> `,
    historySize: 500,
  });
  const prompt = () => process.stdin.isTTY && console.prompt();
  prompt();
  for await (const line of console) {
    const command = line.trim();
    if (command === "exit" || command === "quit") break;
    if (command !== "" && !/^at/i.test(command))
      printStatus(context.terminal, "a command starts with AT; type exit to leave");
    else if (command !== "") {
      try {
        const { lines } = await send(command);
        context.terminal.out.write(shownLines(context.terminal, `${lines.join("\n")}\n`));
      } catch (thrown) {
        printStatus(context.terminal, asGatewayError(thrown).message);
      }
    }
    prompt();
  }
  console.close();
}

/** `sms send|list`, for tests of a link. */
export function registerSms(sms: Command, context: CliContext): void {
  sms
    .command("send")
    .argument("<to>", "digits, with or without +")
    .argument("<text>", "text of the message")
    .requiredOption("-l, --link <id>", "modem or SMSC account")
    .description("send a text message")
    .addHelpText("after", '\nExample:\n  otagate sms send +447700900123 "hello" --link modem:rack1\n')
    .action(async (to: string, text: string, options: { link: string }) => {
      await using connection = await context.connect();
      const sent = await connection.api.v1.links.sendText({ params: { id: options.link }, body: { to, text } });
      result(context.terminal, sent, ({ parts }) =>
        parts
          .map(
            (part) => `${part.at}${part.networkReference === undefined ? "" : ` (reference ${part.networkReference})`}`,
          )
          .join("\n"),
      );
    });
  sms
    .command("list")
    .option("--limit <n>", "maximum number of messages", wholeNumber, 50)
    .description("list received messages and receipts, newest first")
    .action(async (options: { limit: number }) => {
      await using connection = await context.connect();
      const found: MessageAnswer[] = [];
      const { messages } = connection.api.v1;
      for await (const one of everyItem((query) => messages.list({ query }), options.limit)) found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no messages\n"
          : table(
              ["WHEN", "LINK", "FROM", "WHAT", "TEXT OR OCTETS"],
              all.map((one) => [
                when(one.receivedAt),
                one.link,
                one.from ?? "",
                one.verdict ?? one.kind,
                one.text ?? one.userData ?? "",
              ]),
            ),
      );
    });
}
