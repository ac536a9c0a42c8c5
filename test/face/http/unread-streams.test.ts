import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";
import { slowness, stretchOf } from "./lag.ts";

const streams = 300;

it("many streams that nobody reads, each from another place, hold up nothing", { timeout: 120_000 }, async () => {
  await using bench = await ApiBench.open({ config: { api: { port: 0, maxStreams: 500, maxStreamsPerClient: 500 } } });
  const { store } = bench.daemon;
  await store.write(async (r) => {
    for (let at = 0; at < 3000; at++)
      await r.events.append({ at, type: "job.unproven-answer", data: { why: "x".repeat(800) } });
  });
  const token = await bench.token("unread", ["read"]);
  const { port } = new URL(bench.url);
  const sockets: Socket[] = [];
  try {
    const { maxMs } = await stretchOf(async () => {
      for (let at = 0; at < streams; at++) {
        const socket = connect(Number(port), "127.0.0.1").pause();
        socket.on("error", () => {});
        socket.write(`GET /v1/events?after=${at * 7} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
        sockets.push(socket);
      }
      // Others are served all the while, one after the other.
      for (let round = 0; round < 40; round++)
        expect((await bench.call("GET", "/healthz", { token: null })).status).toBe(200);
    });
    // The sockets of both ends are made in this process, too.
    expect(maxMs).toBeLessThan(250 * slowness());
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});
