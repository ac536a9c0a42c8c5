import type { Command } from "commander";
import { GatewayError } from "../../../../base/gateway-error.ts";
import { parseJson } from "../../../../base/json.ts";
import { tpduDecode, tpduEncode } from "../../operations/tpdu.ts";
import { type CommandIo, type OutputFlags, runOperation } from "../../run-operation.ts";

interface DecodeFlags extends OutputFlags {
  readonly rp?: string;
  readonly type?: string;
}

function fieldsOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch {
    throw new GatewayError("api.usage", "fields must be valid JSON", { detail: { field: "fields" } });
  }
}

/** `tpdu encode` and `tpdu decode`: the TPDUs of TS 23.040. */
export function registerTpdu(tpdu: Command, io: CommandIo): void {
  tpdu
    .command("encode")
    .description("encode a TPDU from its fields")
    .argument("[fields]", 'fields as a JSON object: {"type":"SMS-SUBMIT","tp_da":"1234",…}')
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON")
    .action((fields: string | undefined, _: unknown, command: Command) =>
      runOperation(tpduEncode, () => ({ fields: fieldsOf(fields) }), command.optsWithGlobals<OutputFlags>(), io),
    );
  tpdu
    .command("decode")
    .description("decode a TPDU into its fields")
    .argument("[octets]", "TPDU in hexadecimal, without service centre address")
    .option("--rp <place>", "type of a report: ACK or ERROR")
    .option("--type <name>", "SMS-DELIVER, SMS-SUBMIT, SMS-DELIVER-REPORT … (default: detected)")
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON")
    .action((octets: string | undefined, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DecodeFlags>();
      return runOperation(tpduDecode, () => ({ tpdu: octets, rp: flags.rp, type: flags.type }), flags, io);
    });
}
