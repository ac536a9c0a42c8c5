import { SmppAccount } from "../../../drivers/smpp/account.ts";
import type { SmppBearer } from "../../../drivers/smpp/bearer.ts";
import { driver } from "../../../drivers/smpp/driver.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { type DriverDeps, silentLog } from "../../../src/link/driver.ts";
import type { OutboundSms } from "../../../src/link/sms-bearer.ts";
import { testRandom } from "../../seed.ts";

export const deps: DriverDeps = { clock: systemClock, random: testRandom(), log: silentLog };

/** A bearer to a local SMSC, with timers fit for tests. */
export async function openBearer(port: number, settings: Partial<SmppAccount> = {}): Promise<SmppBearer> {
  const account = SmppAccount.parse({
    password: "secret",
    reconnectFirstMs: 20,
    reconnectMaxMs: 100,
    source: { address: "12345" },
    ...settings,
  });
  return driver.openBearer(`smpp://tester@127.0.0.1:${port}`, account, deps);
}

export const packet = Uint8Array.from([
  0x02,
  0x70,
  0x00,
  0x00,
  0x15,
  0x0d,
  ...Array.from({ length: 60 }, (_, i) => 0x80 + i),
]);

let last = 0;

/** A command packet for a card, as the gateway hands it to a bearer. */
export function commandSms(settings: Partial<OutboundSms> = {}): OutboundSms {
  last += 1;
  return {
    reference: `ref-${last}`,
    to: "+491701234567",
    userData: packet,
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
    moreToCome: false,
    receipt: true,
    validityMinutes: 60,
    ...settings,
  };
}

/** Polls until the condition holds. */
export async function until(condition: () => boolean, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error("the condition never held");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const never = new AbortController().signal;
