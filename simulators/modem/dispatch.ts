import type { CommandIo } from "./at-terminal.ts";
import type { Call, CommandSpec, CommandTable, Handler, Reply } from "./command.ts";
import { type AtCommand, Parameters, splitLine } from "./command-line.ts";
import { basicCommands } from "./commands/basic.ts";
import { callCommands } from "./commands/calls.ts";
import { messageCommands } from "./commands/messages.ts";
import { networkCommands } from "./commands/network.ts";
import { packetCommands } from "./commands/packet.ts";
import { simCommands } from "./commands/sim.ts";
import { toolkitCommands } from "./commands/toolkit.ts";
import { vendorCommand } from "./commands/vendor.ts";
import type { ModemFunctions } from "./modem-functions.ts";
import { finalOf, refuseCme, refusePlain } from "./refusal.ts";

const commands: ReadonlyMap<string, CommandSpec> = new Map(
  [basicCommands, callCommands, networkCommands, packetCommands, simCommands, toolkitCommands, messageCommands].flatMap(
    (table: CommandTable) => Object.entries(table),
  ),
);

/** Runs a command line and returns its final result, empty for none. ITU-T V.250 §5.2.2, §5.7 */
export async function runLine(
  modem: ModemFunctions,
  body: string,
  io: CommandIo,
  allowAbort: () => void,
): Promise<string> {
  const { reboot, mute, noFinal, bareOk } = modem.misbehaviour;
  if (mute > 0 && modem.random() < mute) return "";
  if (reboot > 0 && modem.random() < reboot) {
    void modem.reboot();
    return "";
  }
  try {
    const list = splitLine(body);
    if (list === undefined) return "ERROR";
    for (const command of list) {
      const reply = await runOne(modem, command, io, allowAbort);
      if (isFinal(reply)) return reply.final;
      if (reply === undefined || reply.length === 0 || bareOk.includes(command.name)) continue;
      io.info(...(typeof reply === "string" ? [reply] : reply));
      if (noFinal.includes(command.name)) return "";
    }
    return "OK";
  } catch (error) {
    return finalOf(error, modem.settings.cmee);
  }
}

async function runOne(
  modem: ModemFunctions,
  command: AtCommand,
  io: CommandIo,
  allowAbort: () => void,
): Promise<Reply> {
  if (modem.misbehaviour.refuse.includes(command.name)) return refusePlain();
  const call: Call = { modem, io, parameters: new Parameters(command.tail), tail: command.tail };
  const vendor = await vendorCommand(command, call);
  if (vendor !== undefined) return vendor.reply;
  const spec = commands.get(command.name);
  if (spec === undefined) return modem.behaviour.isSetting(command.text) ? undefined : refusePlain();
  if (
    command.form === "test" &&
    modem.behaviour.quirks.has("test-command-unreliable") &&
    /^\+C(GLA|CHC)/.test(command.name)
  ) {
    return refusePlain();
  }
  const handler = spec[command.form];
  if (handler === undefined) return command.form === "test" ? undefined : refuseCme(4);
  if (spec.abortable === true) allowAbort();
  return await answer(handler, call);
}

function answer(handler: string | Handler, call: Call): Reply | Promise<Reply> {
  return typeof handler === "string" ? handler : handler(call);
}

function isFinal(reply: Reply): reply is { readonly final: string } {
  return typeof reply === "object" && "final" in reply;
}
