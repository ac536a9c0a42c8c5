import { type Command, Option } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { unchecked } from "../../api/client.ts";
import type { TargetAnswer } from "../../api/targets.ts";
import type { CliContext } from "../context.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { printStatus, result } from "../terminal.ts";

const fields = ["name", "msisdn"] as const;
const reach = ["smsLink", "reader"] as const;
const settings = [
  ...(["notifications", "unsecuredNotifications", "spi", "scriptFormat", "originator", "serviceCentre"] as const),
  ...(["answerTimeoutMs", "scp81Buffer", "scp81Framing", "agentId"] as const),
] as const;

interface SetOptions extends Partial<Record<string, unknown>> {
  readonly tag?: string[];
  readonly answerTimeout?: number;
  readonly unset?: string[];
}

/** `target set`: changes fields, reach and settings of a target, and removes them with `--unset`. */
export function registerTargetSet(target: Command, context: CliContext, text: (shown: TargetAnswer) => string): void {
  target
    .command("set")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--name <name>", "name for display and as a reference")
    .option("--msisdn <digits>", "number for SMS, international format")
    .option("--tag <tag...>", "replace the tags")
    .option("--sms-link <id>", "modem or SMSC account that carries its SMS")
    .option("--reader <id>", "the only reader in which its card is looked for")
    .option("--notifications <mode>", "local, relay or withhold")
    .option("--unsecured-notifications <how>", "show or accept")
    .option("--spi <hex>", "SPI of commands")
    .option("--script-format <format>", "expanded-definite, expanded-indefinite or compact")
    .option("--originator <address>", "originating address of SMS to the card")
    .option("--service-centre <address>", "service centre address in messages to a card in a reader")
    .option("--answer-timeout <seconds>", "how long to wait for a PoR", secondsOf)
    .option("--scp81-buffer <octets>", "buffer of the card for one SCP81 script", wholeNumber)
    .option("--scp81-framing <how>", "chunked or content-length")
    .option("--agent-id <text>", "name of the card in SCP81 sessions, if it is neither the EID nor an ICCID")
    .addOption(new Option("--unset <field...>", "remove these").choices([...fields, ...reach, ...settings]))
    .description("change settings of a target")
    .action(async (reference: string, options: SetOptions) => {
      const body = patchOf(options);
      if (Object.keys(body).length === 0)
        throw new GatewayError("api.usage", "give at least one option: see `otagate target set --help`", {
          detail: {},
        });
      await using connection = await context.connect();
      const { targets } = connection.api.v1;
      const params = { ref: reference };
      const { version } = await targets.get({ params });
      const headers = { "if-match": `"${version}"` };
      const changed = await targets.change({ params, headers, body: unchecked(body) });
      for (const warning of changed.warnings ?? []) printStatus(context.terminal, warning);
      result(context.terminal, changed, text);
    });
}

/** The merge patch that the options describe; `null` removes a field. RFC 7396 */
function patchOf({ tag, answerTimeout, unset = [], ...given }: SetOptions): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = {
    ...given,
    ...(answerTimeout === undefined ? {} : { answerTimeoutMs: answerTimeout * 1000 }),
  };
  const part = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(
      names.flatMap((name): [string, unknown][] => {
        if (unset.includes(name)) return [[name, null]];
        return values[name] === undefined ? [] : [[name, values[name]]];
      }),
    );
  const inner = { reach: part(reach), settings: part(settings) };
  return {
    ...part(fields),
    ...withoutUndefined({ tags: tag }),
    ...Object.fromEntries(Object.entries(inner).filter(([, one]) => Object.keys(one).length > 0)),
  };
}
