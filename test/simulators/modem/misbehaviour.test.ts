import { describe, expect, it } from "vitest";
import { HotPlug } from "../../../simulators/modem/hot-plug.ts";
import { parseMisbehaviour } from "../../../simulators/modem/misbehaviour.ts";
import { controlModem } from "../../../simulators/modem/program.ts";
import { ptyAvailable, ptyMissing } from "../pty.ts";
import { Bench } from "./host.ts";

const hello = { length: 18, pdu: "0001000B915155010000F200040568656C6C6F" };
const usable = await ptyAvailable();
if (!usable) console.warn(`skipped: ${ptyMissing}`);

describe("misbehaviour of the simulated modem", () => {
  it("reads its list and refuses unknown words", () => {
    expect(parseMisbehaviour("late=2000,storm=50,sim-busy")).toMatchObject({
      lateMs: 2000,
      urcStorm: 50,
      simBusy: true,
    });
    expect(parseMisbehaviour("")).toMatchObject({ lateMs: 0 });
    expect(parseMisbehaviour("nonsense=1")).toBeUndefined();
    expect(parseMisbehaviour("late=x")).toBeUndefined();
    expect(parseMisbehaviour("refuse=csim/+COPS/^X,no-ok=CPIN,nul-prompt,pdu-tail=2")).toMatchObject({
      refuse: ["+CSIM", "+COPS", "^X"],
      noFinal: ["+CPIN"],
      nulPrompt: true,
      pduTail: 2,
    });
    expect(parseMisbehaviour("refuse")).toBeUndefined();
  });

  it("answers late, and in pieces of a few octets", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem();
    modem.misbehave({ lateMs: 80, chunk: 1 });
    const start = Date.now();
    expect(await host.ask("AT+CSQ")).toBe("\r\n+CSQ: 23,99\r\n\r\nOK\r\n");
    expect(Date.now() - start).toBeGreaterThanOrEqual(75);
  });

  it("restarts in mid-command: the command is never answered, the banner comes, echo is on", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem();
    modem.misbehave({ reboot: 1 });
    await host.write("AT+CSQ\r");
    expect(await host.until(/RDY\r\n/)).toBe("\r\nRDY\r\n");
    modem.misbehave({ reboot: 0 });
    await host.write("AT\r");
    expect(await host.until(/OK\r\n/)).toBe("AT\r\r\nOK\r\n");
  });

  it("loses the result of a message that left", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem();
    let sent = 0;
    modem.on("sent", () => {
      sent += 1;
    });
    modem.misbehave({ loseSendResult: 1 });
    await host.write(`AT+CMGS=${hello.length}\r`);
    await host.until(/> $/);
    await host.write(`${hello.pdu}\u001a`);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([sent, host.text()]).toEqual([1, ""]);
    expect(await host.ask("AT")).toBe("\r\nOK\r\n");
  });

  it("sends unsolicited lines all the time, spoils lines by chance, and is busy with its card", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem({}, { random: () => 0.4 });
    modem.misbehave({ urcStorm: 500 });
    await host.until(/(\r\n\+C[^\r]*\r\n){20}/);
    modem.misbehave({ urcStorm: 0, truncate: 0.5 });
    await host.until(/$/);
    await host.write("AT+CSQ\r");
    expect(await host.until(/\r\n\r\n$|OK/)).toContain("+CSQ\r\n");
    modem.misbehave({ truncate: 0, simBusy: true });
    expect(await host.ask("AT+CIMI")).toContain("+CME ERROR: 14");
    expect(await host.ask("AT+CMGL=4")).toContain("+CMS ERROR: 314");
  });

  it.skipIf(!usable)("obeys control lines: state, unplug and plug, coverage, memory", async () => {
    await using bench = new Bench();
    const { modem, card } = await bench.modem();
    await using hotPlug = new HotPlug(modem, { at: "pty" });
    await hotPlug.plugIn();
    const target = { modem, hotPlug, card, network: bench.network };
    const ask = async (line: string): Promise<Record<string, unknown>> => JSON.parse(await controlModem(target, line));
    expect(await ask("state")).toMatchObject({ ok: true, powered: true, port: hotPlug.address });
    expect(await ask("unplug")).toEqual({ ok: true });
    expect(await ask("state")).toMatchObject({ powered: false, port: "", sim: "absent" });
    expect(await ask("plug")).toMatchObject({ ok: true });
    expect(await ask("coverage off")).toEqual({ ok: true });
    expect(await ask("memory SM 0")).toEqual({ ok: true });
    expect(modem.stores.SM.full).toBe(true);
    expect(await ask("memory XX 3")).toMatchObject({ ok: false, code: "api.usage" });
    expect(await ask("fly")).toMatchObject({ ok: false, code: "api.usage" });
    expect(await ask("misbehave late=5")).toMatchObject({ ok: true, misbehaviour: { lateMs: 5 } });
  });
});
