import { execFileSync, spawn } from "node:child_process";
import { constants, existsSync, lstatSync, mkdtempSync, openSync, readlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReadStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { openPty } from "../../simulators/pty.ts";
import { ptyAvailable, ptyMissing } from "./pty.ts";

const usable = await ptyAvailable();
if (!usable) console.warn(`skipped: ${ptyMissing}`);

/** A host on the slave: collects what the modem side sends. */
function host(path: string): { stream: ReadStream; text: () => string; close: () => Promise<void> } {
  const stream = new ReadStream(openSync(path, constants.O_RDWR | constants.O_NOCTTY));
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  stream.on("error", () => {});
  return {
    stream,
    text: () => text,
    close: () =>
      new Promise((resolve) => {
        stream.once("close", () => resolve());
        stream.destroy();
      }),
  };
}

const until = async (done: () => boolean, ms = 5000): Promise<void> => {
  const end = Date.now() + ms;
  while (!done()) {
    if (Date.now() > end) throw new Error("not in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

describe.skipIf(!usable)("pseudo-terminal", () => {
  it("passes octets both ways untouched, without echo, signals or line editing", async () => {
    await using pty = await openPty();
    const got: Buffer[] = [];
    pty.onData((chunk) => got.push(Buffer.from(chunk)));
    const peer = host(pty.path);
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    peer.stream.write(all);
    await until(() => Buffer.concat(got).length >= 256);
    expect(Buffer.concat(got)).toEqual(Buffer.from(all));
    pty.write(all);
    await until(() => peer.text().length >= 256);
    expect(Buffer.from(peer.text(), "latin1")).toEqual(Buffer.from(all));
    await peer.close();
  });

  it("carries bursts larger than the kernel's buffers in both directions", async () => {
    await using pty = await openPty();
    let received = 0;
    pty.onData((chunk) => {
      received += chunk.length;
    });
    const peer = host(pty.path);
    const burst = Buffer.alloc(200_000, "0123456789ABCDEF");
    pty.write(burst);
    peer.stream.write(burst);
    await until(() => peer.text().length === burst.length && received === burst.length);
    expect(peer.text()).toBe(burst.toString("latin1"));
    await peer.close();
  });

  it("survives hosts that come and go", async () => {
    await using pty = await openPty();
    pty.onData((chunk) => void pty.write(chunk));
    let ended = false;
    pty.onClose(() => {
      ended = true;
    });
    for (let round = 0; round < 5; round++) {
      const peer = host(pty.path);
      peer.stream.write(`round ${round}\r`);
      await until(() => peer.text().includes(`round ${round}\r`));
      await peer.close();
    }
    expect(ended).toBe(false);
  });

  it("never blocks on a host that does not read, and says what it lost", async () => {
    await using pty = await openPty();
    const kilobyte = new Uint8Array(1024);
    const results = Array.from({ length: 1000 }, () => pty.write(kilobyte));
    expect(results).toContain(false);
    expect(results[0]).toBe(true);
  });

  it("hangs up its hosts and removes its link when it is disposed", async () => {
    const link = join(mkdtempSync(join(tmpdir(), "pty-")), "modem");
    const pty = await openPty({ link });
    expect(readlinkSync(link)).toBe(pty.path);
    const reader = spawn("cat", [link], { stdio: ["ignore", "ignore", "ignore"] });
    const gone = new Promise((resolve) => reader.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await pty[Symbol.asyncDispose]();
    await gone;
    expect(existsSync(link)).toBe(false);
    expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
  });

  it("replaces a stale link but never a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pty-"));
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    await expect(openPty({ link: file })).rejects.toMatchObject({ code: "link.driver" });
    const link = join(folder, "modem");
    execFileSync("ln", ["-s", "/dev/pts/999999", link]);
    await using pty = await openPty({ link });
    expect(readlinkSync(link)).toBe(pty.path);
  });

  it("keeps the slave raw for programs that open it with plain reads and writes", async () => {
    await using pty = await openPty();
    pty.onData((chunk) => void pty.write(chunk));
    await using handle = await open(pty.path, "r+");
    await handle.write("AT\r");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(16), 0, 16);
    expect(buffer.subarray(0, bytesRead).toString("latin1")).toBe("AT\r");
  });
});
