import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PcscClient } from "../../../drivers/pcsc/pcsc-client.ts";
import { readerEvents } from "../../../drivers/pcsc/reader-events.ts";
import { PcscLab } from "../../../simulators/pcsc-lab.ts";
import type { VpcdCard } from "../../../simulators/vpcd.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { CardConnection, ReaderEvent } from "../../../src/link/card-reader.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { testRandom } from "../../seed.ts";
import { ScriptedCard } from "../../simulators/scripted-card.ts";

const deps = { clock: systemClock, random: testRandom(), log: silentLog };
const status = fromHex("80F2000C00");
const quick = { timeoutMs: 5_000 };

/** Notes all events and lets a test wait for one. */
class EventLog {
  readonly events: ReaderEvent[] = [];
  readonly #stop = new AbortController();
  #from = 0;

  constructor(client: PcscClient) {
    void this.#collect(client);
  }

  async #collect(client: PcscClient): Promise<void> {
    for await (const event of readerEvents(client, deps, this.#stop.signal)) this.events.push(event);
  }

  /** The next event of this kind (about this reader), looking only behind the last one found. */
  async next(kind: ReaderEvent["kind"], reader?: string): Promise<ReaderEvent> {
    for (let tries = 0; tries < 400; tries++) {
      const at = this.events.findIndex((event, i) => i >= this.#from && event.kind === kind && about(event, reader));
      const found = this.events[at];
      if (found !== undefined) {
        this.#from = at + 1;
        return found;
      }
      await pause(25);
    }
    throw new Error(`no ${kind} came; there were ${JSON.stringify(this.events)}`);
  }

  /** Whether the last that was told of a reader's card is that it left. */
  empty(reader: string): boolean {
    const last = this.events.findLast((event) => event.kind.startsWith("card-") && about(event, reader));
    const down = this.events.findLast(({ kind }) => kind === "service-down");
    return last?.kind !== "card-inserted" || this.events.indexOf(last) < this.events.indexOf(down ?? last);
  }

  close(): void {
    this.#stop.abort();
  }
}

function about(event: ReaderEvent, reader: string | undefined): boolean {
  if (reader === undefined) return true;
  if (event.kind === "reader-added") return event.reader.name === reader;
  return "reader" in event && event.reader === reader;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What every client of the PC/SC service must do, shown against a real pcscd with virtual readers. */
export function pcscContract(name: string, open: (lab: PcscLab) => Promise<PcscClient>): void {
  describe(`${name} and a real pcscd`, () => {
    let lab: PcscLab;
    let client: PcscClient;
    let log: EventLog;
    let inserted: VpcdCard[] = [];
    const first = "Lab 00 00";
    const second = "Lab 00 01";

    beforeAll(async () => {
      lab = await PcscLab.start({ name: "Lab" });
      client = await open(lab);
      log = new EventLog(client);
      await log.next("reader-added", first);
      await log.next("reader-added", second);
    });

    afterEach(async () => {
      for (const card of inserted) await card.eject();
      inserted = [];
      // pcscd looks every 400 ms, and takes a card that is swapped in between for the same one.
      await until(() => [first, second].every((reader) => log.empty(reader)));
    });

    afterAll(async () => {
      log?.close();
      await lab?.[Symbol.asyncDispose]();
    });

    /**
     * Pulls the cards and waits for pcscd to look: after a failed reset it forgets a card before it has seen it leave,
     * and then does not see the next one come.
     */
    async function pullAll(): Promise<void> {
      for (const card of inserted) await card.eject();
      await pause(900);
    }

    async function insert(card: ScriptedCard, index = 0): Promise<VpcdCard> {
      const slot = lab.insert(index, card);
      inserted.push(slot);
      await log.next("card-inserted", index === 0 ? first : second);
      return slot;
    }

    it("tells cards as they come and go", async () => {
      const card = new ScriptedCard();
      const slot = await insert(card);
      const event = log.events.findLast(({ kind }) => kind === "card-inserted");
      expect(event).toMatchObject({ kind: "card-inserted", reader: first, atr: card.atr });
      await slot.eject();
      await log.next("card-removed", first);
    });

    it("takes a card, exchanges, resets it and lets it go", async () => {
      const card = new ScriptedCard();
      card.answer = (command) => (command === "00B0000000" ? `${"5A".repeat(256)}9000` : "9100");
      await insert(card);
      {
        await using connection = await client.connect(first, quick);
        expect(toHex(connection.atr)).toBe(toHex(card.atr));
        expect(connection.level).toBe("tpdu");
        expect(toHex(await connection.transmit(status, quick))).toBe("9100");
        expect((await connection.transmit(fromHex("00B0000000"), quick)).length).toBe(258);
        const before = card.life.length;
        expect(toHex(await connection.reset("warm", quick))).toBe(toHex(card.atr));
        expect(toHex(await connection.reset("cold", quick))).toBe(toHex(card.atr));
        expect(card.life.slice(before)).toContain("on");
        expect(toHex(await connection.transmit(status, quick))).toBe("9100");
      }
      await until(() => card.life.at(-1) === "off");
      await using again = await client.connect(first, quick);
      expect(toHex(await again.transmit(status, quick))).toBe("9100");
    });

    it("leaves the mapping of APDUs to a reader that speaks T=1", async () => {
      const card = new ScriptedCard("3B800181");
      await insert(card);
      await using connection = await client.connect(first, quick);
      expect(connection.level).toBe("apdu");
      expect(connection.maxResponse).toBeGreaterThan(65_536);
      expect(toHex(await connection.transmit(fromHex("00A40004023F0000"), quick))).toBe("9000");
      expect(card.commands.at(-1)).toBe("00A40004023F0000");
    });

    it("refuses a card that someone has taken", async () => {
      await insert(new ScriptedCard());
      await using _taken = await client.connect(first, quick);
      const other = await open(lab);
      await expect(other.connect(first, quick)).rejects.toMatchObject({ code: "link.busy" });
    });

    it("says that there is no card, and no such reader", async () => {
      await expect(client.connect(first, quick)).rejects.toMatchObject({ code: "card.absent" });
      await expect(client.connect("No such reader", quick)).rejects.toMatchObject({ code: "link.unknown" });
    });

    it("says that the card was pulled in the middle of an exchange, and takes it again when it is back", async () => {
      const card = new ScriptedCard();
      const slot = await insert(card);
      const connection = await client.connect(first, quick);
      card.answer = () => {
        void slot.eject();
        return undefined;
      };
      await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "card.removed" });
      await connection[Symbol.asyncDispose]();
      await log.next("card-removed", first);
      card.answer = () => "9000";
      slot.insert();
      await log.next("card-inserted", first);
      await using again = await client.connect(first, quick);
      expect(toHex(await again.transmit(status, quick))).toBe("9000");
    });

    it("says that the card was pulled between two exchanges", async () => {
      const slot = await insert(new ScriptedCard());
      await using connection = await client.connect(first, quick);
      await slot.eject();
      await log.next("card-removed", first);
      await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "card.removed" });
    });

    it("gives up on a mute card in time, while another reader goes on", async () => {
      const mute = new ScriptedCard();
      mute.answer = () => undefined;
      await insert(mute, 0);
      await insert(new ScriptedCard(), 1);
      const silent = await client.connect(first, quick);
      await using lively = await client.connect(second, quick);
      const started = performance.now();
      const given = silent.transmit(status, { timeoutMs: 300 });
      expect(toHex(await lively.transmit(status, quick))).toBe("9000");
      await expect(given).rejects.toMatchObject({ code: "card.mute" });
      expect(performance.now() - started).toBeLessThan(1_500);
      await expect(silent.transmit(status, quick)).rejects.toBeInstanceOf(Error);
      await silent[Symbol.asyncDispose]();
      await pullAll();
    });

    it("an aborted exchange ends with the reason", async () => {
      const mute = new ScriptedCard();
      mute.answer = () => undefined;
      await insert(mute);
      const connection = await client.connect(first, quick);
      const abort = new AbortController();
      const given = connection.transmit(status, { timeoutMs: 5_000, signal: abort.signal });
      abort.abort(new Error("enough"));
      await expect(given).rejects.toThrow("enough");
      await connection[Symbol.asyncDispose]();
      await pullAll();
    });

    it.each([
      ["no convention octet", "A09F96803FC7"],
      ["interface octets that do not come", "3B9F"],
    ])("refuses a card whose answer to reset has %s", async (_name, atr) => {
      const card = new ScriptedCard(atr);
      await insert(card);
      const started = performance.now();
      await expect(client.connect(first, quick)).rejects.toMatchObject({ code: "card.unresponsive" });
      expect(performance.now() - started).toBeLessThan(6_000);
    });

    it("says that pcscd died in the middle of an exchange, and recovers by itself", async () => {
      const card = new ScriptedCard();
      await insert(card);
      const connection: CardConnection = await client.connect(first, quick);
      card.answer = () => {
        void lab.stopService("SIGKILL");
        return undefined;
      };
      const failed = connection.transmit(status, { timeoutMs: 10_000 });
      await expect(failed).rejects.toMatchObject({ code: "link.service" });
      await connection[Symbol.asyncDispose]();
      await log.next("service-down");
      await expect(client.connect(first, quick)).rejects.toMatchObject({ code: "link.service" });
      card.answer = () => "9000";
      await lab.startService();
      await log.next("service-up");
      await log.next("card-inserted", first);
      await using again = await client.connect(first, quick);
      expect(toHex(await again.transmit(status, quick))).toBe("9000");
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await pause(25);
  expect(condition()).toBe(true);
}
