import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import type { AgentReport } from "../../../simulators/scp81/admin-agent.ts";
import { EuiccAgent, type EuiccAgentOptions } from "../../../simulators/scp81/euicc-agent.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { connectionObjects } from "../../../src/codec/gp/connection.ts";
import { pskIdentityText } from "../../../src/codec/gp/psk-identity.ts";
import { SessionTrigger } from "../../../src/codec/gp/trigger.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { encode } from "../../../src/codec/kit/codec.ts";
import { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import { type Running, serve } from "../../link/scp81/tls-link.ts";
import { Terminal } from "../euicc/terminal.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

const isdR = "A0000005591010FFFFFFFF8900000100";

async function set(reach: EuiccAgentOptions["reach"], more: Partial<EuiccAgentOptions> = {}) {
  const state = createEuiccState();
  state.settings.notificationBearer = "https";
  const card = new SimulatedEuicc({ state });
  const reports: AgentReport[] = [];
  const agent = new EuiccAgent(card, {
    reach,
    clock: systemClock,
    inactivityMs: 5000,
    onSession: (report) => reports.push(report),
    ...more,
  });
  const store = new MemoryAdminStore();
  const psk = fromHex(state.isdR.keySets.find(({ type }) => type === "SCP81")?.keys[0]?.value ?? "");
  const identity = pskIdentityText({ eid: state.eid, aid: isdR, kid: 1, kvn: 0x40 });
  const running: Running = await serve(store, { [identity]: { psk, target: "t" } });
  open.push(running);
  const trigger = encode(SessionTrigger, {
    session: {
      connection: connectionObjects({ bearer: "03", bufferSize: 1400, port: running.port, address: "127.0.0.1" }),
      retry: { attempts: 2, delaySeconds: 0, failureReport: new Uint8Array() },
    },
  });
  return { card, agent, state, store, reports, running, trigger };
}

const getEid = fromHex("AE80220580CA005A000000");
const enable = (aid: string) => fromHex(`AE80221A80E28800153A03124F10${aid}0000`);

describe("a simulated eUICC in the field", () => {
  it("opens a session when triggered and runs scripts on its domains", async () => {
    const { agent, state, store, reports, trigger, card } = await set({ by: "tcp" });
    card.powerOn();
    const isdP = state.profiles[1]?.aid ?? "";
    store.enqueue("t", { id: "eid", kind: "gp", body: getEid });
    store.enqueue("t", { id: "nobody", kind: "gp", body: getEid, target: "A0000005591010FFFFFFFF890000FF00" });
    store.enqueue("t", { id: "isdp", kind: "gp", body: getEid, target: isdP });
    agent.open(trigger);
    await agent.idle();
    expect(reports).toMatchObject([{ end: "complete", posts: 4 }]);
    const response = store.reports.get("eid")?.verdict;
    expect(response?.state === "answered" && toHex(response.response)).toContain(state.eid);
    expect(store.reports.get("nobody")?.verdict).toEqual({ state: "rejected", scriptStatus: "unknown-application" });
    expect(store.reports.get("isdp")?.verdict.state).toBe("answered");
  });

  it("serves triggers one after the other", async () => {
    const { agent, reports, trigger, card } = await set({ by: "tcp" });
    card.powerOn();
    agent.open(trigger);
    agent.open(trigger);
    await agent.idle();
    expect(reports.map(({ end }) => end)).toEqual(["complete", "complete"]);
  });
});

/** A terminal that carries a card's BIP channels to TCP. */
class BipTerminal extends Terminal {
  readonly commands: number[] = [];
  #socket: Socket | undefined;
  #held: Uint8Array = new Uint8Array();
  #announced = false;
  refreshed = false;

  /** Polls, fetches and answers until the card's agent has nothing more to do. */
  async drive(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < 3000 && !done(); turn++) {
      let sw = await this.raw("80F2000C00");
      if (this.#held.length > 0 && !this.#announced && !sw.startsWith("91", sw.length - 4)) {
        this.#announced = true;
        const length = Math.min(255, this.#held.length);
        const body = `990109820282813802810037 01${length.toString(16).padStart(2, "0")}`.replace(" ", "");
        sw = await this.raw(`80C20000${hex(body.length / 2 + 2)}D6${hex(body.length / 2)}${body}`);
      }
      while (sw.slice(-4).startsWith("91")) sw = await this.#serveOne(sw);
      await systemClock.sleep(1);
    }
  }

  async #serveOne(sw: string): Promise<string> {
    const command = await this.fetch(sw);
    const details = command.indexOf("8103");
    const type = Number.parseInt(command.slice(details + 6, details + 8), 16);
    this.commands.push(type);
    switch (type) {
      case 0x01:
        this.refreshed = true;
        return "9000";
      case 0x40:
        return this.respond(command, "00", await this.#open(command));
      case 0x43: {
        const [, length = "", octets = ""] =
          /36(81..|[0-7].)(.*)$/.exec(command.slice(details + 10).replace("B6", "36")) ?? [];
        this.#socket?.write(fromHex(octets.slice(0, Number.parseInt(length.slice(-2), 16) * 2)));
        return this.respond(command, "00", "3701FF");
      }
      case 0x42: {
        const part = this.#held.subarray(0, 200);
        this.#held = this.#held.subarray(part.length);
        const left = Math.min(255, this.#held.length);
        if (left === 0) this.#announced = false;
        return this.respond(command, "00", toHex(tlvBytes(0x36, part)) + toHex(tlvBytes(0x37, Uint8Array.of(left))));
      }
      case 0x41:
        this.#socket?.destroy();
        return this.respond(command);
      default:
        return this.respond(command, "00", type === 0x26 ? "14081122334455667788" : "");
    }
  }

  async #open(command: string): Promise<string> {
    const port = Number.parseInt(/3C0302(....)/.exec(command)?.[1] ?? "0", 16);
    const socket = connect({ port, host: "127.0.0.1" });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.on("error", () => {});
    socket.on("data", (octets) => {
      this.#held = concatBytes(this.#held, octets);
    });
    this.#socket = socket;
    return "380281003501033902 0578".replace(" ", "");
  }
}

const hex = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");

describe("a simulated eUICC in a reader", () => {
  it("opens its session over BIP, switches its profile, and notifies over HTTPS", async () => {
    const { agent, card, state, store, reports, running, trigger } = await set({ by: "bip" });
    const stored = connectionObjects({ bearer: "03", bufferSize: 1400, port: running.port, address: "127.0.0.1" });
    state.isdR.addressing.A5 = toHex(encode(SessionTrigger, { session: { connection: stored } })).slice(8);
    const other = state.profiles.find((profile) => profile.state === "disabled")?.aid ?? "";
    store.enqueue("t", { id: "eid", kind: "gp", body: getEid });
    store.enqueue("t", { id: "enable", kind: "gp", body: enable(other), last: true });
    const terminal = new BipTerminal(card);
    await terminal.start();
    await terminal.locationStatus();
    agent.open(trigger);
    await terminal.drive(() => terminal.refreshed);
    expect(reports).toMatchObject([{ end: "complete", posts: 3 }]);
    expect(store.reports.get("enable")?.verdict.state).toBe("answered");
    // The channel is closed before the card asks for the REFRESH.
    expect(terminal.commands.slice(-2)).toEqual([0x41, 0x01]);
    await terminal.restart();
    expect(state.profiles.find(({ aid }) => aid === other)?.state).toBe("enabled");
    await terminal.raw("80C2000015D613990103820282811B0100130700F1100001ABCD");
    await terminal.drive(() => store.notifications.length > 0 && reports.length > 1);
    expect(store.notifications.map(({ tlv }) => toHex(tlv))).toEqual([
      expect.stringContaining(`4C10${state.eid}4D0102`),
    ]);
  });
});
