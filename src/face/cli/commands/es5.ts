import { type Command, Option } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import { es5Functions } from "../../../codec/euicc/es5/functions.ts";
import type { CliContext } from "../context.ts";
import { type Es5Option, es5Options, es5Values } from "../es5-options.ts";
import { namedLink } from "../named-link.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { runJob, type Until } from "../watch-job.ts";

/** Options of every command that sends data to a card. */
export function sendingOptions(command: Command): Command {
  return command
    .requiredOption("-t, --target <target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--bearer <bearer>", "auto, envelope, sms or https", "auto")
    .option("--link <id>", "use only this reader, modem or SMSC")
    .option("--spi <hex>", "SPI, 4 hexadecimal digits")
    .option("--kvn <n>", "key version of the SCP80 keys", wholeNumber)
    .option("--validity <seconds>", "expire after this time", secondsOf)
    .option("--timeout <seconds>", "stop waiting after this time (the job continues)", secondsOf)
    .addOption(
      new Option("--until <state>", "for a profile switch: wait until the card has accepted it, or until it ends")
        .choices(["accepted", "confirmed"])
        .default("confirmed"),
    )
    .option("--detach", "print the job id and return at once");
}

/** Values of {@link sendingOptions}. */
export interface SendingOptions {
  readonly target: string;
  readonly bearer: string;
  readonly link?: string;
  readonly spi?: string;
  readonly kvn?: number;
  readonly validity?: number;
  readonly timeout?: number;
  readonly detach?: boolean;
  readonly until: Until;
}

/** The job order that carries `work`, with the settings of the options. */
export function orderOf(options: SendingOptions, work: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { bearer, link, spi, kvn, validity } = options;
  return {
    target: options.target,
    work,
    request: {
      bearer,
      ...withoutUndefined({ link, spi, kvn }),
    },
    ...(validity === undefined ? {} : { validityMs: validity * 1000 }),
  };
}

/** Options of an example: those that are required, and the profile. */
function exampleOf(options: readonly Es5Option[]): readonly string[] {
  return options
    .filter(({ name, option }) => option.mandatory || name === "iccid")
    .map(({ name, option }) => (name === "iccid" ? "--iccid 8988…" : option.flags));
}

/** `es5 <function> --target …`, one subcommand per function. SGP.02 §4.1.1 */
export function registerEs5(es5: Command, context: CliContext): void {
  for (const { name, call } of es5Functions) {
    if (call === undefined || call.options === false) continue;
    const options = es5Options(call);
    const command = sendingOptions(es5.command(name).description(call.does));
    for (const option of options) command.addOption(option.option);
    command.addHelpText(
      "after",
      `\nExample:\n  otagate es5 ${[name, "--target 8900…", ...exampleOf(options)].join(" ")}\n`,
    );
    command.action(async (given: SendingOptions & Readonly<Record<string, unknown>>) => {
      await using connection = await context.connect();
      const work = { kind: "es5", function: name, params: es5Values(options, given) };
      const chosen = { ...given, ...(await namedLink(connection.api, given.link)) };
      await runJob(context, connection, orderOf(chosen, work), given);
    });
  }
}
