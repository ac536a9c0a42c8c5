import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";

/** How long a slot may take to be reached. */
const dialMs = 5_000;

/** The command that runs another one in the network of a process. */
export function enterNetwork(pid: number): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ["-U", "--preserve-credentials"];
  return ["nsenter", "-t", String(pid), ...user, "-n"];
}

/**
 * Opens TCP connections inside the network namespace of another process: a small process lives there, connects, and
 * hands the connected sockets over.
 */
export class NamespaceDialer {
  readonly #pid: number;
  readonly #waiting = new Map<number, { resolve: (socket: Socket) => void; reject: (error: Error) => void }>();
  #child: ChildProcess;
  #next = 0;
  #closed = false;

  constructor(pid: number) {
    this.#pid = pid;
    this.#child = this.#spawn();
  }

  /** A connected socket. @throws when nothing answers within a few seconds */
  dial(port: number): Promise<Socket> {
    if (!this.#child.connected && !this.#closed) this.#child = this.#spawn();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(id, "the connection timed out"), dialMs);
      this.#waiting.set(id, {
        resolve: (socket) => {
          clearTimeout(timer);
          resolve(socket);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#child.send({ id, port }, (error) => {
        if (error) this.#fail(id, error.message);
      });
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#child.connected) this.#child.disconnect();
  }

  #spawn(): ChildProcess {
    // Paused: a socket that waits for its turn to be handed over must not read what belongs to the one it is handed to.
    // Errors that follow the hand-over concern a socket that is no longer this process's business.
    const program = `
const net = require("node:net");
const tell = (...message) => { try { process.send(...message); } catch {} };
process.on("message", ({ id, port }) => {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true }).pause();
  let connected = false;
  socket.once("connect", () => { connected = true; tell({ id }, socket); });
  socket.on("error", (error) => { if (!connected) tell({ id, error: error.message }); });
});
process.on("disconnect", () => process.exit());`;
    const [enter = "nsenter", ...namespaces] = enterNetwork(this.#pid);
    const child = spawn(enter, [...namespaces, process.execPath, "-e", program], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child.on("error", () => undefined);
    child.on("message", (message, handle) => this.#answer(message, handle));
    child.once("exit", () => {
      for (const id of [...this.#waiting.keys()]) this.#fail(id, "the dialer ended");
    });
    child.unref();
    child.channel?.unref();
    return child;
  }

  #fail(id: number, why: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.reject(new Error(why));
  }

  #answer(message: unknown, handle: unknown): void {
    if (typeof message !== "object" || message === null || !("id" in message)) return;
    const id = Number(message.id);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (isSocket(handle)) {
      if (waiting === undefined) handle.destroy();
      else waiting.resolve(handle);
    } else waiting?.reject(new Error("error" in message ? String(message.error) : "no socket arrived"));
  }
}

function isSocket(handle: unknown): handle is Socket {
  return typeof handle === "object" && handle !== null && "write" in handle;
}
