import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { asGatewayError, GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { fromHex } from "../../../base/hex.ts";
import { parseSpi } from "../../../codec/ota/spi.ts";
import { PacketKeys } from "../../../crypto/packet-keys.ts";
import { assembled } from "../../explain/assembled.ts";
import { type ExplainType, explainTypes } from "../../explain/context.ts";
import { type Explained, type ExplainOptions, explain } from "../../explain/explain.ts";
import { plainStyle, type TreeStyle, treeLines } from "../../explain/tree-text.ts";
import { type CommandIo, keyFlag } from "../run-operation.ts";

interface DecodeFlags {
  readonly as?: ExplainType;
  readonly kic?: string;
  readonly kid?: string;
  readonly implicit?: "AES" | "3DES" | "DES";
  readonly spi?: string;
  readonly cntr?: string;
  readonly tar?: string;
  readonly kicOctet?: string;
  readonly kidOctet?: string;
  readonly full?: boolean;
  readonly json?: boolean;
}

/** `decode`: what any octets are, as a tree. Needs no daemon; keys come from flags only and go nowhere. */
export function registerDecode(program: Command, io: CommandIo): void {
  program
    .command("decode")
    .description("say what any hex is: APDU, TPDU, packet, script, proactive command, notification, EID …")
    .argument("[hex...]", "octets, one item per argument; from standard input, one per line, when there is none")
    .addOption(new Option("--as <type>", "read them as this, whatever they look like").choices([...explainTypes]))
    .option("--kic <key>", "cipher key that opens packets: hexadecimal, env:NAME or file:PATH")
    .option("--kid <key>", "checksum key that opens packets: hexadecimal, env:NAME or file:PATH")
    .addOption(new Option("--implicit <algorithm>", "what algorithm nibble 0 means").choices(["AES", "3DES", "DES"]))
    .option("--spi <hex>", "SPI of the command that a response packet answers")
    .option("--cntr <hex>", "its counter, five octets")
    .option("--tar <hex>", "its TAR, three octets")
    .option("--kic-octet <hex>", "its KIc octet (12: AES, key set 1)", "12")
    .option("--kid-octet <hex>", "its KID octet (12: AES-CMAC, key set 1)", "12")
    .option("--full", "show all octets of long values")
    .option("--json", "answer as JSON, one line per item")
    .action(async (items: string[], _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DecodeFlags>();
      await decode(items.length > 0 ? pieces(items) : linesOf(io), flags, io);
    });
}

/**
 * Octets pasted with blanks between them arrive as many short arguments: where most are no longer than two octets, and
 * they are not all status words, they are one item.
 */
function pieces(items: readonly string[]): string[] {
  const short = items.filter((item) => item.length <= 4).length;
  const words = items.every((item) => /^[69][0-9A-Fa-f]{3}$/.test(item));
  return short * 2 > items.length && !words ? [items.join("")] : [...items];
}

async function* linesOf(io: CommandIo): AsyncGenerator<string> {
  for await (const line of createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const text = line.replace(/#.*$/, "").trim();
    if (text !== "") yield text;
  }
}

/** Keys and facts of the command, from flags. @throws codec.*, config.secret, api.usage */
function optionsOf(flags: DecodeFlags, io: CommandIo): ExplainOptions {
  const key = (text: string | undefined, name: string) => {
    const value = keyFlag(text, io);
    if (value === undefined) return undefined;
    try {
      return fromHex(value);
    } catch {
      // The codec's own message would quote what was given.
      throw new GatewayError("api.usage", `--${name} is not hexadecimal`);
    }
  };
  const kic = key(flags.kic, "kic");
  const kid = key(flags.kid, "kid");
  const keys =
    kic === undefined && kid === undefined ? undefined : new PacketKeys({ kic, kid, implicit: flags.implicit });
  const answered =
    flags.spi === undefined
      ? undefined
      : {
          spi: parseSpi(fromHex(flags.spi)),
          kic: Number.parseInt(flags.kicOctet ?? "12", 16),
          kid: Number.parseInt(flags.kidOctet ?? "12", 16),
          ...(flags.tar === undefined ? {} : { tar: fromHex(flags.tar) }),
          ...(flags.cntr === undefined ? {} : { cntr: Number.parseInt(flags.cntr, 16) }),
        };
  return { keys, answered, as: flags.as };
}

/** Segments that wait for the rest of their packet; a longer input is cut into runs of this many items. */
const remembered = 256;

async function decode(
  items: Iterable<string> | AsyncIterable<string>,
  flags: DecodeFlags,
  io: CommandIo,
): Promise<void> {
  let options: ExplainOptions;
  try {
    options = optionsOf(flags, io);
  } catch (thrown) {
    fail(thrown, io);
    return;
  }
  let earlier: { octets: Uint8Array; node: Explained["node"] }[] = [];
  let command: Uint8Array | undefined;
  for await (const text of items) {
    const answer = /^(<-|<)\s*/.exec(text);
    let octets: Uint8Array;
    try {
      octets = fromHex(text.replace(/^(<-|<|->|>)\s*/, ""));
    } catch (thrown) {
      fail(thrown, io);
      continue;
    }
    const found = explain(octets, answer === null ? options : { ...options, as: options.as ?? "r-apdu", command });
    if (found.type === "c-apdu") command = octets;
    io.stdout.write(written(found, flags));
    earlier.push({ octets, node: found.node });
    const whole = assembled(earlier, options);
    for (const packet of whole) io.stdout.write(written(packet, flags));
    if (whole.length > 0) earlier = [];
    if (earlier.length > remembered) earlier = earlier.slice(1);
  }
}

function fail(thrown: unknown, io: CommandIo): void {
  if (!isGatewayError(thrown)) throw thrown;
  const error = asGatewayError(thrown);
  io.exitCode(error.entry.exit);
  const { offset } = error.detail;
  io.stderr.write(
    `otagate: ${error.code}: ${error.message}${typeof offset === "number" ? ` (offset ${offset})` : ""}\n`,
  );
}

function written({ type, node, others }: Explained, flags: DecodeFlags): string {
  if (flags.json === true) return `${JSON.stringify({ type, others, node })}\n`;
  const { octets: _, ...uncut } = plainStyle;
  const style: TreeStyle = flags.full === true ? uncut : plainStyle;
  const lines = [...treeLines(node, style)];
  if (others.length > 0) lines.push(`      could also be: ${others.join(", ")} (--as TYPE)`);
  return `${lines.join("\n")}\n`;
}
