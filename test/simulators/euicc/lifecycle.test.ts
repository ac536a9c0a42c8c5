import { describe, expect, it } from "vitest";
import { bench, secured, tpduOf, typeOf } from "./terminal.ts";

const enable = (field: string) => `AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900${field}00`;
const enabledField = (state: { profiles: { aid: string; state: string }[] }) =>
  state.profiles.find((profile) => profile.state === "enabled")?.aid.slice(26, 30);
const sends = (served: string[]) => served.filter((command) => typeOf(command) === 0x13);
const refreshes = (served: string[]) => served.filter((command) => typeOf(command) === 0x01);
const notificationIn = (command: string) => {
  const tpdu = tpduOf(command);
  return { type: /4D01(..)4E02/.exec(tpdu)?.[1], aid: /(?:2F|4F)10(.{32})/.exec(tpdu)?.[1]?.slice(26, 30) };
};
const timerExpiry = "80C200000ED70C82028281A40101A503000001";

/** A card that has just restarted after an accepted switch to 0013. */
async function switched(options: Parameters<typeof bench>[0] = {}, deps: Parameters<typeof bench>[1] = {}) {
  const set = bench(options, deps);
  await set.terminal.start();
  const served = await set.terminal.serve(await set.terminal.download(secured(enable("0013"), 1)[0] ?? ""));
  expect(refreshes(served)).toHaveLength(1);
  await set.terminal.restart();
  return set;
}

describe("the life cycle of a profile switch", () => {
  it("repeats the notification at each expiry of the timer, then rolls back with type 03", async () => {
    const { terminal, state } = await switched({ settings: { notificationAttempts: 3 } });
    expect(sends(await terminal.locationStatus())).toHaveLength(1);
    for (let i = 0; i < 2; i++) expect(sends(await terminal.serve(await terminal.raw(timerExpiry)))).toHaveLength(1);
    const last = await terminal.serve(await terminal.raw(timerExpiry));
    expect(refreshes(last)).toHaveLength(1);
    await terminal.restart();
    expect(enabledField(state)).toBe("0012");
    const [send = ""] = sends(await terminal.locationStatus());
    expect(notificationIn(send)).toEqual({ type: "03", aid: "0012" });
  });

  it("repeats by STATUS polling on a terminal without timers", async () => {
    const { terminal, clock } = await switched({ settings: { confirmationSeconds: 10 } });
    await terminal.locationStatus();
    expect(await terminal.raw("80F2000C00")).toBe("9000");
    clock.time += 10_000;
    expect(sends(await terminal.serve(await terminal.raw("80F2000C00")))).toHaveLength(1);
  });

  it("rolls back when the new profile finds no service in time", async () => {
    const { terminal, state, clock } = await switched();
    expect(await terminal.locationStatus("02")).toEqual([]);
    clock.time += 180_000;
    expect(refreshes(await terminal.serve(await terminal.raw("80F2000C00")))).toHaveLength(1);
    await terminal.restart();
    expect(enabledField(state)).toBe("0012");
    expect(state.notification).toMatchObject({ type: 3 });
  });

  it("rolls back at once when told to refuse to attach", async () => {
    const { terminal, card, state } = await switched();
    card.misbehaviour.refuseAttach = true;
    expect(refreshes(await terminal.locationStatus())).toHaveLength(1);
    await terminal.restart();
    expect(enabledField(state)).toBe("0012");
    expect(sends(await terminal.locationStatus())).toHaveLength(1);
  });

  it("tries again later when the terminal cannot send", async () => {
    const { terminal, state } = await switched();
    const announced = await terminal.raw("80C2000015D61399010382028281" + "1B0100130700F1100001ABCD");
    const imei = await terminal.fetch(announced);
    const send = await terminal.fetch(await terminal.respond(imei, "00", "14081122334455667788"));
    expect(typeOf(send)).toBe(0x13);
    await terminal.serve(await terminal.respond(send, "3504"));
    expect(state.notification).toMatchObject({ attempts: 1 });
    expect(sends(await terminal.serve(await terminal.raw(timerExpiry)))).toHaveLength(1);
  });

  it("keeps a pending notification over a power cut", async () => {
    const { terminal, card } = await switched();
    await terminal.locationStatus();
    card.powerOff();
    await terminal.start();
    const [send = ""] = sends(await terminal.locationStatus());
    expect(notificationIn(send)).toEqual({ type: "02", aid: "0013" });
  });

  it("switches on the terminal response in mode 09", async () => {
    const { terminal, state } = bench({ settings: { refreshMode: 9 } });
    await terminal.card.powerOn();
    const profile = `80100000${"22"}${"FF".repeat(34)}`;
    await terminal.serve(await terminal.raw(profile));
    const por = await terminal.download(secured(enable("0013"), 1)[0] ?? "");
    const refresh = await terminal.fetch(por);
    expect(refresh).toMatch(/^D0098103..010982028182$/);
    expect(enabledField(state)).toBe("0012");
    await terminal.respond(refresh);
    expect(enabledField(state)).toBe("0013");
    await terminal.serve(await terminal.raw(profile));
    expect(sends(await terminal.locationStatus())).toHaveLength(1);
  });

  it("announces REFRESH again when the terminal is busy", async () => {
    const { terminal } = bench();
    await terminal.start();
    const refresh = await terminal.fetch(await terminal.download(secured(enable("0013"), 1)[0] ?? ""));
    expect(await terminal.respond(refresh, "2002")).toBe("9000");
    expect(await terminal.raw("80F2000C00")).toBe("910B");
  });

  it("falls back when coverage is lost, POL1 notwithstanding, and goes back only to the profile it left", async () => {
    const { terminal, state, clock } = await switched({ profiles: 3 });
    const lost = state.profiles[1];
    if (lost) lost.pol1 = 5;
    await terminal.locationStatus();
    await terminal.download(secured("AA0F220D80E28900073A08044E02000100", 2)[0] ?? "");
    expect(await terminal.locationStatus("02")).toHaveLength(1);
    clock.time += 120_000;
    expect(refreshes(await terminal.serve(await terminal.raw("80F2000C00")))).toHaveLength(1);
    await terminal.restart();
    expect(enabledField(state)).toBe("0012");
    const [send = ""] = sends(await terminal.locationStatus());
    expect(notificationIn(send)).toEqual({ type: "05", aid: "0012" });
    await terminal.download(secured("AA0F220D80E28900073A08044E02000200", 3)[0] ?? "");
    expect(state.profiles).toHaveLength(3);
    const clear = { spi: "1601" };
    expect(await terminal.download(secured(enable("0014"), 4, clear)[0] ?? "")).toMatch(/69E19000$/);
    expect(await terminal.download(secured(enable("0013"), 5, clear)[0] ?? "")).toMatch(/23029000910B$/);
  });

  it("declares itself at the first attachment", async () => {
    const { terminal, state } = bench({ declared: false });
    await terminal.start();
    const [send = ""] = sends(await terminal.locationStatus());
    expect(notificationIn(send)).toEqual({ type: "01", aid: "0012" });
    await terminal.download(secured("AA0F220D80E28900073A08044E02000100", 1)[0] ?? "");
    expect(state.declared).toBe(true);
    await terminal.restart();
    expect(sends(await terminal.locationStatus())).toHaveLength(0);
  });

  it("enables and leaves the emergency profile locally without telling anybody", async () => {
    const { terminal, card, state } = bench();
    await terminal.start();
    const [, second] = state.profiles;
    if (second) second.emergency = true;
    expect(card.enableLocally("test")).toBe(false);
    expect(card.enableLocally("emergency")).toBe(true);
    await terminal.restart();
    expect(enabledField(state)).toBe("0013");
    expect(await terminal.locationStatus()).toEqual([]);
    expect(card.disableLocally()).toBe(true);
    await terminal.restart();
    expect(enabledField(state)).toBe("0012");
  });

  it("hands triggers and notifications to an SCP81 client and runs its scripts", async () => {
    const { terminal, card, state } = bench({ settings: { notificationBearer: "https" } });
    const seen: string[] = [];
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").toUpperCase();
    card.attachScp81({
      open: (trigger) => void seen.push(hex(trigger)),
      notify: (notification) => seen.push(hex(notification).slice(0, 2)) > 0,
    });
    await terminal.start();
    await terminal.download(secured("8100", 1)[0] ?? "");
    expect(seen).toEqual(["8100"]);
    const target = card.application();
    if (!target) throw new Error("a card has an ISD-R");
    const body = Buffer.from(`${enable("0013").replace("AA1C", "AE80")}0000`, "hex");
    expect(hex(card.runRemote(target, card.openRemote(target), body))).toBe("AF80230290000000");
    expect(await terminal.raw("80F2000C00")).toBe("9000");
    card.responseDelivered();
    expect(await terminal.raw("80F2000C00")).toBe("910B");
    await terminal.restart();
    expect(enabledField(state)).toBe("0013");
    expect(sends(await terminal.locationStatus())).toHaveLength(0);
    expect(seen).toEqual(["8100", "E1"]);
  });
});
