import { expect, test } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { Envelope } from "../../../src/codec/cat/envelope.ts";
import { ProactiveCommand } from "../../../src/codec/cat/proactive.ts";
import { commandSummary, envelopeSummary, responseSummary } from "../../../src/codec/cat/summary.ts";
import { TerminalResponse } from "../../../src/codec/cat/terminal-response.ts";
import { decode } from "../../../src/codec/kit/codec.ts";

test.each([
  [
    "D042810301400182028182350702030403041F0239020578470A065465737447700272730D08F4557365724C6F670D08F4557365725077643C0301AD9C3E052101010101",
    "OPEN CHANNEL (immediate link establishment, no automatic reconnection): GPRS / UTRAN packet / E-UTRAN, buffer 1400, APN TestGp.rs, UDP client, remote port 44444, 1.1.1.1",
  ],
  ["D0108103010101820281829205013F002FE2", "REFRESH (file change notification): files 3F002FE2"],
  ["D00C81030142008202812137011E", "RECEIVE DATA channel 1: length 30"],
  ["D00D81030105008202818299 02090A", "SET UP EVENT LIST: events dataAvailable, channelStatus"],
  ["D00C81030103008202818284010A", "POLL INTERVAL: malformed duration"],
])("command %s", (hex, text) => {
  expect(commandSummary(decode(ProactiveCommand, fromHex(hex)))).toBe(text);
});

test("response and envelope", () => {
  expect(responseSummary(decode(TerminalResponse, fromHex("81030144008202828183010038028100")))).toBe(
    "GET CHANNEL STATUS command performed successfully: channel 1 established",
  );
  expect(envelopeSummary(decode(Envelope, fromHex("D60B99010A82028281B8020105")))).toBe(
    "eventDownload: channelStatus: channel 1 dropped",
  );
});
