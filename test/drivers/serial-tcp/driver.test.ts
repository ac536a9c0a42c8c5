import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { driver } from "../../../drivers/serial-tcp/driver.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { latin1 } from "../../../src/codec/at/line.ts";
import { silentLog } from "../../../src/link/driver.ts";

const deps = { clock: systemClock, random: () => 0, log: silentLog };
const options = driver.options.parse({});

describe("a serial line behind TCP", () => {
  let server: Server;
  let peers: Socket[];
  let address: string;

  beforeEach(async () => {
    peers = [];
    server = createServer((socket) => peers.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    address = `tcp://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
  });
  afterEach(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });

  async function open() {
    const port = await driver.openPort?.(address, options, deps);
    if (port === undefined) throw new Error("the driver opens ports");
    while (peers.length === 0) await systemClock.sleep(2);
    return port;
  }

  test("carries octets both ways", async () => {
    await using port = await open();
    const heard = new Promise<string>((resolve) => peers[0]?.once("data", (chunk) => resolve(latin1(chunk))));
    await port.write(Buffer.from("AT\r"));
    expect(await heard).toBe("AT\r");
    peers[0]?.write("\r\nOK\r\n");
    for await (const chunk of port.incoming) {
      expect(latin1(chunk)).toBe("\r\nOK\r\n");
      break;
    }
  });

  test("is lost when the other side closes", async () => {
    await using port = await open();
    peers[0]?.destroy();
    const drain = (async () => {
      for await (const _chunk of port.incoming);
    })();
    await expect(drain).rejects.toMatchObject({ code: "link.lost" });
    await expect(port.write(Buffer.from("AT\r"))).rejects.toMatchObject({ code: "link.lost" });
  });

  test.each(["tcp://host", "tcp://host:0", "tcp://host:99999", "tcp:host:1"])("%s is no address", async (wrong) => {
    await expect(driver.openPort?.(wrong, options, deps)).rejects.toMatchObject({ code: "config.invalid" });
  });

  test("nobody there is unavailable", async () => {
    server.close();
    await expect(driver.openPort?.(address, options, deps)).rejects.toMatchObject({ code: "link.unavailable" });
  });
});
