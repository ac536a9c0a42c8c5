import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/base/error-catalogue.ts";
import type { Executed } from "../../../src/gateway/model/failure.ts";
import type { Bearer, Job } from "../../../src/gateway/model/job.ts";
import type { JobEnd } from "../../../src/gateway/model/job-end.ts";
import {
  errorText,
  failureStatus,
  type MessageVerdict,
  verdictOfEnd,
  verdictOfReceipt,
} from "../../../src/gateway/smsc/message-verdict.ts";
import type { InboundItem, NetworkVerdict } from "../../../src/link/sms-bearer.ts";
import { job } from "../records.ts";

type Receipt = Extract<InboundItem, { kind: "receipt" }>;

/** Network error 8 of a GSM network. SMPP 3.4 §5.3.2.31 */
const absent = { network: 3, code: 8 };

describe("a receipt of the network", () => {
  it.each<[string, Omit<Receipt, "kind">, Omit<MessageVerdict, "network">]>([
    // TP-ST, TS 23.040 §9.2.3.15: 00 to 1F done, 20 to 3F still trying, 40 to 7F permanent or temporary failure.
    ["TP-ST 00", { state: "delivered", networkStatus: 0 }, { state: "delivered", final: true, error: 0 }],
    ["TP-ST 01: forwarded, unconfirmed", { state: "delivered", networkStatus: 1 }, verdict("delivered", true)],
    ["TP-ST 20: congestion, still trying", { state: "pending", networkStatus: 0x20 }, verdict("enroute", false, 0x20)],
    [
      "TP-ST 40: remote procedure error",
      { state: "failed", networkStatus: 0x40 },
      verdict("undeliverable", true, 0x40),
    ],
    ["TP-ST 46: validity expired", { state: "failed", networkStatus: 0x46 }, verdict("expired", true, 0x46)],
    ["TP-ST 47: deleted by the sender", { state: "failed", networkStatus: 0x47 }, verdict("deleted", true, 0x47)],
    ["TP-ST 48: deleted by the SC", { state: "failed", networkStatus: 0x48 }, verdict("deleted", true, 0x48)],
    [
      "TP-ST 62: no response from the SME",
      { state: "failed", networkStatus: 0x62 },
      verdict("undeliverable", true, 98),
    ],
    ["of which nothing is known", { state: "unknown" }, verdict("unknown", false)],
    // An SMSC gives its own state and error: they reach the client unchanged.
    ["a state of the SMSC", { state: "failed", verdict: { state: "rejected" } }, verdict("rejected", true)],
    [
      "a state of the SMSC beside a TP-ST",
      { state: "failed", networkStatus: 0x46, verdict: { state: "undeliverable" } },
      verdict("undeliverable", true, 0x46),
    ],
    [
      "network_error_code before the text",
      { state: "failed", verdict: { networkError: absent, error: "011" } },
      verdict("undeliverable", true, 8),
    ],
    ["the number in the text", { state: "failed", verdict: { error: "011" } }, verdict("undeliverable", true, 11)],
    ["a text that is no number", { state: "failed", verdict: { error: "E11" } }, verdict("undeliverable", true, 0)],
    ["a status that is a text", { state: "failed", networkStatus: "UNDELIV" }, verdict("undeliverable", true, 0)],
  ])("%s", (_, item, expected) => {
    const { network: _network, ...words } = verdictOfReceipt({ kind: "receipt", ...item });
    expect(words).toEqual(expected);
  });

  it("keeps what the network stated", () => {
    const stated: NetworkVerdict = { state: "undeliverable", error: "011", networkError: absent };
    expect(verdictOfReceipt({ kind: "receipt", state: "failed", verdict: stated }).network).toEqual(stated);
    expect(verdictOfReceipt({ kind: "receipt", state: "delivered" })).not.toHaveProperty("network");
  });
});

function verdict(state: MessageVerdict["state"], final: boolean, error = 0): Omit<MessageVerdict, "network"> {
  return { state, final, error };
}

const over = (bearer: Bearer): Job => job({ chosen: { bearer, link: "link", why: "" } });
const failed = (
  executed: Executed,
  detail: Record<string, unknown> = {},
  code: ErrorCode = "smsc.status",
  state: JobEnd["state"] = "failed",
): JobEnd => ({ state, error: { code, message: "", executed, detail } });

describe("the end of the job of a message", () => {
  // docs/smpp.md, "Receipts" and "At most once" of the gateway as an SMSC
  it.each<[string, Job, JobEnd, Omit<MessageVerdict, "network">]>([
    ["the card took the ENVELOPE: DELIVRD", over("envelope"), { state: "done" }, verdict("delivered", true)],
    ["a network took it: its receipt decides", over("sms"), { state: "done" }, verdict("enroute", false)],
    [
      "the card refused it, with TP-FCS D0: UNDELIV",
      over("envelope"),
      failed(false, { cause: 0xd0 }, "card.status"),
      verdict("undeliverable", true, 0xd0),
    ],
    [
      "the card refused it and may have acted: UNDELIV all the same",
      over("envelope"),
      failed("unknown", { cause: 0xd5 }, "card.status"),
      verdict("undeliverable", true, 0xd5),
    ],
    [
      "the status word of a card is no command_status",
      over("envelope"),
      failed(false, { status: 0x6f00 }, "card.status"),
      verdict("undeliverable", true),
    ],
    ["ESME_RINVDSTADR: REJECTD", over("sms"), failed(false, { status: 0x0b }), verdict("rejected", true, 0x0b)],
    [
      "ESME_RSYSERR, until it was given up: UNDELIV",
      over("sms"),
      failed(false, { status: 0x08 }),
      verdict("undeliverable", true, 0x08),
    ],
    ["no command_status: UNDELIV", over("sms"), failed(false), verdict("undeliverable", true)],
    [
      "a network may have it: UNKNOWN, a receipt can settle it",
      over("sms"),
      failed("unknown"),
      verdict("unknown", false),
    ],
    ["the reader was lost: UNKNOWN, nothing follows", over("envelope"), failed("unknown"), verdict("unknown", true)],
    ["no link in time: EXPIRED", job(), { state: "expired" }, verdict("expired", true)],
    ["expired, never sent", over("sms"), failed(false, {}, "job.expired", "expired"), verdict("expired", true)],
    [
      "expired, but it may have left",
      over("sms"),
      failed("unknown", {}, "job.expired", "expired"),
      verdict("unknown", false),
    ],
    ["cancel_sm: DELETED", job(), { state: "cancelled" }, verdict("deleted", true)],
  ])("%s", (_, of, end, expected) => {
    const { network: _network, ...words } = verdictOfEnd(of, end);
    expect(words).toEqual(expected);
  });

  it("keeps the command_status of the network, and gives TP-FCS as an error of a GSM network", () => {
    expect(verdictOfEnd(over("sms"), failed(false, { status: 0x0b })).network).toEqual({ commandStatus: 0x0b });
    const { network } = verdictOfEnd(over("envelope"), failed(false, { cause: 0xd0 }, "card.status"));
    expect(network).toEqual({ networkError: { network: 3, code: 0xd0 } });
    expect(verdictOfEnd(over("sms"), failed(false))).not.toHaveProperty("network");
  });
});

describe("what the client receives of an error", () => {
  it.each<[string, number, NetworkVerdict | undefined, string]>([
    ["without an error", 0, undefined, "000"],
    ["three digits at least", 8, undefined, "008"],
    ["more if it needs them", 1025, undefined, "1025"],
    ["the network's own text", 11, { error: "11A" }, "11A"],
    ["the number if the network gave no text", 11, { commandStatus: 11 }, "011"],
  ])("err: %s", (_, error, network, text) => {
    expect(errorText({ error, ...(network && { network }) })).toBe(text);
  });

  it.each<[string, NetworkVerdict | undefined, number]>([
    ["the network's own", { commandStatus: 0x0b }, 0x0b],
    // ESME_RDELIVERYFAILURE, SMPP 3.4 §5.1.3
    ["otherwise FE", { networkError: absent }, 0xfe],
    ["FE without a network", undefined, 0xfe],
  ])("command_status in transaction mode: %s", (_, network, status) => {
    expect(failureStatus(network)).toBe(status);
  });
});
