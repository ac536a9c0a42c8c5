import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../../src/base/clock.ts";
import { concatBytes } from "../../../../src/base/hex.ts";
import { catObject, findObject, findTlv } from "../../../../src/codec/cat/object.ts";
import { proactiveCommand } from "../../../../src/codec/cat/proactive.ts";
import { BipService } from "../../../../src/link/card/bip/bip-service.ts";
import { nodeSockets } from "../../../../src/link/card/bip/node-sockets.ts";
import { type BipRules, defaultRules } from "../../../../src/link/card/bip/rules.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function tcpServer(onSocket: (socket: Socket) => void) {
  const server = createServer(onSocket);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address;
}

function service(rules: BipRules) {
  const raised: string[] = [];
  const bip = new BipService({ connector: nodeSockets, clock: systemClock, rules: () => rules, link: "test" });
  let wake: () => void = () => undefined;
  bip.onEvent((event, make, taken) => {
    if (make() === undefined) return;
    raised.push(event);
    taken?.();
    wake();
  });
  closers.push(() => bip.closeAll());
  const nextEvent = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return { bip, raised, nextEvent };
}

const open = (protocol: 1 | 2, port: number, buffer = 1500) =>
  proactiveCommand({ name: "openChannel", qualifier: 1 }, [
    catObject("bearerDescription", { type: 3, parameters: new Uint8Array(0) }),
    catObject("bufferSize", buffer),
    catObject("transportLevel", { protocol, port }),
    catObject("otherAddress", { kind: "ipv4", host: "127.0.0.1" }),
  ]);
const send = (octets: Uint8Array) =>
  proactiveCommand({ name: "sendData", qualifier: 1, destination: 0x21 }, [catObject("channelData", octets)]);
const receive = proactiveCommand({ name: "receiveData", destination: 0x21 }, [catObject("channelDataLength", 237)]);
const close = proactiveCommand({ name: "closeChannel", destination: 0x21 });

test("200 kB go through a channel of 1500 octets and come back, octet for octet", async () => {
  const own = await tcpServer((socket) => socket.pipe(socket));
  const { bip, nextEvent } = service(defaultRules({ host: "127.0.0.1", port: own.port }));
  expect((await bip.execute(open(2, 443))).result).toBe("success");
  expect(bip.describe()).toMatchObject([
    { channel: 1, asked: "tcp:127.0.0.1:443", leadsTo: `tcp:127.0.0.1:${own.port}`, link: "up", bufferSize: 1500 },
  ]);
  expect(bip.describe()[0]?.localPort).toBeGreaterThan(0);
  const total = 200_000;
  const sent = Uint8Array.from({ length: total }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
  const back: Uint8Array[] = [];
  let length = 0;
  const drain = async () => {
    for (;;) {
      const answer = await bip.execute(receive);
      const data = findTlv(answer.objects ?? [], "channelData")?.value;
      if (data !== undefined) {
        back.push(data);
        length += data.length;
      }
      if (findObject(answer.objects ?? [], "channelDataLength") === 0) return;
    }
  };
  for (let at = 0; at < total; at += 240) {
    expect((await bip.execute(send(sent.subarray(at, at + 240)))).result).toBe("success");
    await drain();
  }
  while (length < total) {
    const more = nextEvent();
    await drain();
    if (length < total) await more;
  }
  expect(Buffer.compare(concatBytes(...back), sent)).toBe(0);
  expect((await bip.execute(close)).result).toBe("success");
});

test("the other end sees the card's close after the last octets, and the card sees the other end's", async () => {
  const seen: Buffer[] = [];
  const peers: Socket[] = [];
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const { port } = await tcpServer((socket) => {
    peers.push(socket);
    socket.on("data", (chunk) => seen.push(chunk));
    socket.on("end", end);
    socket.on("error", () => undefined);
  });
  const { bip, raised, nextEvent } = service(defaultRules({ host: "127.0.0.1", port }));
  await bip.execute(open(2, 443));
  await bip.execute(send(Buffer.from("last words")));
  await bip.execute(close);
  await ended;
  expect(Buffer.concat(seen).toString()).toBe("last words");
  await bip.execute(open(2, 443));
  const told = nextEvent();
  while (peers.length < 2) await new Promise((resolve) => setImmediate(resolve));
  peers[1]?.resetAndDestroy();
  await told;
  expect(raised).toEqual(["channelStatus"]);
});

test("a port where nobody listens is not reachable", async () => {
  const server = await tcpServer(() => undefined);
  for (const stop of closers.splice(0)) stop();
  const { bip } = service(defaultRules({ host: "127.0.0.1", port: server.port }));
  expect(await bip.execute(open(2, 443))).toMatchObject({ result: "bipError", additional: [7] });
  expect(bip.describe()).toEqual([]);
});

test("datagrams keep their borders", async () => {
  const echo = createSocket("udp4");
  echo.on("message", (message, from) => {
    echo.send(message.subarray(0, 2), from.port, from.address);
    echo.send(message.subarray(2), from.port, from.address);
  });
  echo.bind(0, "127.0.0.1");
  await once(echo, "listening");
  closers.push(() => echo.close());
  const { bip, nextEvent } = service({ ...defaultRules(), allow: [{ protocol: "udp", host: "127.0.0.0/8" }] });
  await bip.execute(open(1, echo.address().port));
  const first = nextEvent();
  await bip.execute(send(Uint8Array.of(1, 2, 3, 4, 5)));
  await first;
  const got: number[] = [];
  while (got.reduce((sum, length) => sum + length, 0) < 5) {
    const answer = await bip.execute(receive);
    const data = findTlv(answer.objects ?? [], "channelData")?.value;
    if (data === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    else got.push(data.length);
  }
  expect(got).toEqual([2, 3]);
});
