import type { Command } from "commander";
import { GatewayError } from "../../../base/gateway-error.ts";
import { scopes } from "../../../gateway/model/api-token.ts";
import { everyItem, unchecked } from "../../api/client.ts";
import type { TokenAnswer } from "../../api/tokens.ts";
import type { CliContext } from "../context.ts";
import { printStatus, result, table, when } from "../terminal.ts";

/** `token create|list|revoke`. */
export function registerToken(token: Command, context: CliContext): void {
  token
    .command("create")
    .argument("<name>", "client that uses it: letters, digits, dot, dash, underscore")
    .requiredOption("--scopes <list>", `granted scopes, separated by commas: ${scopes.join(", ")}`)
    .option("--days <n>", "days until it expires (default: never)", Number)
    .description("create a token and print it once")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate token create smsr --scopes jobs\n  otagate token create grafana --scopes read --days 365\n",
    )
    .action(async (name: string, options: { scopes: string; days?: number }) => {
      if (options.days !== undefined && !(options.days > 0))
        throw new GatewayError("api.usage", "--days must be a number above 0", { detail: { field: "days" } });
      await using connection = await context.connect();
      const made = await connection.api.v1.tokens.create({
        body: unchecked({
          name,
          scopes: options.scopes.split(","),
          ...(options.days === undefined ? {} : { validMs: Math.round(options.days * 86_400_000) }),
        }),
      });
      result(context.terminal, made, (shown) => shown.token);
      if (context.terminal.fancy) printStatus(context.terminal, "save it now: it is not displayed again");
    });
  token
    .command("list")
    .description("list tokens, without their values")
    .addHelpText("after", "\nExample:\n  otagate token list\n")
    .action(async () => {
      await using connection = await context.connect();
      const found: TokenAnswer[] = [];
      const { tokens } = connection.api.v1;
      for await (const one of everyItem((query) => tokens.list({ query }), 10_000)) found.push(one);
      result(context.terminal, found, (all) =>
        all.length === 0
          ? "no tokens\n"
          : table(
              ["NAME", "SCOPES", "CREATED", "LAST USED", "STATE", "ID"],
              all.map((one) => [
                one.name,
                one.scopes.join(","),
                when(one.createdAt),
                when(one.lastUsedAt),
                stateOf(one),
                one.id,
              ]),
            ),
      );
    });
  token
    .command("revoke")
    .argument("<token>", "name or id of the token")
    .description("revoke a token")
    .addHelpText("after", "\nExample:\n  otagate token revoke smsr\n")
    .action(async (name: string) => {
      await using connection = await context.connect();
      await connection.api.v1.tokens.revoke({ params: { token: name } });
      result(context.terminal, { revoked: name }, () => `${name}: revoked\n`);
    });
}

function stateOf(token: TokenAnswer): string {
  if (token.revokedAt !== undefined) return `revoked ${when(token.revokedAt)}`;
  if (token.expiresAt === undefined) return "valid";
  return token.expiresAt <= Date.now() ? "expired" : `valid until ${when(token.expiresAt)}`;
}
