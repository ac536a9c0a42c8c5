import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SmppPackage } from "../simulators/smsc/smpp-package.ts";

/** What the measurements over SMPP share: the npm client, and their far ends. */
export const smpp: SmppPackage = createRequire(import.meta.url)("smpp");
/** A ciphered command packet that fills one short message. */
const packetHead = [2, 0x70, 0, 0, 135, 0x15, 0x16, 0x21, 0x15, 0x15, 0, 0, 1];
export const userData = Uint8Array.from({ length: 140 }, (_, i) => packetHead[i] ?? i);
export const to = "491701234567";

export type Submit = (count: number, window: number) => Promise<void>;

/** Keeps `window` submits going until `count` are answered. */
export async function keepGoing(count: number, window: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: window }, lane));
}

/** The npm client, bound. */
export async function theirs(
  port: number,
  toNumber = (_: number) => to,
): Promise<{ submit: Submit; close: () => Promise<void> }> {
  const session = smpp.connect({ host: "127.0.0.1", port });
  session.on("error", () => session.destroy());
  await once(session, "connect");
  session.socket.setNoDelay(true);
  const ask = (command: string, fields: Readonly<Record<string, unknown>>) =>
    new Promise((resolve) => session.send(new smpp.PDU(command, fields), resolve));
  await ask("bind_transceiver", { system_id: "bench", password: "bench", interface_version: 0x34 });
  const short_message = Buffer.from(userData);
  let number = 0;
  const fields = () => ({
    source_addr_ton: 0,
    source_addr: "12345",
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: toNumber(number++),
    esm_class: 0x40,
    protocol_id: 0x7f,
    validity_period: "000000010000000R",
    registered_delivery: 1,
    data_coding: 0xf6,
    short_message,
  });
  return {
    submit: (count, lanes) => keepGoing(count, lanes, () => ask("submit_sm", fields())),
    close: async () => void session.destroy(),
  };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** The far end in a process of its own. */
export async function peer(
  kind: "npm" | "face" | "gateway",
): Promise<{ child: ChildProcess; port: number; end: () => Promise<void> }> {
  const built = import.meta.filename.endsWith(".js");
  const script = fileURLToPath(new URL(`smpp-peer${built ? ".js" : ".ts"}`, import.meta.url));
  const child = spawn(process.execPath, [...(built ? [] : ["--import", "tsx"]), script, kind], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = child.stdout === null ? [] : await once(createInterface({ input: child.stdout }), "line");
  const end = async () => {
    const gone = once(child, "exit");
    child.disconnect();
    await gone;
  };
  return { child, port: Number(line), end };
}
