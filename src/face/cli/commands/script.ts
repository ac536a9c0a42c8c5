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
    .description("write C-APDUs as a compact, an expanded definite and an expanded indefinite script")
    .argument("[c-apdu...]", "C-APDUs in hexadecimal")
    .option("--object <tag=value...>", "other objects, before the C-APDUs: 83=01, 82=")
    .option("--json", "answer as JSON")
    .option("--jsonl", "one operation per input line, as JSON")
    .action((apdus: string[], _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<EncodeFlags>();
      return runOperation(scriptEncode, () => encodeInput(apdus, flags), flags, io);
    });
  script
    .command("decode")
    .description("read a script, or the answer to one")
    .argument("[octets]", "script or answer in hexadecimal")
    .option("--command", "it is a command script")
    .option("--response", "it is an answer")
    .option("--json", "answer as JSON")
    .option("--jsonl", "one operation per input line, as JSON")
    .action((octets: string | undefined, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<DecodeFlags>();
      return runOperation(scriptDecode, () => decodeInput(octets, flags), flags, io);
    });
}
