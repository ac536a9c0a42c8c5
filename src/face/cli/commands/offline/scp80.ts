import type { Command } from "commander";
import { wholeNumber } from "../../number-flag.ts";
import { unwrap } from "../../operations/unwrap.ts";
import { wrap } from "../../operations/wrap.ts";
import { type CommandIo, keyFlag, runOperation } from "../../run-operation.ts";

interface WrapFlags {
  readonly spi?: string;
  readonly kic?: string;
  readonly kid?: string;
  readonly tar?: string;
  readonly cntr?: string;
  readonly kicKey?: string;
  readonly kidKey?: string;
  readonly ccLen?: number;
  readonly payload?: string;
  readonly concatRef?: number;
  readonly concatBits?: number;
  readonly implicit?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

interface UnwrapFlags extends WrapFlags {
  readonly expectTar?: string;
  readonly expectCntr?: string;
  readonly packet?: string;
  readonly storedCntr?: string;
  readonly command?: boolean;
  readonly lenient?: boolean;
}

function securityFlags(command: Command): Command {
  return command
    .option("--spi <hex>", "SPI, two octets")
    .option("--kic <hex>", "KIc octet")
    .option("--kid <hex>", "KID octet")
    .option("--kic-key <key>", "cipher key: hexadecimal, env:NAME or file:PATH")
    .option("--kid-key <key>", "checksum key: hexadecimal, env:NAME or file:PATH")
    .option("--cc-len <octets>", "length of the CC: 8 or 4 octets", wholeNumber)
    .option("--implicit <algorithm>", "algorithm for algorithm nibble 0: AES, 3DES or DES")
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON");
}

function keysOf(flags: WrapFlags, io: CommandIo) {
  return { kic_key: keyFlag(flags.kicKey, io), kid_key: keyFlag(flags.kidKey, io) };
}

function wrapInput(flags: WrapFlags, io: CommandIo) {
  const concat =
    flags.concatRef === undefined && flags.concatBits === undefined
      ? undefined
      : { ref: flags.concatRef ?? 0, ref_bits: flags.concatBits };
  return {
    spi: flags.spi,
    kic: flags.kic,
    kid: flags.kid,
    tar: flags.tar,
    cntr: flags.cntr,
    ...keysOf(flags, io),
    cc_len: flags.ccLen,
    payload: flags.payload,
    concat,
    implicit: flags.implicit,
  };
}

function unwrapInput(userDatas: readonly string[], flags: UnwrapFlags, io: CommandIo) {
  return {
    spi: flags.spi,
    kic: flags.kic,
    kid: flags.kid,
    ...keysOf(flags, io),
    cc_len: flags.ccLen,
    expect_tar: flags.expectTar,
    expect_cntr: flags.expectCntr,
    tp_ud: userDatas,
    packet: flags.packet,
    stored_cntr: flags.storedCntr,
    kind: flags.command ? "command" : undefined,
    lenient: flags.lenient,
    implicit: flags.implicit,
  };
}

/** `scp80 wrap` and `scp80 unwrap`: TS 102 225 packets without a daemon. */
export function registerScp80(scp80: Command, io: CommandIo): void {
  securityFlags(scp80.command("wrap"))
    .description("build a secured command packet and its short messages")
    .option("--tar <hex>", "TAR, three octets")
    .option("--cntr <hex>", "counter, five octets (default: zero)")
    .option("--payload <hex>", "secured data (the script)")
    .option("--concat-ref <number>", "concatenation reference of several short messages", wholeNumber)
    .option("--concat-bits <bits>", "size of the concatenation reference: 8 or 16 bits", wholeNumber)
    .action((_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<WrapFlags>();
      return runOperation(wrap, () => wrapInput(flags, io), flags, io);
    });
  securityFlags(scp80.command("unwrap"))
    .description("open a response packet (with --spi of its command) or a command packet")
    .argument("[tp-ud...]", "TP-UD of each short message, header included, in any order")
    .option("--expect-tar <hex>", "TAR of the command")
    .option("--expect-cntr <hex>", "counter of the command")
    .option("--packet <hex>", "packet without user data header, instead of TP-UDs")
    .option("--stored-cntr <hex>", "check a command packet like a receiver with this stored counter")
    .option("--command", "open as a command packet even with --spi")
    .option("--lenient", "accept known deviations of cards and servers in the field")
    .action((userDatas: string[], _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<UnwrapFlags>();
      return runOperation(unwrap, () => unwrapInput(userDatas, flags, io), flags, io);
    });
}
