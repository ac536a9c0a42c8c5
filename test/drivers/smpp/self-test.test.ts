import { describe, expect, it } from "vitest";
import { testSmsc } from "../../../drivers/smpp/self-test.ts";
import { SmscStore } from "../../../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { equalBytes } from "../../../src/base/hex.ts";
import { reachesCard } from "../../../src/codec/smpp/data-coding.ts";
import type { SmsCoding } from "../../../src/link/network-bearer.ts";
import { commandSms, never, openBearer, packet } from "./account.ts";

/** A bench with a card that answers only class-2, PID-7F binary that is exactly the packet. */
async function trial(dataCodings: Readonly<Record<string, number | "refuse" | "destroy">>, configured: SmsCoding) {
  const store = new SmscStore();
  let answered = () => {};
  store.attach("*", async (sms) => {
    if (reachesCard(sms.dataCoding) && sms.protocolId === 0x7f && equalBytes(sms.userData, packet)) answered();
    return { ack: true };
  });
  await using smsc = await SimulatedSmsc.open({ store, behaviour: { dataCodings } });
  await using bearer = await openBearer(smsc.port);
  const probe = async (variant: SmsCoding) => {
    const seen = new Promise<true>((resolve) => {
      answered = () => resolve(true);
    });
    try {
      await bearer.submitVariant(commandSms(), variant, never);
    } catch (error) {
      if (isGatewayError(error)) return { verdict: "refused", note: String(error.detail.name) } as const;
      throw error;
    }
    const silence = new Promise<false>((resolve) => setTimeout(() => resolve(false), 100));
    return { verdict: (await Promise.race([seen, silence])) ? "answered" : "silent" } as const;
  };
  return await testSmsc({ configured, probe }, never);
}

describe("the link self-test", () => {
  it("passes at once where the configured coding works", async () => {
    const report = await trial({}, { dataCoding: 0xf6 });
    expect(report).toEqual({
      passed: true,
      works: { dataCoding: 0xf6 },
      tries: [{ variant: { dataCoding: 0xf6 }, verdict: "answered" }],
    });
  });

  it("finds the coding that an SMSC turns into class-2 binary", async () => {
    const report = await trial({ "246": "refuse", "4": 0x04, "2": 0xf6 }, { dataCoding: 0xf6 });
    expect(report.passed).toBe(false);
    expect(report.works).toEqual({ dataCoding: 0x02 });
    expect(report.tries.map(({ verdict, note }) => note ?? verdict)).toEqual(["ESME_RINVDCS", "silent", "answered"]);
  });

  it("is not fooled by an SMSC that destroys the packet and reports it delivered", async () => {
    const report = await trial(
      { "246": "destroy", "4": "destroy", "2": "destroy", "22": "destroy", "245": "destroy" },
      {
        dataCoding: 0xf6,
      },
    );
    expect(report.works).toBeUndefined();
    expect(report.tries.every(({ verdict }) => verdict === "silent")).toBe(true);
    expect(report.tries).toHaveLength(10);
  });
});
