import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { LinkTestAnswer } from "../../api/links.ts";
import { hashPassword } from "../../smpp/password.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { result, table } from "../terminal.ts";

const codingText = ({ dataCoding, destAddrSubunit }: LinkTestAnswer["tries"][number]["variant"]) =>
  [
    dataCoding === undefined ? undefined : `data_coding 0x${dataCoding.toString(16).toUpperCase().padStart(2, "0")}`,
    destAddrSubunit === undefined ? undefined : `dest_addr_subunit ${destAddrSubunit}`,
  ]
    .filter((part) => part !== undefined)
    .join(", ");

function testText({ passed, tries, works }: LinkTestAnswer): string {
  const rows = tries.map(({ variant, verdict, note }) => [codingText(variant), verdict, note ?? ""]);
  const advice = works === undefined ? "no coding reached the card" : `use ${codingText(works)} for this account`;
  const end = passed ? "the account's own coding reaches the card" : advice;
  return `${table(["CODING", "CARD", "NOTE"], rows)}${end}\n`;
}

/** The first line of a stream, empty if there is none. */
async function firstLine(input: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input });
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    lines.close();
  }
}

/** `smsc list|show|rebind|test|hash-password`. */
export function registerSmsc(smsc: Command, context: CliContext): void {
  smsc
    .command("list")
    .description("list accounts with their binds, and clients of the SMSC face")
    .action(async () => {
      await using connection = await context.connect();
      const { items } = await connection.api.v1.links.list({ query: { kind: "smsc" } });
      const { facts } = await connection.api.v1.daemon.get();
      const clients = facts.smppClients ?? [];
      result(context.terminal, { accounts: items, face: { port: facts.smppFace, clients } }, () => {
        const accounts =
          items.length === 0
            ? "no SMSC accounts\n"
            : table(
                ["ACCOUNT", "STATE"],
                items.map((link) => [link.id, link.up ? "bound" : (link.reason ?? "down")]),
              );
        const face =
          facts.smppFace === "off" ? "the SMSC face is off\n" : `the SMSC face listens on port ${facts.smppFace}\n`;
        return (
          accounts +
          face +
          (clients.length === 0
            ? ""
            : table(
                ["CLIENT", "FROM", "MODE", "IN FLIGHT"],
                clients.map((one) => [one.client ?? "(binding)", one.peer, one.mode ?? "", String(one.inFlight)]),
              ))
        );
      });
    });
  smsc
    .command("show")
    .argument("<account>", "name or part of it")
    .description("show an account with its binds, window and rate")
    .action(async (name: string) => {
      await using connection = await context.connect();
      const link = await connection.api.v1.links.get({ params: { id: name } });
      result(
        context.terminal,
        link,
        (one) => `${one.id}: ${one.up ? "bound" : (one.reason ?? "down")}\n${JSON.stringify(one.facts, null, 2)}`,
      );
    });
  smsc
    .command("rebind")
    .argument("<account>", "name or part of it")
    .description("close all sessions of an account and bind again")
    .action(async (name: string) => {
      await using connection = await context.connect();
      const link = await connection.api.v1.links.reset({ params: { id: name } });
      result(context.terminal, link, (one) => `${one.id} is binding again`);
    });
  smsc
    .command("test")
    .argument("<account>", "name or part of it")
    .description(
      "check with a known card that this SMSC delivers class-2 binary messages unchanged, or find a coding that works",
    )
    .requiredOption("--target <reference>", "card that is reachable through this account: EID, ICCID, MSISDN or name")
    .option("--wait <seconds>", "waiting time for each attempt", wholeNumber, 30)
    .option("--all", "try all codings, even after one worked")
    .addHelpText("after", "\nExample:\n  otagate smsc test operator --target 447700900123\n")
    .action(async (name: string, options: { target: string; wait: number; all?: boolean }) => {
      await using connection = await context.connect();
      const report = await connection.api.v1.links.test({
        params: { id: name },
        body: {
          target: options.target,
          waitMs: options.wait * 1000,
          exhaustive: options.all === true,
        },
      });
      result(context.terminal, report, testText);
      if (!report.passed) process.exitCode = 1;
    });
  smsc
    .command("hash-password")
    .description("hash a client's password for smppFace.clients (read from standard input)")
    .addHelpText("after", '\nExample:\n  printf %s "$PASSWORD" | otagate smsc hash-password\n')
    .action(async () => {
      const password = await firstLine(process.stdin);
      if (password === "")
        throw new GatewayError("api.usage", "standard input is empty: it must contain the password in one line");
      const passwordHash = await hashPassword(password);
      result(context.terminal, { passwordHash }, () => passwordHash);
    });
}
