import type { Command } from "commander";
import { envelope } from "../../operations/envelope.ts";
import { type CommandIo, type OutputFlags, runOperation } from "../../run-operation.ts";

interface EnvelopeFlags extends OutputFlags {
  readonly sc?: string;
  readonly scToa?: string;
  readonly addressTag?: string;
  readonly cla?: string;
}

function inputOf(tpdu: string | undefined, flags: EnvelopeFlags) {
  return { tpdu, sc: flags.sc, sc_toa: flags.scToa, address_tag: flags.addressTag, cla: flags.cla };
}

/** `envelope`: an SMS-DELIVER as the ENVELOPE that passes it to a card. */
export function registerEnvelope(own: Command, io: CommandIo): void {
  own
    .argument("[tpdu]", "SMS-DELIVER in hexadecimal")
    .option("--sc <digits>", "service centre address")
    .option("--sc-toa <hex>", "type of address of the service centre (default: 91)")
    .option("--address-tag <hex>", "tag of the address object: 06 or 86")
    .option("--cla <hex>", "class octet: 80, or A0 for a 2G SIM")
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON")
    .action((tpdu: string | undefined, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<EnvelopeFlags>();
      return runOperation(envelope, () => inputOf(tpdu, flags), flags, io);
    });
}
