import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { statusWordName } from "../../../codec/apdu/status-word.ts";
import type { LinkAnswer } from "../../api/links.ts";
import type { ApiClient } from "../client.ts";
import type { CliContext } from "../context.ts";
import { paint, result, table } from "../terminal.ts";

/** A link as the API shows it. */
export type ShownLink = LinkAnswer;

/**
 * The reader for a command: the named one, or the only one with a card. @throws link.unknown, link.unavailable,
 * api.usage
 */
async function pickReader(api: ApiClient, name: string | undefined): Promise<ShownLink> {
  if (name !== undefined) return api.v1.links.get({ params: { id: name } });
  const { items } = await api.v1.links.list({ query: { kind: "reader" } });
  const withCard = items.filter((link) => link.card !== undefined);
  const [only] = withCard.length > 0 ? withCard : items;
  if (only === undefined) {
    const { denied, reason = "connect a reader and check that pcscd is running (otagate doctor)" } = await whyNone(api);
    throw denied ?? new GatewayError("link.unavailable", `no reader is available; ${reason}`);
  }
  if (withCard.length > 1) {
    throw new GatewayError(
      "api.usage",
      `several readers contain cards; select one: ${withCard.map((link) => link.id).join(", ")}`,
    );
  }
  return only;
}

/** The daemon's report on the service that provides its readers. */
async function whyNone(api: ApiClient): Promise<{ readonly denied?: GatewayError; readonly reason?: string }> {
  const { facts } = await api.v1.daemon.get();
  const { readers } = facts;
  if (typeof readers !== "object" || readers === null || !("message" in readers)) return {};
  const reason = String(readers.message);
  if ("code" in readers && readers.code === "link.denied") return { denied: new GatewayError("link.denied", reason) };
  return { reason };
}

/** `reader list`, `reader reset`. */
export function registerReader(reader: Command, context: CliContext): void {
  reader
    .command("list")
    .description("list readers and their cards")
    .addHelpText("after", "\nExamples:\n  otagate reader list\n  otagate reader list --json | jq '.[].card.iccid'\n")
    .action(async () => {
      await using connection = await context.connect();
      const { items } = await connection.api.v1.links.list({ query: { kind: "reader" } });
      const { denied, reason } = items.length === 0 ? await whyNone(connection.api) : {};
      if (denied !== undefined) throw denied;
      result(context.terminal, items, (links) =>
        links.length === 0
          ? `no readers${reason === undefined ? "" : `: ${reason}`}\n`
          : table(
              ["READER", "STATE", "ICCID", "EID", "TARGET"],
              links.map((link) => [
                link.id,
                link.up ? "ready" : (link.reason ?? "down"),
                link.card?.iccid ?? "",
                link.card?.eid ?? "",
                link.target ?? "",
              ]),
            ),
      );
    });
  reader
    .command("reset")
    .argument("[reader]", "name or part of it")
    .option("--warm", "reset without switching the power off")
    .option("--lease <id>", "lease of the card; the reset ends it")
    .description("reset the card in a reader")
    .action(async (name: string | undefined, options: { warm?: boolean; lease?: string }) => {
      await using connection = await context.connect();
      const { id } = await pickReader(connection.api, name);
      const link = await connection.api.v1.links.reset({
        params: { id },
        body: {
          kind: options.warm ? "warm" : "cold",
          ...withoutUndefined({ lease: options.lease }),
        },
      });
      result(context.terminal, link, (one) => `${one.id}: ${one.up ? "ready" : (one.reason ?? "down")}`);
    });
}

/** `card info`, `card apdu`. */
export function registerCard(card: Command, context: CliContext): void {
  card
    .command("info")
    .argument("[reader]", "name or part of it (default: the only reader with a card)")
    .description("show identity and state of a card")
    .addHelpText("after", "\nExamples:\n  otagate card info\n  otagate card info 'Virtual PCD 00 00' --json\n")
    .action(async (name: string | undefined) => {
      await using connection = await context.connect();
      const link = await pickReader(connection.api, name);
      result(context.terminal, link, (one) => cardText(one, context));
    });
  card
    .command("apdu")
    .argument("<apdu...>", "C-APDUs in hexadecimal")
    .option("-r, --reader <name>", "name or part of it")
    .option("--stop", "stop at the first error status word")
    .description("exchange APDUs with the card without interruption")
    .addHelpText("after", "\nExample:\n  otagate card apdu 00A40004023F00 00A40004022FE2 00B000000A\n")
    .action(async (apdus: string[], options: { reader?: string; stop?: boolean }) => {
      await using connection = await context.connect();
      const link = await pickReader(connection.api, options.reader);
      const answer = await connection.api.v1.links.exchange({
        params: { id: link.id },
        body: { apdus, stopAtError: options.stop === true },
      });
      result(context.terminal, answer.responses, (responses) => responses.map(exchangeText).join(""));
      if (answer.responses.some((one) => !/^9[0-2]/.test(one.sw))) process.exitCode = 4;
    });
}

/** A C-APDU with its response; a status word that is not 9000 with its meaning. */
function exchangeText({
  apdu,
  data,
  sw,
}: {
  readonly apdu: string;
  readonly data: string;
  readonly sw: string;
}): string {
  const meaning = sw === "9000" ? "" : `  (${statusWordName(Number.parseInt(sw, 16))})`;
  return `> ${apdu}\n< ${data === "" ? "" : `${data} `}${sw}${meaning}\n`;
}

function cardText(link: ShownLink, { terminal }: CliContext): string {
  const rows: [string, string][] = [
    ["reader", link.id],
    ["state", link.up ? "ready" : (link.reason ?? "down")],
    ["ATR", link.card?.atr ?? ""],
    ["ICCID", link.card?.iccid ?? ""],
    ["IMSI", link.card?.imsi ?? ""],
    ["EID", link.card?.eid ?? ""],
    ["target", link.target ?? "unknown (use otagate target import)"],
  ];
  const above = new Set(["up", "phase", "atr", "iccid", "imsi", "eid"]);
  const facts = Object.entries(link.facts)
    .filter(([key, value]) => !above.has(key) && typeof value !== "object")
    .map(([key, value]): [string, string] => [key, String(value)]);
  return [...rows, ...facts]
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${paint(terminal, "dim", key.padEnd(12))} ${value}`)
    .join("\n");
}
