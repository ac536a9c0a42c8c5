import { describe, expect, it } from "vitest";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { byte } from "../euicc/terminal.ts";
import { Bench, connectHost } from "./host.ts";

const until = async (done: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5000; !done(); ) {
    if (Date.now() > end) throw new Error("not in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

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
      const seen = quirk === "sim-not-reread" ? other.imsi : target.imsi;
      await until(() => {
        const back = modem.slot.state.at === "ready" && modem.slot.facts.imsi === seen;
        return (
          target.state === "enabled" && back && (quirk === "operator-config-stale" || modem.registration.registered)
        );
      });
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

  it("is switched by a message that another modem sends: response packet, REFRESH, notification", async () => {
    // TP-UD of the published worked example: EnableProfile of ISD-P 000013, CNTR 1, and its response. SGP.02 §4.1.1.2
    const command =
      "027000003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98";
    const response = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";
    await using network = new Bench();
    const state = createEuiccState();
    const [enabled, target] = state.profiles;
    if (enabled === undefined || target === undefined) throw new Error("the fixture has two profiles");
    const seen: string[] = [];
    network.network.sms.onMo(({ to, submit }) => void seen.push(`${to} ${toHex(submit.userData)}`));
    // The example's answer is for the number 0123.
    network.network.subscribe({ imsi: "001010000000001", msisdn: "0123" });
    const { host, modem: sender } = await network.modem({ imsi: "001010000000001" });
    await using modem = new SimulatedModem({
      network: network.network,
      card: new SimulatedEuicc({ state }),
      timings: { simRestartMs: 5 },
    });
    await modem.powerOn();
    await host.ask("AT+CNMI=2,1,0,0,0");
    const digits = enabled.msisdn.slice(1).padEnd(enabled.msisdn.length - 1 + ((enabled.msisdn.length - 1) % 2), "F");
    const address = `${byte(enabled.msisdn.length - 1)}91${digits.replace(/(.)(.)/g, "$2$1")}`;
    const tpdu = `4100${address}7FF6${byte(command.length / 2)}${command}`;
    await host.write(`AT+CMGS=${tpdu.length / 2}\r`);
    await host.until(/> $/);
    await host.write(`00${tpdu}\u001a`);
    await host.until(/\+CMGS: \d+/);
    await host.until(/\+CMTI: "SM",1/);
    expect(sender.stores.SM.get(1)?.tpdu.slice(-response.length / 2)).toEqual(fromHex(response));
    const end = Date.now() + 3000;
    while (seen.length < 3 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(seen[1]).toBe(`0123 ${response}`);
    expect(seen[2]).toMatch(/^\+21436587091 027000004D/);
    expect(modem.slot.facts.iccid).toBe(target.iccid);
    expect(modem.registration.attachment?.msisdn).toBe(target.msisdn);
  });
});
