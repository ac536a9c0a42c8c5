import { describe, expect, it } from "vitest";
import { SimulatedEuicc } from "../../../../drivers/simulated/euicc/euicc.ts";
import { createEuiccState } from "../../../../drivers/simulated/euicc/fixture.ts";
import { SimulatedModem } from "../../../../drivers/simulated/modem/modem.ts";
import { SimulatedNetwork } from "../../../../drivers/simulated/network/network.ts";
import { connectHost } from "./host.ts";

describe("a simulated eUICC in a simulated modem", () => {
  it("shows its EID over +CCHO and +CGLA, and its files over +CRSM", async () => {
    const state = createEuiccState();
    const network = new SimulatedNetwork({ attachMs: 1 });
    await using modem = new SimulatedModem({ network, card: new SimulatedEuicc({ state }) });
    await using host = connectHost(modem);
    await modem.powerOn();
    await host.ask("ATE0");
    const enabled = state.profiles.find(({ state: at }) => at === "enabled");
    expect(modem.slot.facts).toMatchObject({ iccid: enabled?.iccid, imsi: enabled?.imsi, msisdn: enabled?.msisdn });
    expect(modem.registration.state.stat).toBe(5);
    const session = /\+CCHO: (\d+)/.exec(await host.ask('AT+CCHO="A0000005591010FFFFFFFF8900000200"'))?.[1];
    const answer = await host.ask(`AT+CGLA=${session},10,"80CA005A00"`);
    const data = answer.includes('"61')
      ? await host.ask(`AT+CGLA=${session},10,"00C00000${/"61(..)/.exec(answer)?.[1]}"`)
      : answer;
    expect(data).toContain(`5A10${state.eid}9000`);
    await host.ask(`AT+CCHC=${session}`);
    expect(await host.ask("AT+CIMI")).toContain(enabled?.imsi ?? "");
    network.close();
  });

  it("falls back to another profile: REFRESH, new identity, new attach, and the notification as a message", async () => {
    const state = createEuiccState({ smsrAddress: "+15557000000" });
    const network = new SimulatedNetwork({ attachMs: 1 });
    const notifications: string[] = [];
    network.sms.onMo(({ from, to }) => {
      notifications.push(`${from} ${to}`);
      return "taken";
    });
    const [target, other] = state.profiles;
    if (target === undefined || other === undefined) throw new Error("the fixture has two profiles");
    [target.state, other.state] = ["disabled", "enabled"];
    const card = new SimulatedEuicc({ state });
    await using modem = new SimulatedModem({ network, card, timings: { simRestartMs: 10 } });
    await using host = connectHost(modem);
    await modem.powerOn();
    await host.ask("ATE0+CEREG=1");
    card.fallBack();
    await host.ask('AT+CSIM=10,"80F2000C00"');
    await host.until(/\+CPIN: NOT READY\r\n/);
    await host.until(/\+CPIN: READY\r\n/);
    await host.until(/\+CEREG: 5\r\n/);
    expect(modem.slot.facts.iccid).toBe(target.iccid);
    const end = Date.now() + 3000;
    while (notifications.length === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notifications[0]).toMatch(new RegExp(`^\\${target.msisdn} \\+?15557000000$`));
    network.close();
  });

  it("plays modems that do not notice the switch, cache the ICCID, or keep the old operator", async () => {
    const network = new SimulatedNetwork({ attachMs: 1 });
    const iccid = [{ command: "AT+QCCID", pattern: "^\\+QCCID: ?(\\d+)" }];
    for (const quirk of ["sim-not-reread", "stale-iccid-command", "operator-config-stale"]) {
      const state = createEuiccState();
      const [target, other] = state.profiles;
      if (target === undefined || other === undefined) throw new Error("the fixture has two profiles");
      [target.state, other.state] = ["disabled", "enabled"];
      const card = new SimulatedEuicc({ state });
      const profile = { name: quirk, quirks: [quirk], identity: { iccid } };
      await using modem = new SimulatedModem({ network, card, profile, timings: { simRestartMs: 5 } });
      await using host = connectHost(modem);
      await modem.powerOn();
      card.fallBack();
      await host.ask('ATE0+CSIM=10,"80F2000C00"');
      await new Promise((resolve) => setTimeout(resolve, 60));
      const shown = /QCCID: (\d+)/.exec(await host.ask("AT+QCCID"))?.[1];
      expect(shown, quirk).toBe(quirk === "operator-config-stale" ? target.iccid : other.iccid);
      expect(await host.ask("AT+CIMI"), quirk).toContain(quirk === "sim-not-reread" ? other.imsi : target.imsi);
      expect(modem.registration.registered, quirk).toBe(quirk !== "operator-config-stale");
      if (quirk === "sim-not-reread") await host.ask("AT+CFUN=0");
      if (quirk === "sim-not-reread") await host.ask("AT+CFUN=1");
      else await modem.reboot();
      expect(await host.ask("AT+QCCID"), quirk).toContain(target.iccid);
    }
    network.close();
  });
});
