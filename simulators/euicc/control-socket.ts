import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** The longest control line, in characters. */
const maxLine = 4096;

/** A local socket, for its owner only, on which each line is answered by one line of JSON; it ends with its disposal. */
export async function listenForControl(
  path: string,
  answer: (line: string) => Promise<string>,
): Promise<AsyncDisposable> {
  rmSync(path, { force: true });
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", () => {
      if (socket.bytesRead - taken > maxLine) socket.destroy();
    });
    let taken = 0;
    createInterface({ input: socket }).on("line", (line) => {
      taken = socket.bytesRead;
      void answer(line).then((text) => socket.write(`${text}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(path, { force: true });
    },
  };
}
