import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { ApduChannel } from "../../../src/link/card/channel.ts";
import { smsDownloadOutcome } from "../../../src/link/card/terminal/sms-download.ts";
import type { CardConnection } from "../../../src/link/card-reader.ts";

interface ReaderVector {
  readonly id: string;
  readonly name: string;
  readonly transcript: readonly { readonly c: string; readonly r: string }[];
  readonly expect: {
    readonly tp_ud: string | null;
    readonly report: "RP-ACK" | "RP-ERROR";
    readonly fcs: string | null;
  };
}

const { groups }: { groups: { reader: readonly ReaderVector[] } } = JSON.parse(
  readFileSync(new URL("../../vectors/scp80.json", import.meta.url), "utf8"),
);

describe("SMS-PP download over a reader", () => {
  it.each(groups.reader.map((vector) => [vector.id, vector.name, vector] as const))(
    "%s %s",
    async (_id, _name, vector) => {
      const left = [...vector.transcript];
      const connection: CardConnection = {
        atr: fromHex("3B00"),
        level: "tpdu",
        maxResponse: 258,
        transmit: async (command) => {
          const next = left.shift();
          expect(toHex(command)).toBe(next?.c);
          return fromHex(next?.r ?? "");
        },
        reset: async () => fromHex("3B00"),
        [Symbol.asyncDispose]: async () => {},
      };
      const channel = new ApduChannel({ connection, link: "reader", clock: systemClock });
      const outcome = smsDownloadOutcome(await channel.transmit(fromHex(`${vector.transcript[0]?.c}00`)), false);
      if (outcome === "busy") {
        expect(vector.expect).toMatchObject({ tp_ud: null, report: "RP-ERROR", fcs: "D4" });
        return;
      }
      const { tp_ud, report, fcs } = vector.expect;
      expect(outcome.at).toBe(report === "RP-ACK" ? "delivered" : "refused");
      expect("report" in outcome && outcome.report !== undefined ? toHex(outcome.report) : null).toBe(tp_ud);
      if (outcome.at === "refused") expect(outcome.cause).toBe(Number.parseInt(fcs ?? "", 16));
      // What follows a 91XX is the terminal's own conversation.
      expect(left.every(({ c }) => c.startsWith("8012") || c.startsWith("8014"))).toBe(true);
    },
  );
});
