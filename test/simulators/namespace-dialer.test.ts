import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { NamespaceDialer } from "../../simulators/namespace-dialer.ts";
import { pcscLabProblem } from "../../simulators/pcsc-lab.ts";

it.skipIf(pcscLabProblem() !== undefined || process.getuid?.() !== 0)(
  "loses nothing that a slot sends before its connection is handed over, however many are dialed at once",
  async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write("A");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const dialer = new NamespaceDialer(process.pid);
    // Handles are handed over one by one: all but the first wait in the process that dialed.
    const sockets = await Promise.all(Array.from({ length: 16 }, () => dialer.dial(port)));
    const first = await Promise.all(
      sockets.map(async (socket) => {
        const [chunk] = await Promise.race([
          once(socket, "data"),
          new Promise<[string]>((resolve) => setTimeout(() => resolve(["nothing"]), 5000)),
        ]);
        return String(chunk);
      }),
    );
    for (const socket of sockets) socket.destroy();
    dialer.close();
    server.close();
    expect(first).toEqual(Array(16).fill("A"));
  },
);
