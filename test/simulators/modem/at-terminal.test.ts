import { describe, expect, it } from "vitest";
import { Bench, connectHost } from "./host.ts";

describe("AT command line of the simulated modem", () => {
  it("echoes until ATE0 and frames results as V.250 does", async () => {
    await using bench = new Bench();
    const { modem } = await bench.modem();
    await using host = connectHost(modem);
    modem.settings.echo = true;
    await host.write("AT+CSQ\r");
    expect(await host.until(/OK\r\n/)).toBe("AT+CSQ\r\r\n+CSQ: 23,99\r\n\r\nOK\r\n");
    expect(await host.ask("ATE0")).toBe("ATE0\r\r\nOK\r\n");
    expect(await host.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("gives numeric results after ATV0, none after ATQ1, and other characters after S3 and S4", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    await host.write("ATV0\r");
    expect(await host.until(/0\r$/)).toBe("0\r");
    await host.write("AT+CSQ;+NONSENSE\r");
    expect(await host.until(/4\r$/)).toBe("+CSQ: 23,99\r\n4\r");
    await host.write("ATV1Q1\rATQ0\r");
    expect(await host.until(/OK\r\n/)).toBe("\r\nOK\r\n");
    await host.write("ATS3=36S4=37\r");
    expect(await host.until(/\$%OK\$%/)).toBe("$%OK$%");
    await host.write("AT$");
    expect(await host.until(/\$%OK\$%/)).toBe("$%OK$%");
  });

  it("runs joined commands up to the first failure", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    expect(await host.ask("AT+CSQ;+CPAS")).toBe("\r\n+CSQ: 23,99\r\n\r\n+CPAS: 0\r\n\r\nOK\r\n");
    expect(await host.ask("AT+CMGF=9;+CSQ")).toBe("\r\n+CMS ERROR: 303\r\n");
  });

  it("repeats with A/, edits with backspace, skips NUL, LF, ESC and what stands before AT", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    await host.ask("AT+CPAS");
    await host.write("A/");
    expect(await host.until(/OK\r\n/)).toContain("+CPAS: 0");
    await host.write("\u001b\r\n\u0000noise at+CPAX\bS\u0000\r\n");
    expect(await host.until(/OK\r\n/)).toContain("+CPAS: 0");
    expect(host.text()).toBe("");
  });

  it("shows errors at the level of +CMEE", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    expect(await host.ask("AT+CMGR=7")).toBe("\r\n+CMS ERROR: 321\r\n");
    await host.ask("AT+CMEE=2");
    expect(await host.ask("AT+CMGR=7")).toBe("\r\n+CMS ERROR: invalid memory index\r\n");
    expect(await host.ask("AT+CPIN=1234")).toBe("\r\n+CME ERROR: operation not allowed\r\n");
    await host.ask("AT+CMEE=0");
    expect(await host.ask("AT+CMGR=7")).toBe("\r\nERROR\r\n");
  });

  it("ends an abortable command when the host types, and no other", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem({}, { timings: { scanMs: 60_000, sendMs: 50 } });
    await host.write("AT+COPS=?\r");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await host.write("x");
    expect(await host.until(/OK\r\n/)).toBe("\r\nOK\r\n");
    expect(await host.ask("AT+CPAS")).toContain("+CPAS: 0");
  });

  it("ends data entry with ESC and ignores the LF of a CR LF before it", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    await host.write("AT+CMGS=41\r\n");
    expect(await host.until(/> $/)).toBe("\r\n> ");
    await host.write("0071\u001b");
    expect(await host.until(/OK\r\n/)).toBe("\r\nOK\r\n");
    expect(await host.ask("AT+CMGS=999")).toBe("\r\n+CMS ERROR: 304\r\n");
  });

  it("restores stored settings with ATZ and factory settings with AT&F", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    await host.ask("AT+CMGF=1;&W");
    await host.ask("AT+CMGF=0");
    await host.ask("ATZ");
    expect(await host.ask("AT+CMGF?")).toContain("+CMGF: 1");
    await host.ask("AT&F");
    expect(await host.ask("ATE0+CMGF?")).toContain("+CMGF: 0");
  });
});
