import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CommandName } from "../face/cli/command-list.ts";
import type { CliContext } from "../face/cli/context.ts";
import type { CommandIo } from "../face/cli/run-operation.ts";

/** What the commands are given by the program. */
interface CommandParts {
  readonly context: CliContext;
  readonly globals: () => { readonly config?: string; readonly url?: string };
}

/**
 * Options and commands of each command of the first level. A module is loaded only when its command is called: the
 * start of a command costs what that command needs.
 */
export const commandGroups: Readonly<Record<CommandName, (own: Command, parts: CommandParts) => Promise<void>>> = {
  async reader(own, { context }) {
    const { registerReader } = await import("../face/cli/commands/reader.ts");
    registerReader(own, context);
  },
  async card(own, { context }) {
    const { registerCard } = await import("../face/cli/commands/reader.ts");
    registerCard(own, context);
  },
  async target(own, { context }) {
    const { registerTarget } = await import("../face/cli/commands/target.ts");
    const { registerTargetTrigger } = await import("../face/cli/commands/session.ts");
    registerTarget(own, context);
    registerTargetTrigger(own, context);
  },
  async connectivity(own, { context }) {
    const { registerConnectivity } = await import("../face/cli/commands/target-card.ts");
    registerConnectivity(own, context);
  },
  async session(own, { context }) {
    const { registerSession } = await import("../face/cli/commands/session.ts");
    registerSession(own, context);
  },
  async smsc(own, { context }) {
    const { registerSmsc } = await import("../face/cli/commands/smsc.ts");
    registerSmsc(own, context);
  },
  async modem(own, parts) {
    const { registerModem } = await import("../face/cli/commands/modem.ts");
    registerModem(own, parts.context, { userFolders: await profileFolders(parts), open: openAnyPort });
  },
  async profile(own, parts) {
    const { registerProfile } = await import("../face/cli/commands/profile.ts");
    registerProfile(own, parts.context, await profileFolders(parts));
  },
  async sms(own, { context }) {
    const { registerSms } = await import("../face/cli/commands/modem.ts");
    registerSms(own, context);
  },
  async es5(own, { context }) {
    const { registerEs5 } = await import("../face/cli/commands/es5.ts");
    registerEs5(own, context);
  },
  async script(own, { context }) {
    const { registerScript } = await import("../face/cli/commands/script.ts");
    const { registerScriptSend } = await import("../face/cli/commands/script-send.ts");
    registerScript(own, ioOf(context));
    registerScriptSend(own, context);
  },
  async job(own, { context }) {
    const { registerJob } = await import("../face/cli/commands/job.ts");
    registerJob(own, context);
  },
  async notification(own, { context }) {
    const { registerNotification } = await import("../face/cli/commands/notification.ts");
    registerNotification(own, context);
  },
  async switch(own, { context }) {
    const { registerSwitch } = await import("../face/cli/commands/switch.ts");
    registerSwitch(own, context);
  },
  async procedure(own, { context }) {
    const { registerSwitchList } = await import("../face/cli/commands/switch.ts");
    registerSwitchList(own, context);
  },
  async campaign(own, { context }) {
    const { registerCampaign } = await import("../face/cli/commands/campaign.ts");
    registerCampaign(own, context);
  },
  async upstream(own, { context }) {
    const { registerUpstream } = await import("../face/cli/commands/upstream.ts");
    registerUpstream(own, context);
  },
  async token(own, { context }) {
    const { registerToken } = await import("../face/cli/commands/token.ts");
    registerToken(own, context);
  },
  async audit(own, { context }) {
    const { registerAudit } = await import("../face/cli/commands/audit.ts");
    registerAudit(own, context);
  },
  async store(own, { context, globals }) {
    const { registerStore } = await import("../face/cli/commands/store.ts");
    const { storeWork } = await import("./store-work.ts");
    registerStore(own, context, storeWork(globals, context.env));
  },
  async scp80(own, { context }) {
    const { registerScp80 } = await import("../face/cli/commands/scp80.ts");
    registerScp80(own, ioOf(context));
  },
  async tpdu(own, { context }) {
    const { registerTpdu } = await import("../face/cli/commands/tpdu.ts");
    registerTpdu(own, ioOf(context));
  },
  async envelope(own, { context }) {
    const { registerEnvelope } = await import("../face/cli/commands/envelope.ts");
    registerEnvelope(own, ioOf(context));
  },
  async decode(own, { context }) {
    const { registerDecode } = await import("../face/cli/commands/decode.ts");
    registerDecode(own, ioOf(context));
  },
  async trace(own, { context }) {
    const { registerTrace } = await import("../face/cli/commands/trace.ts");
    registerTrace(own, context);
  },
  async daemon(own, { context, globals }) {
    const { registerDaemon } = await import("./commands/daemon.ts");
    registerDaemon(own, context, globals);
  },
  async sim(own, { context }) {
    const { registerSim } = await import("./commands/sim.ts");
    registerSim(own, context);
  },
  async doctor(own, { context, globals }) {
    const { registerDoctor } = await import("./commands/doctor.ts");
    registerDoctor(own, context, globals);
  },
  async demo(own, { context }) {
    const { registerDemo } = await import("./commands/demo.ts");
    registerDemo(own, context);
  },
  async run(own, { context }) {
    const { registerRun } = await import("./commands/run.ts");
    registerRun(own, context);
  },
};

/** The process, for commands that need no daemon. */
function ioOf({ env }: CliContext): CommandIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    exitCode: (code) => {
      process.exitCode = code;
    },
    env,
    readText: (path) => readFileSync(path, "utf8"),
  };
}

/** Folders of the configuration with hardware profiles of its own. */
async function profileFolders({ context, globals }: CommandParts): Promise<() => readonly string[]> {
  const { loadConfig } = await import("./config/config.ts");
  return () => loadConfig(globals().config, context.env).config.modemDiscovery.profiles;
}

/** A port by device path or address, for commands that open one themselves. */
async function openAnyPort(address: string) {
  const { driverRegistry } = await import("./driver-registry.ts");
  const { silentLog } = await import("../link/driver.ts");
  const { systemClock } = await import("../base/clock.ts");
  const registry = driverRegistry();
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  return { port: await registry.openPort(await registry.resolvePort(address), undefined, deps) };
}
