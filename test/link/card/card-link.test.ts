import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { readerEvents } from "../../../drivers/pcsc/reader-events.ts";
import { SocketPcscClient } from "../../../drivers/pcsc/socket-client.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../../../simulators/pcsc-lab.ts";
import { SoftReader, SoftReaders } from "../../../simulators/reader.ts";
import type { SoftCard } from "../../../simulators/soft-card.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { CardLink } from "../../../src/link/card/card-link.ts";
import { CardLinks, type CardLinksDeps } from "../../../src/link/card/card-links.ts";
import { silentLog } from "../../../src/link/driver.ts";
import type { InboundItem, OutboundSms } from "../../../src/link/sms-bearer.ts";
import { ScriptedCard } from "../../simulators/scripted-card.ts";

const deps = { clock: systemClock, random: () => 0, log: silentLog };
const sms: OutboundSms = {
  reference: "test",
  from: "12345678",
  userData: fromHex("027000000E0D00000000B00010000000000100"),
  userDataHeader: true,
  protocolId: 0x7f,
  dataCoding: 0xf6,
  moreToCome: false,
  receipt: false,
};
const never = new AbortController().signal;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A reader in this process under the care of a card link. */
function follow(card: SoftCard | undefined, more: Partial<CardLinksDeps> = {}) {
  const readers = new SoftReaders();
  const reader = readers.add(new SoftReader("bench", card));
  const links = new CardLinks({ ...deps, scheme: "sim", ...more });
  const stop = new AbortController();
  const ended = links.follow(readers.watch(stop.signal));
  open.push(async () => {
    stop.abort();
    await ended;
    await links[Symbol.asyncDispose]();
  });
  return { readers, reader, links };
}

async function phase(links: CardLinks, at: string, index = 0): Promise<CardLink> {
  for (let tries = 0; tries < 800; tries++) {
    const link = links.all[index];
    if (link?.phase.at === at) return link;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the link is ${JSON.stringify(links.all[index]?.describe())}, not ${at}`);
}

function euicc(): SimulatedEuicc {
  return new SimulatedEuicc({ state: createEuiccState() });
}

/** A UICC without toolkit, eUICC functions or logical channels, whose ICCID can be read. */
function plainUicc(): ScriptedCard {
  const card = new ScriptedCard();
  card.answer = (command) => {
    if (command.startsWith("00B000000A")) return "981032547698103254769000";
    if (command.startsWith("00A4040407A0000000871002") || command.startsWith("00A4040010")) return "6A82";
    if (command.startsWith("8010")) return "6D00";
    if (command.startsWith("0070")) return "6881";
    return "9000";
  };
  return card;
}

describe("the life of a card in a reader", () => {
  it("is activated and identified as soon as it is there", async () => {
    const card = euicc();
    const { links } = follow(card);
    const link = await phase(links, "ready");
    expect(link.id).toBe("sim:bench");
    expect(link.state).toEqual({ up: true });
    expect(link.card).toMatchObject({ atr: toHex(card.atr), eid: card.state.eid });
    expect(link.card?.iccid).toMatch(/^\d{19,20}$/);
    expect(link.card?.imsi).toMatch(/^\d{15}$/);
  });

  it("a plain UICC is served too", async () => {
    const { links } = follow(plainUicc());
    const link = await phase(links, "ready");
    expect(link.card).toEqual({ atr: expect.any(String), iccid: "89012345678901234567" });
  });

  it("a 2G SIM is read in its own class, said to be one, and carries no messages", async () => {
    const card = new ScriptedCard();
    let selected = "";
    card.answer = (command) => {
      if (!command.startsWith("A0")) return "6E00";
      if (command.startsWith("A0A4000002")) {
        selected = command.slice(10);
        return "9F0F";
      }
      if (command === "A0B000000A" && selected === "2FE2") return "981032547698103254769000";
      if (command === "A0B0000009" && selected === "6F07") return "0809101010325476989000";
      return "9000";
    };
    const { links } = follow(card);
    const link = await phase(links, "ready");
    expect(link.card).toEqual({
      atr: expect.any(String),
      iccid: "89012345678901234567",
      imsi: "001010123456789",
      generation: "2G",
    });
    expect(link.state).toEqual({ up: false, reason: expect.stringContaining("2G SIM") });
    expect((await link.withCard((transmit) => transmit(fromHex("A0F2000000")))).sw).toBe(0x9000);
    await expect(link.submit(sms, never)).rejects.toMatchObject({ fate: "not-sent" });
  });

  it("a card that refuses both classes is no SIM", async () => {
    const card = new ScriptedCard();
    card.answer = () => "6E00";
    const { links } = follow(card);
    const link = await phase(links, "ready");
    expect(link.card).toEqual({ atr: expect.any(String) });
    expect(link.state.up).toBe(true);
  });

  it("says that the reader is empty, and serves the card that comes", async () => {
    const { links, reader } = follow(undefined);
    const link = await phase(links, "empty");
    expect(link.state).toEqual({ up: false, reason: "there is no card in the reader" });
    await expect(link.submit(sms, never)).rejects.toMatchObject({
      code: "link.unavailable",
      fate: "not-sent",
    });
    await expect(link.withCard(async () => 1)).rejects.toMatchObject({ code: "link.unavailable" });
    reader.insert(plainUicc());
    await phase(links, "ready");
    reader.eject();
    await phase(links, "empty");
    reader.insert(euicc());
    expect((await phase(links, "ready")).card?.eid).toBeDefined();
  });

  it("keeps the link of a reader that is unplugged, and goes on when it is back", async () => {
    const { links, readers } = follow(plainUicc());
    const link = await phase(links, "ready");
    readers.remove("bench");
    await phase(links, "no-reader");
    readers.add(new SoftReader("bench", plainUicc()));
    expect(await phase(links, "ready")).toBe(link);
    links.take({ kind: "service-down", reason: "pcscd closed the connection" });
    await phase(links, "no-reader");
    expect(link.state.reason).toBe("pcscd closed the connection");
  });

  it("activates a card anew that went mute, and tells the sender that its message's fate is unknown", async () => {
    const card = plainUicc();
    const sound = card.answer;
    const { links } = follow(card, { settings: { apduTimeoutMs: 100 } });
    const link = await phase(links, "ready");
    card.answer = (command) => (command.startsWith("80C2") ? undefined : sound(command));
    await expect(link.submit(sms, never)).rejects.toMatchObject({ code: "card.mute", fate: "unknown" });
    await phase(links, "waiting");
    expect(link.state.reason).toMatch(/did not answer/);
    card.answer = sound;
    await phase(links, "ready");
    expect(await link.submit(sms, never)).toEqual({ at: "delivered" });
  });

  it("tries a card that does not come up again and again, with growing delays", async () => {
    const delays: number[] = [];
    const card = new ScriptedCard("00");
    const { links } = follow(card, {
      onChange: ({ phase: now }) => {
        if (now.at === "waiting") delays.push(now.delayMs);
      },
    });
    for (let tries = 0; tries < 400 && delays.length < 3; tries++) await new Promise((done) => setTimeout(done, 10));
    expect(delays.slice(0, 3)).toEqual([125, 250, 500]);
    expect(links.all[0]?.phase).toMatchObject({ at: "waiting", error: { code: "card.unresponsive" } });
  });

  it("ends when it is closed, and lets the card go", async () => {
    const card = plainUicc();
    const { links } = follow(card);
    const link = await phase(links, "ready");
    await link[Symbol.asyncDispose]();
    expect(link.phase.at).toBe("closed");
    expect(card.life.at(-1)).toBe("off");
  });
});

describe("short messages into the card", () => {
  it("go as SMS-PP download, and the card's report comes back", async () => {
    const card = plainUicc();
    const sound = card.answer;
    card.answer = (command) => {
      if (command.startsWith("80C2")) return "6103";
      return command === "00C0000003" ? "AABBCC9000" : sound(command);
    };
    const { links } = follow(card, { serviceCentre: "+491710760000" });
    const link = await phase(links, "ready");
    expect(await link.submit(sms, never)).toEqual({ at: "delivered", report: fromHex("AABBCC") });
    const envelope = card.commands.find((command) => command.startsWith("80C2"));
    // Service centre, then SMS-DELIVER: no more messages, user data header, originator, PID, DCS, time, user data.
    const addresses = { serviceCentre: "060791947101670000", originator: "089121436587" };
    const head = `80C2000035D13382028381${addresses.serviceCentre}8B2444${addresses.originator}7FF6`;
    expect(envelope?.slice(0, head.length)).toBe(head);
    expect(envelope?.slice(head.length + 14)).toBe("13027000000E0D00000000B00010000000000100");
  });

  it.each([
    ["6F00", { at: "refused", cause: 0xd5, sw: 0x6f00 }],
    ["9000", { at: "delivered" }],
  ])("an answer of %s is told", async (answer, outcome) => {
    const card = plainUicc();
    const sound = card.answer;
    card.answer = (command) => (command.startsWith("80C2") ? answer : sound(command));
    const { links } = follow(card);
    expect(await (await phase(links, "ready")).submit(sms, never)).toEqual(outcome);
  });
});

describe("short messages of the card", () => {
  it("reach the handler before the card is answered", async () => {
    const card = plainUicc();
    // The vector S-reader-009.
    const userData = "027100001C12B000105B57EC020EDB60BD33C744480DFD4EE19CFACDC62661F297";
    const proactive = `D04081030113008202818386069144778588998B2D41010A9136138346627FF621${userData}`;
    const told: string[] = [];
    const sound = card.answer;
    let announced = false;
    card.answer = (command) => {
      if (command.startsWith("8010")) return "9000";
      if (command.startsWith("80F2") && !announced) {
        announced = true;
        return `91${hexLength(proactive.length / 2)}`;
      }
      if (command.startsWith("8012")) return `${proactive}9000`;
      if (command.startsWith("8014")) told.push(`answered ${command.slice(-6)}`);
      return sound(command);
    };
    const items: InboundItem[] = [];
    const { links } = follow(card, {
      onLink: (link) =>
        link.onInbound(async (item) => {
          items.push(item);
          await new Promise((resolve) => setTimeout(resolve, 30));
          told.push("stored");
        }),
    });
    const link = await phase(links, "ready");
    await link.withCard(async (transmit) => transmit(fromHex("80F2000C")));
    for (let tries = 0; tries < 200 && told.length < 2; tries++) await new Promise((done) => setTimeout(done, 10));
    expect(told).toEqual(["stored", "answered 830100"]);
    expect(items).toMatchObject([
      { kind: "message", to: "+6331386426", userData: fromHex(userData), userDataHeader: true, dataCoding: 0xf6 },
    ]);
  });
});

describe("the card to oneself", () => {
  it("nothing comes in between", async () => {
    const card = plainUicc();
    const { links } = follow(card);
    const link = await phase(links, "ready");
    const from = card.commands.length;
    await Promise.all([
      link.withCard(async (transmit) => {
        await transmit(fromHex("00A40004023F0000"));
        await new Promise((resolve) => setTimeout(resolve, 20));
        await transmit(fromHex("00A40004022FE200"));
      }),
      link.submit(sms, never),
    ]);
    const seen = card.commands.slice(from).map((command) => command.slice(0, 4));
    expect(seen).toEqual(["00A4", "00A4", "80C2"]);
  });

  it.each(["warm", "cold"] as const)("a %s reset activates it anew", async (kind) => {
    const card = plainUicc();
    const { links } = follow(card);
    const link = await phase(links, "ready");
    const from = card.commands.length;
    await link.reset(kind);
    expect(link.phase.at).toBe("ready");
    expect(card.life).toEqual(kind === "warm" ? ["on", "reset"] : ["on", "off", "on"]);
    expect(card.commands.slice(from).some((command) => command.startsWith("8010"))).toBe(true);
  });
});

const problem = pcscLabProblem();
if (problem !== undefined) console.warn(`skipped: a card link behind PC/SC (${problem})`);
describe.skipIf(problem !== undefined)("behind PC/SC", () => {
  it("an eUICC is ready again after pcscd was killed and came back", async () => {
    const lab = await PcscLab.start({ name: "Lab" });
    onTestFinished(() => lab[Symbol.asyncDispose]());
    const card = euicc();
    lab.insert(0, card);
    const links = new CardLinks({ ...deps, scheme: "pcsc" });
    const stop = new AbortController();
    const ended = links.follow(readerEvents(new SocketPcscClient(lab.socket), deps, stop.signal));
    try {
      const link = await phase(links, "ready");
      expect(link.card?.eid).toBe(card.state.eid);
      await lab.stopService("SIGKILL");
      await phase(links, "no-reader");
      await expect(link.submit(sms, never)).rejects.toBeInstanceOf(GatewayError);
      await lab.startService();
      expect(await phase(links, "ready")).toBe(link);
      expect(link.card?.eid).toBe(card.state.eid);
    } finally {
      stop.abort();
      await ended;
      await links[Symbol.asyncDispose]();
    }
  });
});

function hexLength(length: number): string {
  return length.toString(16).toUpperCase().padStart(2, "0");
}
