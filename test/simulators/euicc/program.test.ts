import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { euiccAtr } from "../../../simulators/euicc/euicc.ts";
import { runEuicc } from "../../../simulators/euicc/program.ts";
import { toHex } from "../../../src/base/hex.ts";

const frame = (hex: string) => Buffer.from((hex.length / 2).toString(16).padStart(4, "0") + hex, "hex");

async function exchange(socket: Socket, hex: string): Promise<string> {
  socket.write(frame(hex));
  const [chunk] = await once(socket, "data");
  return toHex(chunk.subarray(2));
}

it("dials a slot, answers there, takes control lines, writes its files, and ends when told", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sim-euicc-"));
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stop = new AbortController();
  const input = new PassThrough();
  const printed: string[] = [];
  const said = () => printed.splice(0);
  const running = runEuicc(
    {
      vpcd: `127.0.0.1:${port}`,
      state: join(folder, "card.json"),
      eis: join(folder, "eis.json"),
      executions: join(folder, "log"),
    },
    { input, print: (line) => void printed.push(line), signal: stop.signal },
  );
  const [socket]: Socket[] = await once(server, "connection");
  if (!socket) throw new Error("the card did not come");
  expect(await exchange(socket, "04")).toBe(toHex(euiccAtr));
  socket.write(frame("01"));
  expect(await exchange(socket, "80F2000C00")).toBe("9000");
  said();
  input.write("misbehave wrong-atr\n\nhelp\n");
  while (printed.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(said().map((line) => JSON.parse(line).ok)).toEqual([true, true]);
  expect(await exchange(socket, "04")).toHaveLength(10);
  stop.abort();
  await running;
  server.close();
  expect(JSON.parse(readFileSync(join(folder, "eis.json"), "utf8")).eid).toBe("89001012012341234012345678901224");
  expect(JSON.parse(readFileSync(join(folder, "card.json"), "utf8")).version).toBe(1);
  rmSync(folder, { recursive: true, force: true });
});

it("says which option is wrong", async () => {
  const io = { print: () => undefined, signal: AbortSignal.abort() };
  await expect(runEuicc({ vpcd: "nowhere" }, io)).rejects.toThrow("'nowhere' is not the address of a vpcd slot");
  await expect(runEuicc({ misbehave: "explode" }, io)).rejects.toThrow("no misbehaviour 'explode'");
  await expect(runEuicc({ misbehave: "mute=3" }, io)).rejects.toThrow("misbehaviour 'mute' takes no value but 'off'");
});
