import { createRequire } from "node:module";
import type { SmppPackage } from "../simulators/smsc/smpp-package.ts";
import { systemClock } from "../src/base/clock.ts";
import type { SmscFacePort } from "../src/face/smpp/port.ts";
import { SmscFace, smscFaceOptions } from "../src/face/smpp/server.ts";
import { silentLog } from "../src/link/driver.ts";
import { measuredGateway } from "./smpp-daemon.ts";

/** The far end of `bench/smpp.ts` and `bench/smpp-gateway.ts`, in a process of its own: prints the port it listens on. */
const kind = process.argv[2];
let last = 0;
let delivered = () => last;
let end: () => PromiseLike<void> = async () => {};

async function face(): Promise<number> {
  const port: SmscFacePort = {
    submit: async () => ({ messageId: String(++last) }),
    query: async () => undefined,
    cancel: async () => false,
    outbox: { pull: async () => [], done: async () => {}, refused: async () => {}, onAvailable: () => () => {} },
  };
  const authenticate = async ({ systemId }: { readonly systemId: string }) =>
    ({ systemId, maxBinds: 10, window: 1_000, deliverAs: "deliver_sm" }) as const;
  const opened = await SmscFace.open(
    { ...smscFaceOptions, port: 0 },
    { port, authenticate, clock: systemClock, log: silentLog },
  );
  return opened.port;
}

async function bare(): Promise<number> {
  const smpp: SmppPackage = createRequire(import.meta.url)("smpp");
  const server = smpp.createServer({}, (session) => {
    session.on("error", () => session.destroy());
    session.on("pdu", (pdu) => {
      if (pdu.isResponse()) return;
      session.send(pdu.response(pdu.command === "submit_sm" ? { message_id: String(++last) } : {}));
      if (pdu.command === "unbind") session.close();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function whole(): Promise<number> {
  const gateway = await measuredGateway({ targets: 100 });
  delivered = gateway.delivered;
  end = () => gateway[Symbol.asyncDispose]();
  return gateway.port;
}

const microseconds = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
process.on("message", () => process.send?.({ delivered: delivered(), cpu: microseconds() }));
// The measuring process is gone: so is what it measured.
process.on("disconnect", () => void end().then(() => process.exit(0)));
console.log(await (kind === "face" ? face() : kind === "gateway" ? whole() : bare()));
