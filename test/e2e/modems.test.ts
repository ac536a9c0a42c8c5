import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ShownLink } from "../../src/face/cli/commands/reader.ts";
import { ptyAvailable, ptyMissing } from "../simulators/pty.ts";
import { eventually, Product, usesProgram } from "./product.ts";

usesProgram();

const available = await ptyAvailable();
if (!available) console.warn(`skipped: ${ptyMissing}`);

describe.skipIf(!available)("modems on the command line, against simulated ones in processes of their own", () => {
  let product: Product;
  const place = (name: string) => join(product.folder, name);

  /** Starts `otagate sim modem`; resolves when its port is there, with what it says of itself. */
  async function simulate(name: string, ...more: string[]): Promise<{ number: string; imei: string }> {
    const child = product.spawn(["sim", "modem", "--pty", place(name), ...more]);
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    return new Promise((resolve) => lines.once("line", (line) => resolve(JSON.parse(line))));
  }

  let numbers: { a: string; b: string };

  beforeAll(async () => {
    product = new Product();
    const modem = (name: string) => ({ name, port: `tty:${place(name)}`, watchEveryMs: 1000 });
    product.file(
      "otagate/config.yaml",
      JSON.stringify({
        readers: { enabled: false },
        scp81: { enabled: false },
        modems: [modem("a"), { ...modem("b"), powerCommand: `echo cycled >> ${place("power.log")}` }],
      }),
    );
    const a = await simulate("a", "--profile", "quectel-ec25", "--network", `serve:${place("net")}`);
    const b = await simulate("b", "--profile", "telit-le910c", "--network", `join:${place("net")}`);
    await simulate("c", "--profile", "simcom-sim7600", "--number", "+15550001234", "--network", `join:${place("net")}`);
    numbers = { a: a.number, b: b.number };
    expect(new Set([a.imei, b.imei]).size).toBe(2);
    await product.daemon();
    await bothReady();
  });
  afterAll(() => product[Symbol.asyncDispose]());

  const links = async () => (await product.run(["modem", "list", "--json"])).json<ShownLink[]>();
  const bothReady = () =>
    eventually(async () =>
      (await links()).every(({ up, facts }) => up && facts.registered === true) ? true : undefined,
    );

  it("lists them with profile, network and signal", async () => {
    const { stdout, code } = await product.run(["modem", "list"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MODEM +STATE +PROFILE +IMEI +ICCID +NETWORK +SIGNAL +TARGET\n/);
    expect(stdout).toMatch(/modem:a +ready +quectel-ec25 +\d{15} +\d{19,20} +00101 E-UTRAN +-\d+ dBm/);
    expect(stdout).toMatch(/modem:b +ready +telit-le910c/);
  });

  it("shows everything known of one", async () => {
    const { stdout } = await product.run(["modem", "show", "a"]);
    expect(stdout).toMatch(/^modem:a ready\n/);
    for (const fact of [/module +Quectel EC25, /, /PIN +READY/, /CEREG +home, area 1A2B/, /toolkit +off/])
      expect(stdout).toMatch(fact);
    expect((await product.run(["modem", "show", "nobody"])).code).toBe(3);
  });

  it("sends texts from one to the other, and lists what came and what was reported", async () => {
    const sent = await product.run(["sms", "send", numbers.b, "Grüße ✓", "--link", "modem:a"]);
    expect(sent.stdout).toMatch(/^accepted \(reference \d+\)\n$/);
    const listed = await eventually(async () => {
      const { stdout } = await product.run(["sms", "list"]);
      return stdout.includes("Grüße ✓") && stdout.includes("receipt: delivered") ? stdout : undefined;
    });
    expect(listed).toMatch(new RegExp(`modem:b +\\${numbers.a} +short message +Grüße ✓`));
  });

  it("says why a text cannot be sent", async () => {
    const unknown = await product.run(["sms", "send", numbers.b, "x", "--link", "modem:z"]);
    expect(unknown.code).toBe(3);
    expect((await product.run(["modem", "at", "b", "AT+COPS=2"])).stdout).toContain("OK");
    const down = await eventually(async () => {
      const sent = await product.run(["sms", "send", numbers.a, "x", "--link", "modem:b"]);
      return sent.code === 0 ? undefined : sent;
    });
    expect(down.code).toBe(5);
    expect(down.stderr).toBe("link.unavailable: modem:b: not registered on a network\n");
    await product.run(["modem", "at", "b", "AT+COPS=0"]);
    await bothReady();
  });

  it("runs AT commands beside the daemon, one by one or line by line", async () => {
    const two = await product.run(["modem", "at", "a", "AT+CSQ", "AT+NONSENSE"]);
    expect(two.stdout).toBe("> AT+CSQ\n+CSQ: 23,99\nOK\n> AT+NONSENSE\nERROR\n");
    expect(two.code).toBe(4);
    const typed = await product.run(["modem", "at", "a"], { input: "AT+CPIN?\nhello\nexit\n" });
    expect(typed.stdout).toBe("+CPIN: READY\nOK\n");
    expect(typed.stderr).toBe("a command starts with AT; type exit to leave\n");
  });

  it("restarts one by its own command, its card alone, or by its power", async () => {
    const soft = await product.run(["modem", "reset", "a"]);
    expect(soft.stdout).toBe("modem:a: restarting on request\n");
    await bothReady();
    expect((await product.run(["modem", "reset", "b", "--sim"])).code).toBe(0);
    await bothReady();
    expect((await product.run(["modem", "power", "b"])).code).toBe(0);
    expect(readFileSync(place("power.log"), "utf8")).toBe("cycled\n");
    await bothReady();
    const without = await product.run(["modem", "power", "a"]);
    expect(without.stderr).toBe("link.driver: modem:a has no power control\n");
    expect(without.code).toBe(7);
  });

  it("probes a modem that no profile need know, and writes a draft and a transcript", async () => {
    const out = place("probe");
    const { code, stdout } = await product.run(["modem", "probe", place("c"), "--out", out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/SIM7600/);
    expect(existsSync(out)).toBe(true);
    const busy = await product.run(["modem", "probe", place("a")]);
    expect(busy.code).toBe(5);
    expect(busy.stderr).toMatch(/in use by another program/);
  });
});
