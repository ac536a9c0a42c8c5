import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { ReadStream } from "node:tty";
import { GatewayError } from "../src/base/gateway-error.ts";
import { type Line, lineBacklog } from "./line.ts";

/** How {@link openPty} places the terminal. */
interface PtyOptions {
  /** Symbolic link to keep pointing at the slave while it lives; an existing link is replaced, a file is not. */
  readonly link?: string;
}

/** A pseudo-terminal: we hold the master, hosts open {@link Pty.path} as they would a serial port. */
interface Pty extends Line {
  /** The slave device, `/dev/pts/<n>`. */
  readonly path: string;
}

/**
 * Opens a pseudo-terminal whose slave is in raw mode, without native modules: Node holds the descriptors, a short-lived
 * perl does the three ioctls. The slave stays open here too, so hosts may open and close it as often as they like;
 * dispose hangs it up, as pulling a USB modem does.
 * @throws link.driver when the system has no /dev/ptmx or no perl
 */
export async function openPty(options: PtyOptions = {}): Promise<Pty> {
  const master = openMaster();
  try {
    const path = `/dev/pts/${await unlock(master)}`;
    const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    if (options.link !== undefined) placeLink(options.link, path);
    return new MasterPty(master, slave, path, options.link);
  } catch (cause) {
    closeSync(master);
    throw cause instanceof GatewayError
      ? cause
      : new GatewayError("link.driver", "cannot set up a pseudo-terminal", { cause });
  }
}

function openMaster(): number {
  try {
    return openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new GatewayError("link.driver", "cannot open /dev/ptmx", { cause });
  }
}

/**
 * Runs in perl on descriptor 3: TIOCSPTLCK(0), TCGETS/TCSETS with the flags of cfmakeraw(3), TIOCGPTN. The request
 * numbers are those of Linux on x86, Arm and RISC-V; a termios of the kernel is four words, c_line and 19 characters.
 */
const unlockScript = `
open(my $m, '+<&=', 3) or die "fd: $!";
my $zero = pack('i', 0);
ioctl($m, 0x40045431, $zero) or die "TIOCSPTLCK: $!";
my $t = "\\0" x 64;
ioctl($m, 0x5401, $t) or die "TCGETS: $!";
my ($i, $o, $c, $l, @rest) = unpack('L4C20', $t);
$i &= ~02753; $o &= ~01; $l &= ~0100113; $c = ($c & ~0460) | 060;
$rest[1 + 6] = 1; $rest[1 + 5] = 0;
my $raw = pack('L4C20', $i, $o, $c, $l, @rest) . ("\\0" x 28);
ioctl($m, 0x5402, $raw) or die "TCSETS: $!";
my $n = pack('i', 0);
ioctl($m, 0x80045430, $n) or die "TIOCGPTN: $!";
print unpack('i', $n);
`;

/** Unlocks the slave, makes it raw and returns its number. */
function unlock(master: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const perl = spawn("perl", ["-e", unlockScript], { stdio: ["ignore", "pipe", "pipe", master] });
    let out = "";
    let err = "";
    perl.stdout?.on("data", (chunk) => {
      out += String(chunk);
    });
    perl.stderr?.on("data", (chunk) => {
      err += String(chunk);
    });
    const fail = (detail: string, cause?: unknown) =>
      reject(new GatewayError("link.driver", `perl cannot set up the pseudo-terminal: ${detail}`, { cause }));
    perl.on("error", (cause) => fail(cause.message, cause));
    perl.on("close", (code) =>
      code === 0 && /^\d+$/.test(out) ? resolve(Number(out)) : fail(err.trim() || `${code}`),
    );
  });
}

function placeLink(link: string, path: string): void {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === false) {
    throw new GatewayError("link.driver", `${link} exists and is not a symbolic link`);
  }
  const fresh = `${link}.${process.pid}.new`;
  symlinkSync(path, fresh);
  renameSync(fresh, link);
}

class MasterPty implements Pty {
  readonly path: string;
  readonly address: string;
  readonly #master: number;
  readonly #stream: ReadStream;
  readonly #slave: number;
  readonly #link: string | undefined;
  readonly #queue: Uint8Array[] = [];
  #waiting = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #onClose: () => void = () => {};

  constructor(master: number, slave: number, path: string, link: string | undefined) {
    this.path = path;
    this.address = link ?? path;
    this.#master = master;
    this.#slave = slave;
    this.#link = link;
    this.#stream = new ReadStream(master);
    this.#stream.on("error", () => void this.#end(true));
    this.#stream.on("close", () => void this.#end(true));
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#stream.removeAllListeners("data");
    this.#stream.on("data", (chunk: Buffer) => listener(chunk));
  }

  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#waiting > lineBacklog) return false;
    // The caller may use its buffer again before a full terminal has taken it.
    this.#queue.push(Uint8Array.from(bytes));
    this.#waiting += bytes.length;
    if (this.#queue.length === 1) this.#flush();
    return true;
  }

  /** libuv writes to a master in blocking mode, so a stopped host would stop us: write by hand, and come back later. */
  #flush(): void {
    clearTimeout(this.#retry);
    for (let first = this.#queue[0]; first !== undefined && !this.#closed; first = this.#queue[0]) {
      const taken = writeSome(this.#master, first);
      this.#waiting -= taken;
      if (taken < first.length) {
        this.#queue[0] = first.subarray(taken);
        this.#retry = setTimeout(() => this.#flush(), 2);
        return;
      }
      this.#queue.shift();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end(false);
  }

  async #end(tell: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#link !== undefined) dropLink(this.#link, this.path);
    closeSync(this.#slave);
    await new Promise<void>((resolve) => {
      if (this.#stream.closed) return resolve();
      this.#stream.once("close", () => resolve());
      this.#stream.destroy();
    });
    if (tell) this.#onClose();
  }
}

/** How many octets the terminal takes now; 0 when its buffer is full. */
function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    // The stream on the same descriptor reports the end of the terminal.
    return bytes.length;
  }
}

/** Removes the link unless it was pointed elsewhere meanwhile. */
function dropLink(link: string, path: string): void {
  try {
    if (readlinkSync(link) === path) unlinkSync(link);
  } catch {
    // Already gone: nothing to clean up.
  }
}
