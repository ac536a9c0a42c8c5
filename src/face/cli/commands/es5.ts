import { type Command, Option } from "commander";
import { GatewayError } from "../../../base/gateway-error.ts";
import type { CliContext } from "../context.ts";
import { namedLink } from "../named-link.ts";
import { secondsOf, wholeNumber } from "../number-flag.ts";
import { runJob, type Until } from "../watch-job.ts";

/** Options that every command has which sends something to a card. */
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

/** The job order that carries `work` as the options say. */
export function orderOf(options: SendingOptions, work: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { bearer, link, spi, kvn, validity } = options;
  return {
    target: options.target,
    work,
    request: {
      bearer,
      ...(link === undefined ? {} : { link }),
      ...(spi === undefined ? {} : { spi }),
      ...(kvn === undefined ? {} : { kvn }),
    },
    ...(validity === undefined ? {} : { validityMs: validity * 1000 }),
  };
}

interface Es5Command {
  readonly name: string;
  readonly does: string;
  readonly options?: (command: Command) => Command;
  readonly params?: (options: Record<string, string>) => Record<string, unknown>;
}

const profileOptions = (command: Command) =>
  command
    .option("--aid <aid>", "AID of the ISD-P")
    .option("--iccid <iccid>", "ICCID of the profile, if it is in the EIS");
const profile = ({ aid, iccid }: Record<string, string>) => ({
  ...(aid === undefined ? {} : { aid }),
  ...(iccid === undefined ? {} : { iccid }),
});
const hexList = (text: string | undefined) => (text === undefined ? {} : { tags: text.split(",") });
const given = (options: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));

const commands: readonly Es5Command[] = [
  {
    name: "createISDP",
    does: "create an ISD-P for a new profile",
    options: (c) => profileOptions(c).option("--quota <octets>", "maximum non-volatile memory", wholeNumber),
    params: (o) => ({ ...profile(o), ...given(o, "quota") }),
  },
  {
    name: "enableProfile",
    does: "enable a profile; the card switches after its answer",
    options: profileOptions,
    params: profile,
  },
  {
    name: "disableProfile",
    does: "disable the enabled profile; the card enables the fall-back profile",
    options: profileOptions,
    params: profile,
  },
  { name: "deleteProfile", does: "delete a disabled profile with its ISD-P", options: profileOptions, params: profile },
  {
    name: "setFallbackAttribute",
    does: "set the fall-back attribute of a profile",
    options: profileOptions,
    params: profile,
  },
  {
    name: "setEmergencyProfileAttribute",
    does: "set the emergency attribute of a profile",
    options: profileOptions,
    params: profile,
  },
  { name: "unsetEmergencyProfileAttribute", does: "remove the emergency attribute" },
  {
    name: "masterDelete",
    does: "delete a profile whatever its rules, with a token of its SM-DP",
    options: (c) =>
      profileOptions(c)
        .requiredOption("--token <hex>", "delete token (tag 9E)")
        .requiredOption("--provider-id <hex>", "tag 42")
        .requiredOption("--image-number <hex>", "tag 45")
        .requiredOption("--application-provider-id <hex>", "tag 5F20")
        .requiredOption("--token-id <hex>", "tag 93"),
    params: (o) => ({
      ...profile(o),
      ...given(o, "token", "providerId", "imageNumber", "applicationProviderId", "tokenId"),
    }),
  },
  {
    name: "auditStatus",
    does: "read the ISD-Ps and their states (GET STATUS)",
    options: (c) => profileOptions(c).option("--tags <list>", "tags to read, e.g. 4F,9F70,53"),
    params: (o) => ({ ...profile(o), ...hexList(o.tags) }),
  },
  { name: "auditResources", does: "read the free memory (GET DATA FF21)" },
  { name: "auditEid", does: "read the EID (GET DATA 5A)" },
  { name: "auditKeys", does: "read the key information template (GET DATA E0)" },
  { name: "auditCounter", does: "read the sequence counter (GET DATA C1)" },
  {
    name: "auditForwarded",
    does: "read forwarded data (GET DATA BF30)",
    options: (c) => c.option("--tags <list>", "tags to read, e.g. 66 or 7F21"),
    params: (o) => hexList(o.tags),
  },
  {
    name: "establishISDRKeySet",
    does: "establish a key set of the ISD-R: first --certificate, then --block",
    options: (c) =>
      c
        .option("--certificate <hex>", "7F21 certificate of the SM-SR (first step)")
        .option("--block <hex>", "A6, 7F49 and 5F37 (second step)"),
    params: (o) => given(o, "certificate", "block"),
  },
  {
    name: "finaliseISDRhandover",
    does: "delete every key set of the ISD-R but the named ones",
    options: (c) => c.requiredOption("--keep <list>", "KVN:first-last, e.g. 1:1-3,65:1-2"),
    params: (o) => ({ keep: (o.keep ?? "").split(",").map(keyRange) }),
  },
  {
    name: "updateSMSRAddressingParameters",
    does: "set the address of the SM-SR in the card",
    options: (c) =>
      c
        .option("--sms <number>", "destination of the card's SMS")
        .option("--https <hex>", "A5: 84, 85, 86, 89 TLVs")
        .option("--cat-tp <hex>", "A4"),
    params: (o) => given(o, "sms", "https", "catTp"),
  },
  {
    name: "updatePOL1",
    does: "set POL1 of a profile (sent as ES6)",
    options: (c) =>
      c
        .option("--disabling-not-allowed")
        .option("--deletion-not-allowed")
        .option("--delete-when-disabled")
        .option("--sd <aid>", "security domain (default: the ISD-P of the profile)"),
    params: (o) => ({ ...given(o, "disablingNotAllowed", "deletionNotAllowed", "deleteWhenDisabled", "sd") }),
  },
  {
    name: "confirmNotification",
    does: "confirm a notification by sequence number",
    options: (c) => c.requiredOption("--sequence <hex>", "4 hexadecimal digits"),
    params: (o) => given(o, "sequence"),
  },
];

function keyRange(text: string): { kvn: number; first: number; last: number } {
  const match = /^(\d+):(\d+)-(\d+)$/.exec(text.trim());
  if (match === null)
    throw new GatewayError("api.usage", `--keep: '${text}' must be KVN:first-last`, { detail: { field: "keep" } });
  return { kvn: Number(match[1]), first: Number(match[2]), last: Number(match[3]) };
}

/** `es5 <function> --target …`, one subcommand per function. SGP.02 §4.1.1 */
export function registerEs5(es5: Command, context: CliContext): void {
  for (const entry of commands) {
    const command = sendingOptions(es5.command(entry.name).description(entry.does));
    (entry.options?.(command) ?? command).addHelpText(
      "after",
      `\nExample:\n  otagate es5 ${entry.name} --target 89001012012341234012345678901224 …\n`,
    );
    command.action(async (options: SendingOptions & Record<string, string>) => {
      await using connection = await context.connect();
      const work = { kind: "es5", function: entry.name, params: entry.params?.(options) ?? {} };
      const chosen = { ...options, ...(await namedLink(connection.api, options.link)) };
      await runJob(context, connection, orderOf(chosen, work), options);
    });
  }
}
