import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SocketPcscClient } from "../../../drivers/pcsc/socket-client.ts";
import { enabledProfile } from "../../../simulators/euicc/card-state.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../../../simulators/pcsc-lab.ts";

const run = promisify(execFile);
const missing = (program: string) =>
  spawnSync("which", [program]).status !== 0 ? `${program} is not installed` : undefined;
const problem = pcscLabProblem();
const withoutOpensc = problem ?? missing("opensc-tool");
const withoutScriptor = problem ?? missing("scriptor");
for (const reason of new Set([withoutOpensc, withoutScriptor])) {
  if (reason) console.log(`skipped: other people's PC/SC programs against the simulated eUICC: ${reason}`);
}

let lab: PcscLab | undefined;
const card = new SimulatedEuicc({ state: createEuiccState() });
const swapped = (digits: string) => (digits.length % 2 ? `${digits}F` : digits).replace(/(.)(.)/g, "$2$1");

beforeAll(async () => {
  if (problem) return;
  lab = await PcscLab.start({ readers: 2 });
  lab.insert(0, card);
  const client = new SocketPcscClient(lab.socket);
  for (let tries = 0; tries < 100; tries++) {
    try {
      await using _card = await client.connect("Virtual PCD 00 00", { timeoutMs: 2_000 });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

async function openscTool(...options: string[]): Promise<string> {
  const { stdout } = await run("opensc-tool", ["-r", "0", ...options], {
    env: { ...process.env, ...lab?.environment },
  });
  return stdout.replace(/\s+/g, " ");
}

/** Runs commands through scriptor; the responses as hex without blanks. */
async function scriptor(...apdus: string[]): Promise<string[]> {
  const child = spawn("scriptor", ["-p", "T=0", "-r", "Virtual PCD 00 00"], {
    env: { ...process.env, ...lab?.environment },
    timeout: 20_000,
  });
  child.stdin.end(`${apdus.map((apdu) => apdu.replace(/(..)(?=.)/g, "$1 ")).join("\n")}\n`);
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  child.on("error", (e) => console.log(e));
  await once(child, "close");

  const answers = output.replace(/\s+/g, " ").split("> ").slice(1);
  return answers.map((text) => (/< ([0-9A-F ]+)/.exec(text)?.[1] ?? "").replace(/\s+/g, ""));
}

describe("other people's PC/SC programs", () => {
  it.skipIf(withoutOpensc)(
    "opensc-tool sees the answer to reset and selects and reads like on a UICC",
    async () => {
      expect(await openscTool("-a")).toContain("3b:9f:96:80:3f:c7:82:80:31:e0:73:fe:21:1f:57:4f:54:41:2d:53:49:4d:66");
      const output = await openscTool(
        "-s",
        "00:A4:00:04:02:2F:E2",
        "-s",
        "00:B0:00:00:0A",
        "-s",
        "00:A4:04:04:07:A0:00:00:00:87:10:02",
        "-s",
        "80:F2:00:00:00",
      );
      expect(output).toMatch(/SW1=0x90, SW2=0x00/);
      const iccid = swapped(enabledProfile(card.state)?.iccid ?? "");
      expect(output.replace(/ /g, "")).toContain(iccid);
      expect(output).not.toMatch(/SW1=0x6[^1C]/);
    },
    30_000,
  );

  it.skipIf(withoutScriptor)(
    "scriptor reads EF.DIR, ICCID, IMSI, verifies a PIN and meets the right errors",
    async () => {
      const answers = await scriptor(
        "00A40004023F00",
        "00A40004022F00",
        "00B2010400",
        "00A40004022FE2",
        "00B000000A",
        "00A4040407A0000000871002",
        "00A40004026F07",
        "00B0000009",
        "0020000100",
        "002000810835363738FFFFFFFF",
        "00A40004026FFF",
        "80F2000C00",
        "A0A40000023F00",
        "00FF000000",
      );
      const profile = enabledProfile(card.state);
      expect(answers[0]).toMatch(/^61|^62.*9000$/);
      expect(answers[2]).toMatch(/^6C30$|^61.*9000$/);
      expect(answers[4]).toBe(`${swapped(profile?.iccid ?? "")}9000`);
      expect(answers[7]).toBe(`08${swapped(`9${profile?.imsi}`)}9000`);
      expect(answers.slice(8)).toEqual(["63C3", "9000", "6A82", "9000", "6E00", "6D00"]);
    },
    30_000,
  );
});
