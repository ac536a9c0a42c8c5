import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { hashPassword } from "../../smpp/password.ts";
import type { CliContext } from "../context.ts";
import { result, table } from "../terminal.ts";
import type { ShownLink } from "./reader.ts";

/** `smsc list|show|rebind|hash-password`. */
export function registerSmsc(program: Command, context: CliContext): void {
  const smsc = program.command("smsc").description("binds to operators' SMSCs, and the SMSC that others bind to");
  smsc
    .command("list")
    .description("accounts and whether they are bound; clients bound to us")
    .action(async () => {
      await using connection = await context.connect();
      const { items } = await connection.api.get<{ items: ShownLink[] }>("/v1/links", { kind: "smsc" });
      const { facts } = await connection.api.get<{
        facts: {
          smppFace?: unknown;
          smppClients?: { client?: string; peer: string; mode?: string; inFlight: number }[];
        };
      }>("/v1");
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
    .description("one account: binds, window, rate")
    .action(async (name: string) => {
      await using connection = await context.connect();
      const link = await connection.api.get<ShownLink>(`/v1/links/${encodeURIComponent(name)}`);
      result(
        context.terminal,
        link,
        (one) => `${one.id}: ${one.up ? "bound" : (one.reason ?? "down")}\n${JSON.stringify(one.facts, null, 2)}`,
      );
    });
  smsc
    .command("rebind")
    .argument("<account>", "name or part of it")
    .description("end all sessions of an account and bind anew")
    .action(async (name: string) => {
      await using connection = await context.connect();
      const link = await connection.api.post<ShownLink>(`/v1/links/${encodeURIComponent(name)}/reset`, {});
      result(context.terminal, link, (one) => `${one.id} binds anew`);
    });
  smsc
    .command("hash-password")
    .description("hash a client's password for smppFace.clients (read from standard input)")
    .addHelpText("after", '\nExample:\n  printf %s "$PASSWORD" | otagate smsc hash-password\n')
    .action(async () => {
      const lines = createInterface({ input: process.stdin });
      for await (const line of lines) {
        const passwordHash = await hashPassword(line);
        result(context.terminal, { passwordHash }, () => passwordHash);
        break;
      }
      lines.close();
    });
}
