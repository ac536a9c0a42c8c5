import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { answerTo, ProfileBehaviour, sampleOf } from "../../../simulators/modem/profile-behaviour.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import { Bench } from "./host.ts";

const profiles = loadProfiles().list();

describe("hardware profiles played by the simulator", () => {
  it("writes answers that the patterns of every shipped profile read", () => {
    for (const { name, file } of profiles) {
      const queries = Object.entries(file.identity ?? {}).flatMap(([kind, list]) =>
        (list ?? []).map((query) => ({ kind, query })),
      );
      for (const { kind, query } of queries) {
        if (query.command.startsWith("AT+CRSM")) continue;
        const value =
          kind === "eid"
            ? "89049032123451234512345678901235"
            : kind === "iccid"
              ? "89000123456789012341"
              : "490154203237518";
        const line = answerTo(query, value);
        expect(new RegExp(query.pattern, "u").test(line), `${name}: ${query.command} -> ${line}`).toBe(true);
      }
    }
  });

  it("has a sample for every unsolicited result of every shipped profile", () => {
    for (const { name, file } of profiles) {
      for (const { pattern } of file.urcs ?? []) {
        expect(
          new RegExp(pattern, "u").test(sampleOf(pattern, "1")),
          `${name}: ${pattern} -> ${sampleOf(pattern, "1")}`,
        ).toBe(true);
      }
    }
  });

  it("answers with the ICCID through each profile's own commands", async () => {
    await using bench = new Bench();
    for (const { name, file } of profiles) {
      const { host } = await bench.modem({ imsi: `00101${name.length}`.padEnd(15, "7") }, { profile: file });
      for (const query of file.identity?.iccid ?? []) {
        const lines = (await host.ask(query.command)).split("\r\n");
        const found = lines
          .map((line) => new RegExp(query.pattern, "u").exec(line)?.[1])
          .find((value) => value !== undefined);
        expect(found, `${name}: ${query.command} -> ${lines.join("|")}`).toMatch(
          /^(89000123456789012341|98001032547698103214)F?$/,
        );
      }
      expect(await host.ask("AT+CGMM")).toContain(file.models?.[0] ?? "SIM-1");
    }
  });

  it("announces a REFRESH in the vendor's words", async () => {
    await using bench = new Bench();
    for (const { name, file, quirks } of profiles) {
      const notice = new ProfileBehaviour(file).urc("sim-refresh");
      if (notice === undefined || quirks.has("refresh-reenumerates") || quirks.has("toolkit-off-by-default")) continue;
      const card = new PlainCard();
      const { modem, host } = await bench.modem(card, { profile: file, timings: { simRestartMs: 5 } });
      card.proactive.push(fromHex("D009810301010482028182"));
      await modem.slot.command(fromHex("80F2000C00"));
      const escaped = notice.replace(/[^A-Za-z0-9 ]/g, "\\$&");
      expect(await host.until(new RegExp(`CPIN: READY\r\n\r\n${escaped}\r\n`)), name).toContain(notice);
    }
  });

  it("shows sessions as hexadecimal text and other named deviations", async () => {
    await using bench = new Bench();
    const quirks = ["session-id-hex", "cchc-unsupported", "csim-lock-needed", "no-message-storage"];
    const { host } = await bench.modem({}, { profile: { name: "odd", models: ["X"], quirks } });
    const session = /\+CCHO: ([0-9a-f]{16})\r\n/.exec(await host.ask('AT+CCHO="A0000000871002"'))?.[1];
    expect(await host.ask(`AT+CGLA=${session},10,"80F2000C00"`)).toContain('+CGLA: 4,"9000"');
    expect(await host.ask(`AT+CCHC=${session}`)).toBe("\r\n+CME ERROR: 4\r\n");
    expect(await host.ask('AT+CSIM=10,"80F2000C00"')).toBe("\r\n+CME ERROR: 3\r\n");
    await host.ask("AT+CSIM=1");
    expect(await host.ask('AT+CSIM=10,"80F2000C00"')).toContain('"9000"');
    expect(await host.ask("AT+CMGL=4")).toBe("\r\n+CMS ERROR: 303\r\n");
  });
});

/** Every first-contact command of eleven programs, recorded against another modem. */
const { clients } = JSON.parse(
  readFileSync(new URL("../../vectors/at-client-sequences.json", import.meta.url), "utf8"),
) as {
  clients: readonly { id: string; sequences: Record<string, unknown> }[];
};

interface Step {
  readonly host: string;
  readonly reply: string | null;
}

const shape = (reply: string) => [...reply.matchAll(/\r\n([+A-Z]+:?)|> $/g)].map(([, name]) => name ?? ">");

describe("programs' first-contact sequences", () => {
  for (const { id, sequences } of clients) {
    for (const [name, list] of Object.entries(sequences)) {
      if (name.startsWith("okOnly") || name.endsWith("OkOnly") || !Array.isArray(list)) continue;
      const steps = (list as readonly Step[]).filter(({ host }) => typeof host === "string");
      it(`replays ${id} ${name} without a stall`, async () => {
        await using bench = new Bench();
        const { modem, host } = await bench.modem({ msisdn: "+12345678900" });
        modem.settings.echo = false;
        modem.restoreSettings(true);
        modem.settings.echo = false;
        for (const { host: sent, reply } of steps) {
          await host.write(sent);
          if (reply === null || ["\r", "\u001b"].includes(sent)) continue;
          const answer = await host.until(/\r\n(OK|ERROR|\+CM[ES] ERROR: \d+)\r\n|> $/);
          modem.settings.echo = false;
          if (shape(reply).includes(">")) expect(answer, sent).toMatch(/> $/);
          if (
            /^AT\+(CSCS|CPMS|CREG|CNMI|CSMS|CSCA|CPIN\?|CIMI|CGSN|CMGF|CRSM=176,12258|COPS\?|CESQ|CIND|CMER)/.test(sent)
          ) {
            const wanted = shape(reply).filter((word) => word !== "ERROR");
            expect(
              shape(answer).filter((word) => word !== "ERROR"),
              `${sent} -> ${answer}`,
            ).toEqual(wanted);
          }
        }
      });
    }
  }
});
