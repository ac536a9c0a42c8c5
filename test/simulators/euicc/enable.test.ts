import { describe, expect, it } from "vitest";
import { bench, envelope, secured, tpduOf, typeOf } from "./terminal.ts";

/** TP-UD of the published worked example: EnableProfile of ISD-P 000013, SPI 1639, CNTR 1. SGP.02 §4.1.1.2 */
const enableExample =
  "027000003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98";
const porExample = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";
const confirmation = (sequence: string) => `AA0F220D80E28900073A08044E02${sequence}00`;
const stateOf = (state: { profiles: { aid: string; state: string }[] }) =>
  state.profiles.map((p) => `${p.aid.slice(26, 30)}:${p.state}`);

describe("a profile switch", () => {
  it("answers the worked example octet by octet, by SMS-SUBMIT after an intermediate answer", async () => {
    const { terminal, state } = bench();
    expect((await terminal.start()).map(typeOf)).toEqual([0x05, 0x03]);
    const answer = await terminal.download(enableExample);
    expect(answer.slice(0, 16)).toBe("0271000014120000");
    const served = await terminal.serve(answer);
    expect(served.map(typeOf)).toEqual([0x13, 0x01]);
    expect(tpduOf(served[0] ?? "")).toBe(`4100048110327FF629${porExample}`);
    expect(served[1]).toMatch(/^D0098103..010482028182$/);
    expect(stateOf(state)).toEqual(["0012:enabled", "0013:disabled"]);
    await terminal.restart();
    expect(stateOf(state)).toEqual(["0012:disabled", "0013:enabled"]);
  });

  it("notifies once there is service, as the worked example says, and takes the confirmation", async () => {
    const { terminal, state } = bench();
    await terminal.start();
    await terminal.serve(await terminal.download(enableExample));
    expect((await terminal.restart()).map(typeOf)).toEqual([0x05, 0x03, 0x27]);
    const served = await terminal.locationStatus();
    expect(served.map(typeOf)).toEqual([0x26, 0x13, 0x27]);
    expect(tpduOf(served[1] ?? "")).toBe(
      "41000B911234567890F17FF652" +
        "027000004D15020010120000010000000000005BA230D66B9D4492" +
        "E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014081122334455667788",
    );
    const [wrong = "", right = ""] = [secured(confirmation("0002"), 2)[0], secured(confirmation("0001"), 3)[0]];
    expect(await terminal.download(wrong)).toMatch(/9000$/);
    expect(state.notification?.sequence).toBe(1);
    await terminal.download(right);
    expect(state.notification).toBeUndefined();
  });

  it("shows the new profile's files after the reset and the old one's before", async () => {
    const { terminal } = bench();
    await terminal.start();
    const iccid = async () => {
      await terminal.apdu("00A40004022FE2");
      return terminal.apdu("00B000000A");
    };
    const before = await iccid();
    await terminal.serve(await terminal.download(enableExample));
    expect(await iccid()).toBe(before);
    await terminal.restart();
    expect(await iccid()).not.toBe(before);
  });

  it("is carried out after a power cut even when REFRESH was never fetched", async () => {
    const { terminal, card, state } = bench();
    await terminal.start();
    await terminal.download(enableExample);
    card.powerOff();
    card.powerOn();
    expect(stateOf(state)).toEqual(["0012:disabled", "0013:enabled"]);
  });

  it("announces REFRESH in the status of the GET RESPONSE that collects a PoR", async () => {
    const { terminal } = bench();
    await terminal.start();
    const enable = "AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001300";
    const answer = await terminal.raw(envelope(secured(enable, 1)[0] ?? ""));
    expect(answer).toMatch(/^61/);
    expect(await terminal.raw(`00C00000${answer.slice(2)}`)).toMatch(/910B$/);
  });
});
