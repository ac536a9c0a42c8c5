import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { errorCatalogue } from "../../../../base/error-catalogue.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../../../../base/gateway-error.ts";
import { fromHex } from "../../../../base/hex.ts";
import { parseSpi } from "../../../../codec/ota/spi.ts";
import { PacketKeys } from "../../../../crypto/packet-keys.ts";
import { type ExplainType, explainTypes } from "../../../../explain/context.ts";
import { type Explained, type ExplainOptions, explain } from "../../../../explain/explain.ts";
import { Assembler } from "../../../../explain/packet/assembled.ts";
import { answerType, type Question, questionIn } from "../../../../explain/question.ts";
import { KeyFiles } from "../../../../explain/secrets/key-files.ts";
import { plainStyle, type TreeStyle, treeLines } from "../../../../explain/tree-text.ts";
import { type CommandIo, keyFlag } from "../../run-operation.ts";
import { visible, visibleLines } from "../../visible.ts";

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
  readonly secrets?: boolean;
  readonly lenient?: boolean;
  readonly json?: boolean;
}

/**
 * `decode`: identifies and decodes octets, as a tree. Requires no daemon; keys come from flags only and are not sent
 * anywhere.
 */
export function registerDecode(own: Command, io: CommandIo): void {
  own
    .argument("[hex...]", "octets, one item per argument; without arguments one item per line from standard input")
    .addOption(new Option("--as <type>", "decode as this type instead of detecting it").choices([...explainTypes]))
    .option("--kic <key>", "cipher key that opens packets: hexadecimal, env:NAME or file:PATH")
    .option("--kid <key>", "checksum key that opens packets: hexadecimal, env:NAME or file:PATH")
    .addOption(new Option("--implicit <algorithm>", "algorithm for algorithm nibble 0").choices(["AES", "3DES", "DES"]))
    .option("--spi <hex>", "SPI of the command that a response packet answers")
    .option("--cntr <hex>", "counter of that command, five octets")
    .option("--tar <hex>", "TAR of that command, three octets")
    .option("--kic-octet <hex>", "KIc octet of that command (12: AES, key set 1)", "12")
    .option("--kid-octet <hex>", "KID octet of that command (12: AES-CMAC, key set 1)", "12")
    .option("--full", "show all octets of long values")
    .option("--secrets", "show keys, PINs and logins instead of hiding them")
    .option("--lenient", "exit with 0 even if an item could not be decoded")
    .option("--json", "print JSON, one line per item")
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
      // The codec's own message would quote the text.
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
  return { keys, answered, as: flags.as, secrets: flags.secrets === true };
}

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
  const assembler = new Assembler(options);
  const files = new KeyFiles();
  let asked: Question = {};
  let unread = 0;
  for await (const text of items) {
    const [head = "", sign] = /^(?:(<-|<|->|>)\s*)?/.exec(text) ?? [];
    let octets: Uint8Array;
    try {
      octets = fromHex(text.slice(head.length));
    } catch (thrown) {
      fail(moved(thrown, head.length), io);
      continue;
    }
    const answers = sign?.startsWith("<") === true;
    const known = answers
      ? { ...answerOptions(octets, options, asked), keyFile: files.answered }
      : { ...options, storesKeys: asked.storesKeys };
    let found = explain(octets, known);
    if (!answers && found.type === "c-apdu" && files.writes(octets)) {
      found = explain(octets, { ...known, keyFile: true });
    }
    asked = questionIn(found, octets, asked);
    for (const one of [found, ...assembler.take(found)]) {
      io.stdout.write(flags.json === true ? written(one, flags) : visibleLines(written(one, flags), false));
      if (!isReadable(one)) unread++;
    }
  }
  if (unread === 0 || flags.lenient === true) return;
  io.exitCode(errorCatalogue["codec.value"].exit);
  const what = unread === 1 ? "1 item was" : `${unread} items were`;
  io.stderr.write(`otagate: ${what} not decoded completely; use --lenient to exit with 0\n`);
}

/** An item after `<` is the answer to the item before it, unless the flags specify its type. */
function answerOptions(octets: Uint8Array, options: ExplainOptions, asked: Question): ExplainOptions {
  const { command, commands } = asked;
  const as = options.as ?? answerType(octets, asked);
  return { ...options, as, command, commands, answered: options.answered ?? asked.answered };
}

/** The error with its offset in the line as it was given. */
function moved(thrown: unknown, by: number): unknown {
  if (!isGatewayError(thrown)) return thrown;
  const { offset } = thrown.detail;
  if (typeof offset !== "number") return thrown;
  return thrown.with({ detail: { offset: offset + by } });
}

/** Whether the tree contains no node with an error. */
function isReadable({ type, node }: Explained): boolean {
  return type !== "unknown" && hasNoError(node);
}

function hasNoError(node: Explained["node"]): boolean {
  return node.error === undefined && node.children.every(hasNoError);
}

function fail(thrown: unknown, io: CommandIo): void {
  if (!isGatewayError(thrown)) throw thrown;
  const error = asGatewayError(thrown);
  io.exitCode(error.entry.exit);
  const { offset } = error.detail;
  io.stderr.write(
    `otagate: ${error.code}: ${visible(error.message)}${typeof offset === "number" ? ` (offset ${offset})` : ""}\n`,
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
