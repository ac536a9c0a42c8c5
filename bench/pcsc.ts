/**
 * APDU round trips per second through the whole link: our APDU channel over our client of pcscd's socket, over pcscd and
 * a virtual reader, to a card in a process of its own that answers at once (in C, where there is a compiler: what the
 * card costs is in every way's figure). In the same run, interleaved: the driver without the channel, a bare socket
 * client with no pcscd in between, and where installed a C program on libpcsclite and pyscard.
 *
 *   npx tsx bench/pcsc.ts [round trips per round] [rounds]
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SocketPcscClient } from "../drivers/pcsc/socket-client.ts";
import { PcscLab, pcscLabProblem } from "../simulators/pcsc-lab.ts";
import { packageRoot } from "../src/app/version.ts";
import { systemClock } from "../src/base/clock.ts";
import { fromHex } from "../src/base/hex.ts";
import { ApduChannel } from "../src/link/card/channel.ts";

const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 15);
/** Until the compiler has settled; a daemon runs for weeks. */
const warmUp = 3_000;
const reader = "Bench 00 00";
const commands = [
  { name: "STATUS, 2 octets back", apdu: "80F2000C00" },
  { name: "READ BINARY, 258 octets back", apdu: "00B0000000" },
] as const;

const cProgram = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>
int main(int argc, char **argv)
{
    SCARDCONTEXT context; SCARDHANDLE card; DWORD protocol, length; unsigned char answer[300];
    unsigned char command[5]; struct timespec a, b; int i, n = atoi(argv[3]);
    for (i = 0; i < 5; i++) { unsigned x; sscanf(argv[2] + 2 * i, "%2x", &x); command[i] = x; }
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context)) return 1;
    if (SCardConnect(context, argv[1], SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0, &card, &protocol)) return 2;
    for (i = -100; i < n; i++) {
        if (i == 0) clock_gettime(CLOCK_MONOTONIC, &a);
        length = sizeof answer;
        if (SCardTransmit(card, SCARD_PCI_T0, command, 5, NULL, answer, &length)) return 3;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%f\\n", n / ((b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9));
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    return 0;
}
`;

const pyscardProgram = `
import sys, time
from smartcard.System import readers
reader = [r for r in readers() if str(r) == sys.argv[1]][0]
connection = reader.createConnection()
connection.connect()
command = list(bytes.fromhex(sys.argv[2]))
n = int(sys.argv[3])
for _ in range(100):
    connection.transmit(command)
started = time.perf_counter()
for _ in range(n):
    connection.transmit(command)
print(n / (time.perf_counter() - started))
connection.disconnect()
`;

/** One way to the card; resolves with round trips per second. */
interface Way {
  readonly name: string;
  run(apdu: string, roundTrips?: number): Promise<number>;
}

async function timed(once: () => Promise<unknown>, roundTrips = count): Promise<number> {
  for (let i = 0; i < 100; i++) await once();
  const started = performance.now();
  for (let i = 0; i < roundTrips; i++) await once();
  return (roundTrips * 1000) / (performance.now() - started);
}

function ourWays(lab: PcscLab): readonly Way[] {
  const client = new SocketPcscClient(lab.socket);
  const bounds = { timeoutMs: 10_000 };
  return [
    {
      name: "otagate link",
      run: async (text, roundTrips) => {
        await using connection = await client.connect(reader, bounds);
        const channel = new ApduChannel({ connection, link: reader, clock: systemClock });
        const apdu = fromHex(text);
        return await timed(() => channel.transmit(apdu), roundTrips);
      },
    },
    {
      name: "otagate driver",
      run: async (text, roundTrips) => {
        await using connection = await client.connect(reader, bounds);
        const apdu = fromHex(text);
        return await timed(() => connection.transmit(apdu, bounds), roundTrips);
      },
    },
  ];
}

/** Plays the virtual reader itself: what two processes and a socket cost without PC/SC. */
async function bareSocket(cardProgram: readonly string[]): Promise<Way & AsyncDisposable> {
  const server = createServer({ noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const [program = "", ...args] = cardProgram;
  const card = spawn(program, [...args, String(port)], { stdio: ["pipe", "ignore", "inherit"] });
  const [socket]: Socket[] = await once(server, "connection");
  if (socket === undefined) throw new Error("the card did not come");
  let resolve: (() => void) | undefined;
  let missing = 0;
  socket.on("data", (chunk: Buffer) => {
    if (missing === 0) missing = 2 + chunk.readUInt16BE(0);
    missing -= chunk.length;
    if (missing === 0) resolve?.();
  });
  return {
    name: "bare socket",
    run: async (text) => {
      const apdu = fromHex(text);
      const frame = Buffer.concat([Buffer.of(0, apdu.length), apdu]);
      return timed(
        () =>
          new Promise<void>((done) => {
            resolve = done;
            socket.write(frame);
          }),
      );
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      server.close();
      card.stdin?.end();
    },
  };
}

/** The program that plays the card, its port missing: C where that can be built. */
function cardProgram(folder: string): readonly string[] {
  const binary = join(folder, "card");
  const source = join(packageRoot, "bench", "pcsc-card.c");
  if (spawnSync("cc", ["-O2", source, "-o", binary], { stdio: "ignore" }).status === 0) return [binary];
  const built = import.meta.filename.endsWith(".js");
  const script = fileURLToPath(new URL(built ? "pcsc-card.js" : "pcsc-card.ts", import.meta.url));
  return [process.execPath, ...(built ? [] : ["--import", "tsx"]), script];
}

/** Programs of others, each timing itself. */
function foreignWays(lab: PcscLab, folder: string): readonly Way[] {
  const timing = async (command: string, args: readonly string[]): Promise<number> => {
    const child = lab.spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(child, "close");
    return Number(text);
  };
  const ways: Way[] = [];
  const source = join(folder, "round-trips.c");
  const binary = join(folder, "round-trips");
  writeFileSync(source, cProgram);
  const built = spawnSync("cc", ["-O2", "-I/usr/include/PCSC", source, "-o", binary, "-lpcsclite"], {
    stdio: "ignore",
  });
  if (built.status === 0) {
    ways.push({ name: "C, libpcsclite", run: (apdu) => timing(binary, [reader, apdu, String(count)]) });
  } else console.log("left out: C on libpcsclite (needs cc and libpcsclite-dev)");
  if (spawnSync("/usr/bin/python3", ["-c", "import smartcard"], { stdio: "ignore" }).status === 0) {
    const run = (apdu: string) => timing("/usr/bin/python3", ["-c", pyscardProgram, reader, apdu, String(count)]);
    ways.push({ name: "pyscard", run });
  } else console.log("left out: pyscard (needs python3-pyscard)");
  return ways;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function measure(ways: readonly Way[]): Promise<void> {
  for (const { name, apdu } of commands) {
    const rates = new Map<string, number[]>(ways.map((way) => [way.name, []]));
    for (let round = 0; round < rounds; round++) {
      // Everyone has every place in the order, so that none always follows the same neighbor.
      const first = round % ways.length;
      for (const way of [...ways.slice(first), ...ways.slice(0, first)]) rates.get(way.name)?.push(await way.run(apdu));
    }
    const middle = (way: string) => median(rates.get(way) ?? []);
    console.log(`\n${name}`);
    console.log("  way              round trips/s: min  median     max   ÷ bare socket   ÷ pyscard");
    for (const [way, values] of rates) {
      const numbers = [Math.min(...values), middle(way), Math.max(...values)].map((value) =>
        value.toFixed(0).padStart(8),
      );
      // Round by round, so that a change in the load of the machine meets both sides.
      const ratios = ["bare socket", "pyscard"].map((base) =>
        median(values.map((value, round) => value / (rates.get(base)?.[round] ?? Number.NaN)))
          .toFixed(2)
          .padStart(12),
      );
      console.log(`  ${way.padEnd(22)}${numbers.join("")}${ratios.join("")}`);
    }
  }
}

const problem = pcscLabProblem();
if (problem !== undefined) {
  console.log(`nothing measured: ${problem}`);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "bench-pcsc-"));
const lab = await PcscLab.start({ name: "Bench" });
const cardCommand = cardProgram(folder);
const [program = "", ...cardArgs] = cardCommand;
const card = lab.spawn(program, [...cardArgs, String(lab.slot(0).port)], { stdio: ["pipe", "ignore", "inherit"] });
try {
  for await (const [first] of new SocketPcscClient(lab.socket).watch(new AbortController().signal)) {
    if (first?.present) break;
  }
  const { isolation, nagleCure } = lab.facts;
  console.log(`${count} round trips, ${rounds} rounds, interleaved; ${isolation} pcscd, Nagle cure: ${nagleCure}`);
  console.log(`card: ${cardCommand.length === 1 ? "C" : "Node"}`);
  await using bare = await bareSocket(cardCommand);
  const ours = ourWays(lab);
  for (const way of ours) await way.run(commands[0].apdu, warmUp);
  await measure([bare, ...foreignWays(lab, folder), ...ours]);
} finally {
  card.stdin?.end();
  await lab[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
