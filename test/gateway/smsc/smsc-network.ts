import type { Link } from "../../../src/gateway/links/links.ts";
import type { SmscOrder } from "../../../src/gateway/smsc/conversations.ts";
import type { InboundItem, OutboundSms, SubmitOutcome } from "../../../src/link/sms-bearer.ts";

/** An account at an SMSC whose answers the test decides. */
export class ScriptedAccount {
  readonly submitted: OutboundSms[] = [];
  answer: (sms: OutboundSms, count: number) => Promise<SubmitOutcome> = async (_, count) => ({
    at: "accepted",
    networkReference: `id-${count}`,
  });
  up = true;
  #hand: (item: InboundItem) => Promise<void> = async () => {};

  get link(): Link {
    const self = this;
    const bearer = {
      id: "smsc:below",
      kind: "smsc" as const,
      get state() {
        return { up: self.up };
      },
      onInbound: (handler: (item: InboundItem) => Promise<void>) => {
        self.#hand = handler;
      },
      submit: async (sms: OutboundSms) => {
        self.submitted.push(sms);
        return self.answer(sms, self.submitted.length);
      },
      [Symbol.asyncDispose]: async () => {},
    };
    return {
      id: "smsc:below",
      kind: "smsc",
      bearer,
      describe: () => ({}),
      get state() {
        return bearer.state;
      },
    };
  }

  hand(item: InboundItem): Promise<void> {
    return this.#hand(item);
  }

  receipt(networkReference: string, state: "delivered" | "failed" = "delivered"): Promise<void> {
    return this.hand({ kind: "receipt", networkReference, state });
  }
}

const digitsOf = (addr: string) => ({ ton: 1, npi: 1, addr });

/** A command packet for the card, as a client submits it. */
export function order(
  to: string,
  userData: Uint8Array,
  more: Partial<SmscOrder> & { number?: string } = {},
): SmscOrder {
  const { number = "12345", ...rest } = more;
  return {
    client: "smsr",
    to,
    from: number,
    source: digitsOf(number),
    destination: digitsOf(to),
    userData: [userData],
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
    receipt: "always",
    intermediateReceipt: false,
    mode: "default",
    ...rest,
  };
}
