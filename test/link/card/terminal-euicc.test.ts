import { expect, test } from "vitest";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { SoftReader } from "../../../simulators/reader.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { isdRTar, parseAid, tarOctets } from "../../../src/codec/euicc/aid.ts";
import { type Es5Function, es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { Notification } from "../../../src/codec/euicc/notification.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { decode } from "../../../src/codec/kit/codec.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { ApduChannel } from "../../../src/link/card/channel.ts";
import { Terminal } from "../../../src/link/card/terminal/terminal.ts";
import type { CardSms } from "../../../src/link/card/terminal/terminal-commands.ts";
import { ManualClock } from "./manual-clock.ts";

/** The simulated eUICC of the drivers in a soft reader, under the real channel and terminal. */
async function euiccBench(refreshMode: number) {
  const clock = new ManualClock();
  const state = createEuiccState();
  Object.assign(state.settings, { refreshMode });
  const reader = new SoftReader("bench", new SimulatedEuicc({ state, clock }));
  const connection = await reader.connect({ timeoutMs: 1000 });
  const sms: CardSms[] = [];
  const iccids: (string | undefined)[] = [];
  const channel: ApduChannel = new ApduChannel({
    connection,
    link: "bench",
    clock,
    onAnswer: (response, apdu) => terminal.answered(response, apdu),
  });
  const terminal: Terminal = new Terminal({
    card: channel,
    clock,
    hooks: { onSms: async (rig) => void sms.push(rig), onIdentity: (now) => iccids.push(now.iccid) },
  });
  let cntr = 0;
  /** One ES5 function as an SCP80 packet in one SMS-DELIVER. */
  const run = (fn: Es5Function) => {
    const commands = es5Commands(fn).map((apdu) => tlvBytes(0x22, apdu));
    const keys = state.isdR.keySets.find(({ kvn }) => kvn === 1)?.keys ?? [];
    const value = (id: number) => fromHex(keys.find((key) => key.id === id)?.value ?? "");
    const { packet } = wrapCommand(
      {
        spi: {
          command: { counter: "higher", ciphered: true, integrity: "cc" },
          response: { porBySubmit: false, porCiphered: false, porIntegrity: "none", por: "always" },
        },
        kic: 0x12,
        kid: 0x12,
        tar: tarOctets(isdRTar),
        cntr: ++cntr,
        data: tlvBytes(0xaa, ...commands),
      },
      new PacketKeys({ kic: value(1), kid: value(2) }),
    );
    const userData = concatBytes(fromHex("027000"), packet);
    // SMS-DELIVER with header indicator from 0123, PID 7F, DCS F6.
    const head = fromHex("44 04 81 1032 7F F6 62112280000000");
    const tpdu = concatBytes(head, Uint8Array.of(userData.length), userData);
    return terminal.deliver(tpdu, { serviceCentre: { tonNpi: 0x91, digits: "447700011" } });
  };
  return { clock, state, channel, terminal, sms, iccids, run };
}

test.each([4, 9])(
  "a profile switch with REFRESH mode %i: reset, new identity, notification, confirmation",
  async (mode) => {
    const { clock, state, terminal, sms, iccids, run } = await euiccBench(mode);
    await terminal.activate();
    const [first, second] = state.profiles;
    expect(iccids).toEqual([first?.iccid]);
    const outcome = await run({ name: "enableProfile", isdP: parseAid(second?.aid ?? "") });
    expect(outcome.at).toBe("delivered");
    expect(toHex(outcome.at === "delivered" ? (outcome.report ?? new Uint8Array(0)) : new Uint8Array(0))).toMatch(
      /^027100.*9000$/,
    );
    await clock.advance(5_000);
    expect(iccids).toEqual([first?.iccid, second?.iccid]);
    expect(sms).toHaveLength(1);
    const tpdu = toHex(sms[0]?.tpdu ?? new Uint8Array(0));
    const notification = decode(Notification, fromHex(tpdu.slice(tpdu.indexOf("E1"))));
    expect(notification).toMatchObject({ eid: state.eid, type: 2, isdP: second?.aid });
    const confirmed = await run({ name: "confirmNotification", sequence: notification.sequence });
    expect(confirmed.at).toBe("delivered");
    await clock.advance(600_000);
    expect(iccids).toHaveLength(2);
    expect(second?.state).toBe("enabled");
    expect(terminal.describe().session).toEqual({ at: "idle" });
    await terminal[Symbol.asyncDispose]();
  },
);

test("an unconfirmed switch is rolled back, and the terminal follows", async () => {
  const { clock, state, terminal, iccids, run } = await euiccBench(4);
  await terminal.activate();
  const [first, second] = state.profiles;
  await run({ name: "enableProfile", isdP: parseAid(second?.aid ?? "") });
  await clock.advance(24 * 3_600_000);
  expect(iccids).toEqual([first?.iccid, second?.iccid, first?.iccid]);
  await terminal[Symbol.asyncDispose]();
});
