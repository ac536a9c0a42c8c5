import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../simulators/euicc/eis.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { SmscStore } from "../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../simulators/smsc/smsc.ts";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { Cleanup } from "../src/base/cleanup.ts";
import { systemClock } from "../src/base/clock.ts";
import { ApiClient } from "../src/face/cli/client.ts";
import { hashPassword } from "../src/face/smpp/password.ts";
import { silentLog } from "../src/link/driver.ts";
import { stuckMs } from "./patience.ts";
import { compareLoad, type LoadReport, SmppLoad } from "./smpp-load.ts";

/** Size of a trial of the whole gateway. */
export interface GatewayTrial {
  readonly messages: number;
  readonly restarts: number;
  /** Messages per second offered. */
  readonly rate: number;
  readonly targets: number;
  readonly graceMs?: number;
}

/** What it found. */
export interface GatewayTrialReport extends LoadReport {
  readonly restarts: number;
  readonly seconds: number;
}

/** A command packet without security for a TAR that no card knows, whose only data is a number. TS 102 225 §5.1 */
const blankPacket = Buffer.from("0270000012 0D 0000 00 00 BFFFFF 0000000000 00 00000000".replaceAll(" ", ""), "hex");

/** A numbered message to one of the targets. */
export function numberedMessage(number: number, msisdn: string): Readonly<Record<string, unknown>> {
  const octets = Buffer.from(blankPacket);
  octets.writeUInt32BE(number, octets.length - 4);
  return {
    source_addr: "12345",
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: msisdn,
    esm_class: 0x40,
    protocol_id: 0x7f,
    data_coding: 0xf6,
    registered_delivery: 1,
    short_message: octets,
  };
}

/** Number of a message as it arrived, from its last octets. */
export function numberOf(octets: Uint8Array): number {
  return new DataView(octets.buffer, octets.byteOffset).getUint32(octets.length - 4);
}

/** Imports that many targets; returns their numbers. */
export async function importTargets(api: ApiClient, count: number): Promise<string[]> {
  const numbers: string[] = [];
  for (let index = 0; index < count; index++) {
    const eis = exportEis(createEuiccState({ seed: `load ${index}` }));
    const msisdn = `4477${String(index).padStart(8, "0")}`;
    const profiles = eis.profiles.map(({ msisdn: _, ...profile }) => profile);
    await api.post("/v1/targets", { ...eis, profiles });
    await api.patch(`/v1/targets/${eis.eid}`, { msisdn });
    numbers.push(msisdn);
  }
  return numbers;
}

/**
 * Kills and restarts the SMSC below a whole gateway while an SMPP client sends through it: client, SMSC face, jobs in
 * SQLite, account, SMSC, phone, and the receipts all the way back.
 */
export async function gatewayRestartTrial(trial: GatewayTrial): Promise<GatewayTrialReport> {
  await using cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-restarts-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const arrivals = new Map<number, number>();
  const store = new SmscStore();
  store.attach("*", async ({ userData }) => {
    const number = numberOf(userData);
    arrivals.set(number, (arrivals.get(number) ?? 0) + 1);
    return { ack: true };
  });
  let smsc = await SimulatedSmsc.open({ store });
  const below = smsc.port;
  const config = parseConfig({
    readers: { enabled: false },
    scp81: { enabled: false },
    modemDiscovery: { enabled: false },
    smsc: [
      {
        name: "below",
        address: `smpp://trial@127.0.0.1:${below}`,
        binds: 2,
        window: 50,
        reconnectFirstMs: 20,
        reconnectMaxMs: 200,
        receiptHoldMs: 500,
      },
    ],
    smppFace: {
      enabled: true,
      port: 0,
      graceMs: trial.graceMs ?? 10_000,
      clients: [{ systemId: "load", passwordHash: await hashPassword("secret"), window: 200 }],
    },
  });
  const daemon = cleanup.use(await Daemon.start({ config, state: folder, log: silentLog, env: {} }));
  const api = new ApiClient({ socketPath: daemon.socketPath });
  const numbers = await importTargets(api, trial.targets);
  const { facts } = await api.get<{ facts: { smppFace: number } }>("/v1");
  const { rate, messages } = trial;
  const port = () => facts.smppFace;
  const load = cleanup.use(new SmppLoad({ port, systemId: "load", password: "secret", window: 100, rate }));
  const started = performance.now();
  const running = load.run(messages, (number) => numberedMessage(number, numbers[number % numbers.length] ?? ""));
  const everyMs = ((messages / rate) * 1_000) / (trial.restarts + 1);
  for (let i = 0; i < trial.restarts; i++) {
    await systemClock.sleep(everyMs * (0.5 + Math.random()));
    await smsc.close();
    await systemClock.sleep(30);
    smsc = await SimulatedSmsc.open({ store, port: below });
  }
  await running;
  const told = () => [...load.messages.values()].every((one) => one.receipt !== undefined || one.inDoubt === true);
  await load.listen(told, stuckMs);
  await smsc.close();
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { restarts: trial.restarts, ...compareLoad(load, arrivals), seconds };
}
