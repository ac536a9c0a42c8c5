import type { Clock } from "../../base/clock.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { powerLine } from "../../codec/at/general-commands.ts";
import type { AtEngine } from "./at/at-engine.ts";
import type { ModemLife } from "./modem-life.ts";
import { type BootTime, sendRestart, shutDown } from "./module-start.ts";
import type { PowerControl } from "./power-control.ts";
import { ask } from "./questions.ts";

/** The extent of a restart. */
export type RestartKind = "sim" | "soft" | "power";

/** What restarts need of their modem. */
interface ModemRestartDeps {
  readonly link: string;
  readonly clock: Clock;
  readonly power: PowerControl | undefined;
  readonly life: ModemLife;
  readonly boot: BootTime;
  readonly engine: () => AtEngine | undefined;
  readonly ready: () => boolean;
  /** Sets the module up again on the port that stays. */
  readonly startAgain: (engine: AtEngine, step: string) => void;
  readonly signal: AbortSignal;
}

const asRequested = "restarting on request";

/**
 * Restarts a modem: the card alone, the module by its own command, or its power.
 * @throws link.unavailable when it is not running; link.driver when no power control is set or it fails
 */
export async function restartModem(kind: RestartKind, deps: ModemRestartDeps): Promise<void> {
  if (kind === "power") return await cyclePower(deps);
  const engine = deps.engine();
  if (engine === undefined) throw new GatewayError("link.unavailable", `${deps.link} is not running`);
  const { power } = engine.profile.file;
  if (kind === "sim") {
    for (const line of power?.simReset ?? []) await ask(engine, powerLine, line);
    return;
  }
  deps.life.restartedFor(asRequested);
  await sendRestart(engine);
  deps.boot.begin(engine);
  // A device that leaves the bus gets another name while the old one is kept open.
  if (power?.reenumerates === true || !deps.ready()) await engine[Symbol.asyncDispose]();
  else deps.startAgain(engine, asRequested);
}

async function cyclePower({ link, power, clock, life, boot, engine, signal }: ModemRestartDeps): Promise<void> {
  if (power === undefined) throw new GatewayError("link.driver", `${link} has no power control`);
  const running = engine();
  if (running?.alive === true) await shutDown(running, clock, signal);
  await power.cycle(signal);
  life.restartedFor("its power was cycled");
  if (running !== undefined) boot.begin(running);
  await engine()?.[Symbol.asyncDispose]();
}
