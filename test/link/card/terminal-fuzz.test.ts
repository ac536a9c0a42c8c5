import { expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { ProactiveCommand } from "../../../src/codec/cat/proactive.ts";
import { decode } from "../../../src/codec/kit/codec.ts";
import { BipService } from "../../../src/link/card/bip/bip-service.ts";
import { defaultRules } from "../../../src/link/card/bip/rules.ts";
import type { BipConnector } from "../../../src/link/card/bip/sockets.ts";
import { conformanceCommands, sessionCommands } from "../../codec/cat/vectors.ts";
import * as fc from "../../fast-check.ts";
import { bench } from "./terminal-bench.ts";

const seeds = [...sessionCommands, ...conformanceCommands].map(([, hex]) => fromHex(hex));
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }),
    fc.integer({ min: 0, max: 40 }),
  )
  .map(([seed, changes, cut]) => {
    const octets = Uint8Array.from(seed);
    for (const [at, value] of changes) octets[at % octets.length] = value;
    return cut > 30 ? octets.slice(0, Math.max(1, octets.length - (cut - 30))) : octets;
  });

/** Connects everything and echoes. */
const echo: BipConnector = {
  connect: (_, events) =>
    Promise.resolve({
      write: async (octets) => events.onData(octets),
      pause: () => undefined,
      resume: () => undefined,
      end: () => undefined,
      destroy: () => undefined,
    }),
};

test("whatever a card fetches up, it gets exactly one answer and the terminal goes on", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutated, { minLength: 1, maxLength: 6 }), async (commands) => {
      const failures: unknown[] = [];
      const { card, clock, say, terminal } = bench({
        hooks: { onSms: async () => undefined, onFailure: (error) => failures.push(error) },
        channels: (time) =>
          new BipService({
            connector: echo,
            clock: time,
            rules: () => defaultRules({ host: "127.0.0.1", port: 1 }),
            link: "fuzz",
          }),
      });
      await terminal.activate();
      let answered = 0;
      for (const command of commands) {
        const before = card.responses.length;
        const resets = card.resets;
        await say(toHex(command));
        await clock.advance(31_000);
        answered += card.responses.length - before + (card.resets - resets);
        expect(card.responses.length - before + (card.resets - resets), toHex(command)).toBeGreaterThanOrEqual(1);
      }
      expect(answered).toBeGreaterThanOrEqual(commands.length);
      expect(failures).toEqual([]);
      expect(card.faults).toEqual([]);
      expect(terminal.describe().session).toEqual({ at: "idle" });
      await terminal[Symbol.asyncDispose]();
    }),
    { numRuns: 50 },
  );
}, 60_000);

test("a card that answers with random status words is served on, and short messages get an outcome", async () => {
  const words = fc.constantFrom(
    "9000",
    "910B",
    "9100",
    "9300",
    "6200",
    "63F2",
    "6F00",
    "6985",
    "6D00",
    "AABB9000",
    "61FF",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(words, { minLength: 20, maxLength: 60 }), async (answers) => {
      const failures: unknown[] = [];
      const { card, clock, terminal } = bench({ hooks: { onFailure: (error) => failures.push(error) } });
      const honest = card.transmit.bind(card);
      card.transmit = (command) => {
        const word = answers.pop();
        return word === undefined ? honest(command) : Promise.resolve(fromHex(word));
      };
      const activated = terminal.activate();
      await clock.advance(40_000);
      await activated;
      const outcome = terminal.deliver(fromHex("4405A11032F47FF6621122800000000402700000"));
      await clock.advance(600_000);
      expect((await outcome).at).toMatch(/delivered|refused/);
      expect(failures).toEqual([]);
      expect(terminal.describe().session).toEqual({ at: "idle" });
      await terminal[Symbol.asyncDispose]();
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("BIP commands of any content are answered or refused as malformed", async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async (octets) => {
      const { clock } = bench();
      const bip = new BipService({ connector: echo, clock, rules: () => defaultRules(), link: "fuzz" });
      try {
        const command = decode(ProactiveCommand, octets);
        expect((await bip.execute(command)).result).toBeTypeOf("string");
      } catch (error) {
        if (!(error instanceof GatewayError) || !error.code.startsWith("codec.")) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
