import { describe, expect, it } from "vitest";
import { enableEnvelope, kicHex, kidHex } from "../../explain/worked.ts";
import { run } from "./run-commands.ts";

describe("decode", () => {
  it("writes a tree with offsets, octets, words and clauses", async () => {
    const { stdout, code } = await run(["decode", "D009810301010482028182"]);
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toBe("   0  proactive command  REFRESH (UICC reset)  [TS 102 223 §6.6]");
    expect(stdout).toContain("   7    device identities (82)  8182  UICC -> terminal");
  });

  it("opens a packet with keys from hexadecimal, the environment and files, and does not repeat them", async () => {
    const surroundings = { env: { KIC: kicHex }, readText: () => `${kidHex}\n` };
    const { stdout } = await run(
      ["decode", "--kic", "env:KIC", "--kid", "file:/kid", enableEnvelope],
      [],
      surroundings,
    );
    expect(stdout).toContain("EnableProfile ISD-P 000013");
    expect(stdout).not.toContain(kicHex);
    expect(stdout).not.toContain(kidHex);
  });

  it("refuses a key that is no hexadecimal without quoting it", async () => {
    const { stderr, code } = await run(["decode", "--kic", "hunter22", "9000"]);
    expect(code).toBe(2);
    expect(stderr).not.toContain("hunter22");
  });

  it("opens a response packet with the SPI of its command", async () => {
    const por = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";
    const flags = ["--kic", kicHex, "--kid", kidHex, "--spi", "1639", "--cntr", "0000000001", "--tar", "000001"];
    expect((await run(["decode", ...flags, por])).stdout).toContain("status 00 PoR OK");
    const other = await run(["decode", ...flags.with(7, "0000000002"), por]);
    expect(other.stdout).toContain("packet.cntr-mismatch");
  });

  it("takes octets pasted with blanks as one item", async () => {
    expect((await run(["decode", "00", "A4", "00", "04", "02", "3F", "00"])).stdout).toContain("SELECT MF");
  });

  it("takes arguments that are whole as items of their own", async () => {
    const typesOf = async (...items: string[]) => {
      const { stdout } = await run(["decode", "--json", ...items]);
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).type);
    };
    expect(await typesOf("00A40004023F00", "9000", "3B9F96803FC7828031E073FE211F574F54412D53494D66")).toEqual([
      "c-apdu",
      "r-apdu",
      "atr",
    ]);
    expect(await typesOf("9000", "6A82")).toEqual(["r-apdu", "r-apdu"]);
    expect(await typesOf("D0", "09", "8103010104", "8202", "8182")).toEqual(["proactive-command"]);
  });

  it("reads standard input line by line, answers in the light of their commands, and goes on after a bad line", async () => {
    const lines = ["# a comment\n", "> 80CA005A00\n", "zz\n", "< 5A10890010120123412340123456789012249000\n"];
    const { stdout, stderr, code } = await run(["decode", "--json"], lines);
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers.map(({ type }) => type)).toEqual(["c-apdu", "r-apdu"]);
    expect(answers[1].node.value).toContain("EID 89001012012341234012345678901224");
    expect(stderr).toContain("codec.text");
    expect(code).toBe(1);
  });

  it("forces a reading", async () => {
    const { stdout } = await run(["decode", "--json", "--as", "terminal-profile", "3301"]);
    expect(JSON.parse(stdout)).toMatchObject({ type: "terminal-profile", others: [] });
  });
});
