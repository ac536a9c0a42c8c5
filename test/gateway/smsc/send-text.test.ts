import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { gsm7Text, unpackSeptets } from "../../../src/codec/kit/gsm7.ts";
import { sendText } from "../../../src/gateway/smsc/send-text.ts";
import type { OutboundSms, SmsBearer } from "../../../src/link/sms-bearer.ts";

function bearer(submit: (sms: OutboundSms) => void): { readonly sent: OutboundSms[]; readonly bearer: SmsBearer } {
  const sent: OutboundSms[] = [];
  return {
    sent,
    bearer: {
      id: "modem:a",
      kind: "modem",
      state: { up: true },
      onInbound: () => undefined,
      submit: async (sms) => {
        submit(sms);
        sent.push(sms);
        return { at: "accepted", networkReference: String(sent.length) };
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
}

describe("a text for a test of a link", () => {
  test("goes in the default alphabet where it fits, with its length in septets", async () => {
    const { sent, bearer: link } = bearer(() => undefined);
    await sendText(link, "+4917", "1234567");
    expect(sent).toMatchObject([{ dataCoding: 0, userDataHeader: false, userDataLength: 7, moreToCome: false }]);
    expect(gsm7Text(unpackSeptets(sent[0]?.userData ?? new Uint8Array(), 7))).toBe("1234567");
  });

  test("goes in several parts, all but the last announcing more", async () => {
    const { sent, bearer: link } = bearer(() => undefined);
    expect(await sendText(link, "+4917", "ж".repeat(150))).toHaveLength(3);
    expect(sent.map(({ moreToCome }) => moreToCome)).toEqual([true, true, false]);
    expect(new Set(sent.map(({ userData }) => userData[3])).size).toBe(1);
    expect(new Set(sent.map(({ reference }) => reference)).size).toBe(3);
  });

  test("that fails in its middle says how many parts were taken", async () => {
    const { bearer: link } = bearer((sms) => {
      if (sms.userData[5] === 2) throw new GatewayError("modem.cms", "congestion", { fate: "not-sent" });
    });
    await expect(sendText(link, "+4917", "x".repeat(400))).rejects.toMatchObject({
      code: "modem.cms",
      message: "part 2 of 3: congestion",
      fate: "not-sent",
      detail: { accepted: 1, parts: 3 },
    });
  });
});
