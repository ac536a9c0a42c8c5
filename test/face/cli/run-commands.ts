import { Readable, Writable } from "node:stream";
import { Command } from "commander";
import { registerDecode } from "../../../src/face/cli/commands/offline/decode.ts";
import { registerEnvelope } from "../../../src/face/cli/commands/offline/envelope.ts";
import { registerScp80 } from "../../../src/face/cli/commands/offline/scp80.ts";
import { registerTpdu } from "../../../src/face/cli/commands/offline/tpdu.ts";
import { registerScript } from "../../../src/face/cli/commands/script.ts";
import type { CommandIo } from "../../../src/face/cli/run-operation.ts";

/** What a command line run left behind. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

function collector(): { readonly sink: Writable; readonly text: () => string } {
  const parts: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(Buffer.from(chunk));
      done();
    },
  });
  return { sink, text: () => Buffer.concat(parts).toString("utf8") };
}

/** Runs the offline commands in process, as the program does. */
export async function run(
  args: readonly string[],
  stdin: Iterable<string | Uint8Array> = [],
  surroundings: Partial<Pick<CommandIo, "env" | "readText">> = {},
): Promise<Ended> {
  const out = collector();
  const err = collector();
  let code = 0;
  const io: CommandIo = {
    stdin: Readable.from(stdin),
    stdout: out.sink,
    stderr: err.sink,
    exitCode: (value) => {
      code = value;
    },
    env: {},
    readText: () => "",
    ...surroundings,
  };
  const program = new Command("otagate").exitOverride();
  registerScp80(program.command("scp80"), io);
  registerScript(program.command("script"), io);
  registerTpdu(program.command("tpdu"), io);
  registerEnvelope(program.command("envelope"), io);
  registerDecode(program.command("decode"), io);
  await program.parseAsync([...args], { from: "user" });
  return { stdout: out.text(), stderr: err.text(), code };
}

/** Feeds objects as JSON lines to a command and returns its answers. */
export async function runLines(
  args: readonly string[],
  lines: readonly unknown[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const ended = await run([...args, "--jsonl"], [lines.map((line) => `${JSON.stringify(line)}\n`).join("")]);
  return ended.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
