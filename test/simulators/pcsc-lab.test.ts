import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SocketPcscClient } from "../../drivers/pcsc/socket-client.ts";
import { PcscLab, pcscLabProblem } from "../../simulators/pcsc-lab.ts";
import { ScriptedCard } from "./scripted-card.ts";

const problem = pcscLabProblem();
if (problem !== undefined) console.warn(`skipped: the virtual PC/SC laboratory (${problem})`);

function installed(command: string, ...args: readonly string[]): boolean {
  const found = spawnSync(command, args, { stdio: "ignore" }).error === undefined;
  if (!found) console.warn(`skipped: ${command} is not installed`);
  return found;
}

async function run(lab: PcscLab, command: string, args: readonly string[], input = ""): Promise<string> {
  const child = lab.spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stdin?.end(input);
  await once(child, "close");
  return text;
}

/** Answers like a card with an MF and nothing else. */
function card(): ScriptedCard {
  const scripted = new ScriptedCard();
  scripted.answer = (command) =>
    command.startsWith("00A40004023F00") || command.startsWith("00A4000C") ? "9000" : "6D00";
  return scripted;
}

describe.skipIf(problem !== undefined)("the virtual PC/SC laboratory", () => {
  let lab: PcscLab;

  beforeAll(async () => {
    lab = await PcscLab.start({ readers: 16, name: "Lab" });
    lab.insert(0, card());
    lab.insert(15, card());
    for await (const readers of new SocketPcscClient(lab.socket).watch(new AbortController().signal)) {
      if (readers[0]?.present && readers[15]?.present) break;
    }
  });

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it("has 16 readers with names of their own", async () => {
    for await (const readers of new SocketPcscClient(lab.socket).watch(new AbortController().signal)) {
      expect(new Set(readers.map(({ name }) => name)).size).toBe(16);
      break;
    }
  });

  it("every reader serves its card", async () => {
    const client = new SocketPcscClient(lab.socket);
    const bounds = { timeoutMs: 5_000 };
    for (const reader of ["Lab 00 00", "Lab H 00 01"]) {
      await using connection = await client.connect(reader, bounds);
      expect(await connection.transmit(Uint8Array.of(0, 0xa4, 0, 4, 2, 0x3f, 0), bounds)).toEqual(
        Uint8Array.of(0x90, 0),
      );
    }
  });

  it("runs beside another laboratory", async () => {
    await using other = await PcscLab.start({ readers: 2, name: "Other" }).catch(() => lab);
    for await (const readers of new SocketPcscClient(other.socket).watch(new AbortController().signal)) {
      if (other !== lab) expect(readers.map(({ name }) => name)).toEqual(["Other 00 00", "Other 00 01"]);
      break;
    }
  });

  it.skipIf(!installed("opensc-tool", "--version"))("opensc-tool reaches its cards", async () => {
    const text = await run(lab, "opensc-tool", ["--reader", "0", "--card-driver", "default", "-s", "00A40004023F00"]);
    expect(text).toMatch(/SW1=0x90, SW2=0x00/);
  });

  it.skipIf(!installed("scriptor", "-h"))("scriptor reaches its cards", async () => {
    const text = await run(lab, "scriptor", ["-r", "Lab 00 00", "-p", "T=0"], "00 A4 00 04 02 3F 00\n");
    expect(text).toMatch(/90 00/);
  });

  it.skipIf(spawnSync("/usr/bin/python3", ["-c", "import smartcard"], { stdio: "ignore" }).status !== 0)(
    "pyscard reaches its cards",
    async () => {
      const program = `
from smartcard.System import readers
connection = readers()[0].createConnection()
connection.connect()
print(connection.transmit([0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00]))`;
      expect(await run(lab, "/usr/bin/python3", ["-c", program])).toContain("([], 144, 0)");
    },
  );

  it("a pcscd that hangs is told in bounded time", async () => {
    lab.freeze(true);
    const started = performance.now();
    try {
      const connecting = new SocketPcscClient(lab.socket).connect("Lab 00 00", { timeoutMs: 500 });
      await expect(connecting).rejects.toMatchObject({ code: "link.service" });
    } finally {
      lab.freeze(false);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("starts again over what a killed pcscd left behind", async () => {
    await lab.stopService("SIGKILL");
    await lab.startService();
    for await (const readers of new SocketPcscClient(lab.socket).watch(new AbortController().signal)) {
      if (readers[0]?.present) break;
    }
  });
});
