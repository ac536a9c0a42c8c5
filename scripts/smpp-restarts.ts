import { parseArgs } from "node:util";
import { SmppAccount } from "../drivers/smpp/account.ts";
import { driver } from "../drivers/smpp/driver.ts";
import { SmscStore } from "../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../simulators/smsc/smsc.ts";
import { systemClock } from "../src/base/clock.ts";
import { isGatewayError } from "../src/base/gateway-error.ts";
import { silentLog } from "../src/link/driver.ts";
import { type OutboundSms, submitFate } from "../src/link/sms-bearer.ts";
import { gatewayRestartTrial } from "./smpp-gateway-restarts.ts";
import { loadSound } from "./smpp-load.ts";

/** Size of a trial. */
export interface RestartTrial {
  readonly messages: number;
  readonly restarts: number;
  /** Messages per second offered; the rest of the time goes to restarts. */
  readonly rate: number;
  readonly window?: number;
  readonly binds?: number;
}

/** Outcome of the messages. */
export interface RestartReport {
  readonly messages: number;
  readonly restarts: number;
  readonly accepted: number;
  /** Of unknown fate, as reported by the bearer. */
  readonly unknown: number;
  /** Times a message that never left was offered again. */
  readonly again: number;
  readonly arrivedOnce: number;
  /** Arrived more than once: must be 0. */
  readonly arrivedTwice: number;
  /** Taken by the SMSC and never arrived: must be 0. */
  readonly lost: number;
  /** Neither accepted nor reported as unknown: must be 0. */
  readonly forgotten: number;
  /** Accepted ones with a final receipt. */
  readonly receipts: number;
  /** Receipts for messages of unknown fate, which resolve them. */
  readonly resolved: number;
  readonly seconds: number;
}

const patienceMs = 60_000;

function smsOf(number: number): OutboundSms {
  const userData = new Uint8Array(24);
  userData.set([0x02, 0x70, 0x00]);
  new DataView(userData.buffer).setUint32(20, number);
  return {
    reference: `message-${number}`,
    to: `4917${String(number).padStart(8, "0")}`,
    userData,
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
    moreToCome: false,
    receipt: true,
  };
}

/** Observes one trial: what was reported for each message, and what arrived. */
class Ledger {
  readonly verdicts = new Map<string, "accepted" | "unknown">();
  readonly arrivals = new Map<number, number>();
  readonly receipts = new Set<string>();
  again = 0;

  arrived(userData: Uint8Array): void {
    const number = new DataView(userData.buffer, userData.byteOffset).getUint32(20);
    this.arrivals.set(number, (this.arrivals.get(number) ?? 0) + 1);
  }

  /** Whether everything that will come has come. */
  settled(messages: number): boolean {
    if (this.verdicts.size < messages) return false;
    return [...this.verdicts].every(([reference, verdict]) => verdict === "unknown" || this.receipts.has(reference));
  }

  report(trial: RestartTrial, seconds: number): RestartReport {
    const verdicts = [...this.verdicts];
    const counts = [...this.arrivals.values()];
    const accepted = verdicts.filter(([, verdict]) => verdict === "accepted").map(([reference]) => reference);
    const number = (reference: string) => Number(reference.split("-")[1]);
    return {
      messages: trial.messages,
      restarts: trial.restarts,
      accepted: accepted.length,
      unknown: verdicts.length - accepted.length,
      again: this.again,
      arrivedOnce: counts.filter((count) => count === 1).length,
      arrivedTwice: counts.filter((count) => count > 1).length,
      lost: accepted.filter((reference) => !this.arrivals.has(number(reference))).length,
      forgotten: trial.messages - verdicts.length,
      receipts: accepted.filter((reference) => this.receipts.has(reference)).length,
      resolved: verdicts.filter(([reference, verdict]) => verdict === "unknown" && this.receipts.has(reference)).length,
      seconds,
    };
  }
}

/** Kills and restarts a simulated SMSC while an account sends through it, and counts the outcome of each message. */
export async function restartTrial(trial: RestartTrial): Promise<RestartReport> {
  const ledger = new Ledger();
  const store = new SmscStore();
  store.attach("*", async ({ userData }) => {
    ledger.arrived(userData);
    return { ack: true };
  });
  let smsc = await SimulatedSmsc.open({ store });
  const { port } = smsc;
  const account = SmppAccount.parse({
    window: trial.window ?? 50,
    binds: trial.binds ?? 2,
    rate: trial.rate,
    queue: 1_000_000,
    patienceMs,
    reconnectFirstMs: 20,
    reconnectMaxMs: 200,
    receiptHoldMs: 500,
  });
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  const bearer = await driver.openBearer(`smpp://trial@127.0.0.1:${port}`, account, deps);
  bearer.onInbound(async (item) => {
    if (item.kind === "receipt" && item.reference !== undefined && item.state === "delivered") {
      ledger.receipts.add(item.reference);
    }
  });
  const never = new AbortController().signal;
  const send = async (number: number): Promise<void> => {
    const sms = smsOf(number);
    for (;;) {
      try {
        await bearer.submit(sms, never);
        ledger.verdicts.set(sms.reference, "accepted");
        return;
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        if (submitFate(error) === "unknown") {
          ledger.verdicts.set(sms.reference, "unknown");
          return;
        }
        ledger.again += 1;
      }
    }
  };
  const started = performance.now();
  const all = Array.from({ length: trial.messages }, (_, number) => send(number));
  const everyMs = ((trial.messages / trial.rate) * 1_000) / (trial.restarts + 1);
  for (let i = 0; i < trial.restarts; i++) {
    await systemClock.sleep(everyMs * (0.5 + Math.random()));
    await smsc.close();
    await systemClock.sleep(30);
    smsc = await SimulatedSmsc.open({ store, port });
  }
  await Promise.all(all);
  const end = Date.now() + 15_000;
  while (!ledger.settled(trial.messages) && Date.now() < end) await systemClock.sleep(20);
  await bearer[Symbol.asyncDispose]();
  await smsc.close();
  return ledger.report(trial, Math.round((performance.now() - started) / 100) / 10);
}

/** True when nothing arrived twice, got lost or was forgotten. */
export function trialPassed(report: RestartReport): boolean {
  return (
    report.arrivedTwice === 0 && report.lost === 0 && report.forgotten === 0 && report.receipts === report.accepted
  );
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { values } = parseArgs({
    options: {
      messages: { type: "string", default: "10000" },
      restarts: { type: "string", default: "50" },
      rate: { type: "string", default: "250" },
      gateway: { type: "boolean", default: false },
    },
  });
  const [messages, restarts, rate] = [values.messages, values.restarts, values.rate].map(Number);
  const trial = { messages: messages ?? 0, restarts: restarts ?? 0, rate: rate ?? 1 };
  if (values.gateway) {
    const report = await gatewayRestartTrial({ ...trial, targets: 100 });
    console.log(JSON.stringify(report, undefined, 2));
    process.exitCode = loadSound(report) ? 0 : 1;
  } else {
    const report = await restartTrial(trial);
    console.log(JSON.stringify(report, undefined, 2));
    process.exitCode = trialPassed(report) ? 0 : 1;
  }
}
