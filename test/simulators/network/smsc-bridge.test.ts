import { describe, expect, it } from "vitest";
import { joinSmsc } from "../../../simulators/network/smsc-bridge.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { Bench } from "../modem/host.ts";

describe("an SMSC on a simulated network", () => {
  it("reaches phones, says when they are away, and takes what they send to other numbers", async () => {
    await using bench = new Bench();
    await using smsc = await SimulatedSmsc.open();
    const part = joinSmsc(bench.network, smsc);
    const { modem, host } = await bench.modem({ msisdn: "+15551000001" });
    await host.ask("AT+CMGF=1;+CNMI=2,2,0,0,0");
    const handset = smsc.store.handsets.get("*");
    const sms = { from: "15557770000", to: "15551000001", userDataHeader: false, protocolId: 0, dataCoding: 0 };
    expect(await handset?.({ ...sms, userData: Buffer.from("Hello") })).toEqual({ ack: true });
    expect(await host.until(/Hello\r\n/)).toContain('+CMT: "+15557770000"');
    expect(await handset?.({ ...sms, to: "15550009999", userData: Buffer.from("x") })).toEqual({
      ack: false,
      cause: 27,
    });
    const { answer } = await modem.submit(fromHex("01 00 0B915155770700F0 00 00 05 E8329BFD06"));
    expect(answer).toEqual({ ack: true });
    expect(smsc.store.deliveries[0]?.fields).toMatchObject({
      source_addr: "15551000001",
      destination_addr: "15557770000",
      short_message: Buffer.from("hello"),
    });
    part();
    expect(smsc.store.handsets.size).toBe(0);
  });
});
