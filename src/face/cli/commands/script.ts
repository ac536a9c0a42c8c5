import type { Command } from "commander";
import { scriptDecode, scriptEncode } from "../operations/script.ts";
import { type CommandIo, type OutputFlags, runOperation } from "../run-operation.ts";

interface DecodeFlags extends OutputFlags {
  readonly command?: boolean;
  readonly response?: boolean;
}

interface EncodeFlags extends OutputFlags {
  readonly object?: readonly string[];
}

/** `tag=value` of `--object`. */
function objectOf(text: string): { tag: string; value: string } {
  const at = text.indexOf("=");
  return at < 0 ? { tag: text, value: "" } : { tag: text.slice(0, at), value: text.slice(at + 1) };
}

function encodeInput(apdus: readonly string[], flags: EncodeFlags) {
  if (flags.object === undefined) return { apdus };
  return { commands: [...flags.object.map(objectOf), ...apdus.map((value) => ({ tag: "22", value }))] };
}

function decodeInput(octets: string | undefined, flags: DecodeFlags) {
  return { data: octets, kind: flags.command ? "command" : flags.response ? "response" : undefined };
}

/** `script encode` and `script decode`: TS 102 226 scripts and their answers. */
export function registerScript(script: Command, io: CommandIo): void {
  script
    .command("encode")
    .description("encode C-APDUs as compact, expanded definite and expanded indefinite scripts")
    .argument("[c-apdu...]", "C-APDUs in hexadecimal")
    .option("--object <tag=value...>", "other objects before the C-APDUs: 83=01, 82=")
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON")
    .action((apdus: string[], _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<EncodeFlags>();
      return runOperation(scriptEncode, () => encodeInput(apdus, flags), flags, io);
    });
  script
    .command("decode")
    .description("decode a script or a response to a script")
    .argument("[octets]", "script or response in hexadecimal")
    .option("--command", "decode as a command script")
    .option("--response", "decode as a response")
    .option("--json", "print JSON")
    .option("--jsonl", "read one operation per input line as JSON")
    .action((octets: string | undefined, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DecodeFlags>();
      return runOperation(scriptDecode, () => decodeInput(octets, flags), flags, io);
    });
}
