import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { type DialogSettings, Dialogs, defaultDialogSettings } from "../../../src/link/scp81/dialogs.ts";
import type { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import type { PskEntry } from "../../../src/link/scp81/psk-source.ts";
import { type Scp81Deps, Scp81Server } from "../../../src/link/scp81/server.ts";
import {
  defaultScp81Limits,
  defaultScp81Settings,
  type Scp81Settings,
} from "../../../src/link/scp81/server-settings.ts";
import { type CardLink, readAnswer } from "./play.ts";

export const identity = "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140";
export const key = "00112233445566778899AABBCCDDEEFF";
export const agentId = "//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100";

export interface Running extends AsyncDisposable {
  readonly server: Scp81Server;
  readonly dialogs: Dialogs;
  readonly port: number;
}

type Overrides = Partial<Omit<Scp81Settings, "limits">> & { limits?: Partial<Scp81Settings["limits"]> };

/** The real server on a free port, over an in-memory store. */
export async function serve(
  store: MemoryAdminStore,
  entries: Readonly<Record<string, PskEntry>> = { [identity]: { psk: fromHex(key), target: "t" } },
  options: {
    keys?: "resident" | "remote";
    settings?: Overrides;
    dialog?: Partial<DialogSettings>;
    deps?: Partial<Scp81Deps>;
  } = {},
): Promise<Running> {
  let tokens = 0;
  const dialogs = new Dialogs(
    { store, clock: systemClock, newToken: () => `T${++tokens}`, log: silentLog },
    { ...defaultDialogSettings, ...options.dialog },
  );
  const find = (name: string) => entries[name];
  const keys: Scp81Deps["keys"] =
    options.keys === "remote"
      ? {
          kind: "remote",
          lookup: async (name) => {
            await systemClock.sleep(5);
            return find(name);
          },
        }
      : { kind: "resident", find };
  const server = new Scp81Server(
    { keys, open: dialogs.open, clock: systemClock, log: silentLog, ...options.deps },
    {
      ...defaultScp81Settings,
      host: "127.0.0.1",
      port: 0,
      ...options.settings,
      limits: { ...defaultScp81Limits, ...options.settings?.limits },
    },
  );
  const port = await server.listen();
  return { server, dialogs, port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export interface TlsCard extends CardLink {
  readonly tls: TLSSocket;
  readonly tcp: Socket;
  /** Resolves when the server has closed. */
  readonly ended: Promise<void>;
}

/** A card's TLS connection. @throws when the handshake fails */
export async function tlsCard(
  port: number,
  name = identity,
  psk: string = key,
  options: ConnectionOptions = {},
): Promise<TlsCard> {
  const tcp = connectTcp({ port, host: "127.0.0.1", noDelay: true });
  const tls = connect({
    socket: tcp,
    ciphers: "PSK-AES128-CBC-SHA256",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: fromHex(psk), identity: name }),
    ...options,
  });
  let stream = Buffer.alloc(0);
  let wake = () => {};
  let over = false;
  const ended = new Promise<void>((resolve) => {
    tls.on("close", () => {
      over = true;
      wake();
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    tls.once("secureConnect", resolve);
    tls.once("error", reject);
    tls.once("close", () => reject(new Error("closed in the handshake")));
  });
  tls.on("error", () => {});
  tls.on("data", (octets: Buffer) => {
    stream = Buffer.concat([stream, octets]);
    wake();
  });
  return {
    tls,
    tcp,
    ended,
    async request(octets) {
      tls.write(octets);
      for (;;) {
        const answer = readAnswer(stream);
        if (answer !== undefined) {
          stream = Buffer.alloc(0);
          return answer;
        }
        if (over) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async send(octets) {
      await new Promise<void>((resolve) => tls.write(octets, () => resolve()));
    },
    async cut(how) {
      if (how === "reset") tcp.resetAndDestroy();
      else tls.end();
      await ended;
    },
  };
}
