import { withoutUndefined } from "../../src/base/defined.ts";
import { toHex } from "../../src/base/hex.ts";
import type { SmscBehaviour } from "./behaviour.ts";
import { SmscStore } from "./message-store.ts";
import { SimulatedSmsc } from "./smsc.ts";

/** Options of `otagate sim smsc`. */
interface SimulatedSmscProgram {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly behaviour: Partial<SmscBehaviour>;
  /** Phones behind it; without any, one that takes every message and shows it. */
  readonly store?: SmscStore;
  /** One line for display. */
  readonly print: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Runs a simulated SMSC until stopped. @throws link.busy when the port is taken */
export async function runSimulatedSmsc(program: SimulatedSmscProgram): Promise<void> {
  const { host, port, behaviour, print, signal, tls } = program;
  const store = program.store ?? new SmscStore();
  if (program.store === undefined) {
    store.attach("*", async (sms) => {
      print(
        `to ${sms.to} pid ${sms.protocolId.toString(16)} dcs ${sms.dataCoding.toString(16)} ${toHex(sms.userData)}`,
      );
      return { ack: true };
    });
  }
  await using smsc = await SimulatedSmsc.open({
    host,
    port,
    behaviour,
    store,
    ...withoutUndefined({ tls }),
    onSubmit: (message) => print(`submit ${message.responseId} from ${message.owner} to ${message.sms.to}`),
  });
  print(`simulated SMSC on ${tls === undefined ? "smpp" : "smpps"}://${host}:${smsc.port}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
