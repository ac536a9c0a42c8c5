import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exportEis } from "../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../simulators/pcsc-lab.ts";
import { SmscStore } from "../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../simulators/smsc/smsc.ts";
import type { SoftCard } from "../simulators/soft-card.ts";
import { Cleanup } from "../src/base/cleanup.ts";
import type { ApiClient } from "../src/face/cli/client.ts";
import { hashPassword } from "../src/face/smpp/password.ts";
import { stuckMs } from "./patience.ts";
import { importTargets, numberedMessage, numberOf } from "./smpp-gateway-restarts.ts";
import { compareLoad, type LoadReport, loadSound, SmppLoad } from "./smpp-load.ts";
import { freePort, pause, Victim } from "./victim.ts";

/** Size of a trial. */
export interface SmppKillOptions {
  readonly messages: number;
  readonly kills: number;
  /** Messages per second offered. */
  readonly rate: number;
  /** Targets behind the SMSC. */
  readonly targets: number;
  /** Targets in virtual readers; none where there is no pcscd. */
  readonly cards: number;
}

export interface SmppKillReport extends LoadReport {
  readonly kills: number;
  readonly cards: number;
  readonly seconds: number;
}

const envelope = 0xc2;

/** A card that specifies which messages reached it. */
function watched(card: SoftCard, arrived: (number: number) => void): SoftCard {
  return {
    get atr() {
      return card.atr;
    },
    powerOn: () => card.powerOn(),
    powerOff: () => card.powerOff(),
    reset: () => card.reset(),
    transmit: (command) => {
      if (command[1] === envelope) {
        const data = command.subarray(5, 5 + (command[4] ?? 0));
        if (data[0] === 0xd1) arrived(numberOf(data));
      }
      return card.transmit(command);
    },
  };
}

/** Virtual readers with cards of numbers that the daemon knows after {@link importCards}. */
async function insertCards(lab: PcscLab, count: number, arrived: (number: number) => void): Promise<SimulatedEuicc[]> {
  return Array.from({ length: count }, (_, index) => {
    const card = new SimulatedEuicc({ state: createEuiccState({ seed: `kill card ${index}` }) });
    lab.insert(index, watched(card, arrived));
    return card;
  });
}

async function importCards(api: ApiClient, cards: readonly SimulatedEuicc[]): Promise<string[]> {
  const numbers: string[] = [];
  for (const [index, card] of cards.entries()) {
    const msisdn = `4488${String(index).padStart(8, "0")}`;
    await api.post("/v1/targets", exportEis(card.state));
    await api.patch(`/v1/targets/${card.state.eid}`, { msisdn });
    numbers.push(msisdn);
  }
  return numbers;
}

/**
 * Kills the daemon again and again (SIGKILL) while an SMPP client submits messages to cards in readers and behind an
 * SMSC and waits for receipts, then compares the reports with what arrived.
 */
export async function smppKill(options: SmppKillOptions): Promise<SmppKillReport> {
  await using cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-smpp-kill-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const arrivals = new Map<number, number>();
  const arrived = (number: number) => void arrivals.set(number, (arrivals.get(number) ?? 0) + 1);
  const store = new SmscStore();
  store.attach("*", async ({ userData }) => {
    arrived(numberOf(userData));
    return { ack: true };
  });
  const smsc = cleanup.use(await SimulatedSmsc.open({ store }));
  const inReaders = pcscLabProblem() === undefined ? options.cards : 0;
  const lab = inReaders === 0 ? undefined : cleanup.use(await PcscLab.start({ readers: inReaders }));
  const cards = lab === undefined ? [] : await insertCards(lab, inReaders, arrived);
  const port = await freePort();
  const below = { reconnectFirstMs: 20, reconnectMaxMs: 200, binds: 2, window: 50 };
  const config = {
    readers: lab === undefined ? { enabled: false } : { socket: lab.socket, client: "socket" },
    scp81: { enabled: false },
    modemDiscovery: { enabled: false },
    smsc: [{ name: "below", address: `smpp://trial@127.0.0.1:${smsc.port}`, ...below }],
    smppFace: {
      enabled: true,
      port,
      graceMs: 3_000,
      clients: [{ systemId: "load", passwordHash: await hashPassword("secret"), window: 200 }],
    },
  };
  const file = join(folder, "config.yaml");
  writeFileSync(file, JSON.stringify(config));
  const daemon = cleanup.use(new Victim(file, join(folder, "state")));
  await daemon.start();
  const { api } = daemon;
  const numbers = [...(await importTargets(api, options.targets)), ...(await importCards(api, cards))];
  const { rate, messages, kills } = options;
  const client = { port: () => port, systemId: "load", password: "secret", window: 100, rate };
  const load = cleanup.use(new SmppLoad(client));
  const started = performance.now();
  const running = load.run(messages, (number) => numberedMessage(number, numbers[number % numbers.length] ?? ""));
  for (let kill = 0; kill < kills; kill++) {
    await pause(((messages / rate) * 1_000 * (0.5 + Math.random())) / (kills + 1));
    await daemon.kill();
    await daemon.start();
  }
  await running;
  const told = () => [...load.messages.values()].every((one) => one.receipt !== undefined || one.inDoubt === true);
  await load.listen(told, stuckMs);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { kills, cards: cards.length, ...compareLoad(load, arrivals), seconds };
}

if (/smpp-kill\.(js|ts)$/.test(process.argv[1] ?? "")) {
  const { values } = parseArgs({
    options: {
      messages: { type: "string", default: "5000" },
      kills: { type: "string", default: "10" },
      rate: { type: "string", default: "200" },
      cards: { type: "string", default: "6" },
    },
  });
  const [messages, kills, rate, cards] = [values.messages, values.kills, values.rate, values.cards].map(Number);
  const report = await smppKill({
    messages: messages ?? 0,
    kills: kills ?? 0,
    rate: rate ?? 1,
    cards: cards ?? 0,
    targets: 50,
  });
  console.log(JSON.stringify(report, undefined, 2));
  process.exitCode = loadSound(report) ? 0 : 1;
}
