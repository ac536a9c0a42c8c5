import { describe, expect, it } from "vitest";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { parseIccid } from "../../../src/codec/euicc/iccid.ts";
import { chooseRoute, type HttpsState, holds, type Route, type RouteLink } from "../../../src/gateway/links/routing.ts";
import type { JobRequest, JobWork } from "../../../src/gateway/model/job.ts";
import type { Target } from "../../../src/gateway/model/target.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { isdP, profile, target } from "../records.ts";

const eid = parseEid("89001012012341234012345678901224");
const work: JobWork = readWork({ kind: "script", tar: isdRTar, apdus: ["80CA005A00"] });
const packet: JobWork = readWork({ kind: "packet", userData: ["00"], protocolId: 127, dataCoding: 246 });
const card = target({ eid, msisdn: "447700900001" });
const none: HttpsState = { open: false, possible: false };
const possible: HttpsState = { open: false, possible: true };
const open: HttpsState = { open: true, possible: true };

const reader: RouteLink = { id: "reader:A", kind: "reader", up: true, carriesSms: true, card: { eid } };
const modem: RouteLink = { id: "modem:B", kind: "modem", up: true, carriesSms: true };
const smsc: RouteLink = { id: "smsc:C", kind: "smsc", up: true, carriesSms: true };

interface Case {
  readonly links?: readonly RouteLink[];
  readonly https?: HttpsState;
  readonly request?: Partial<JobRequest>;
  readonly of?: Target;
  readonly work?: JobWork;
  readonly segments?: number;
}

function route({ links = [], https = none, request = {}, of = card, work: asked = work, segments = 1 }: Case): Route {
  return chooseRoute(of, asked, { bearer: "auto", maxPackets: 4, ...request }, links, https, segments);
}

function chosen(of: Case): string {
  const found = route(of);
  return found.at === "found" ? `${found.bearer} ${found.link}` : "blocked";
}

describe("the route of a job", () => {
  it.each<[string, Case, string]>([
    ["nothing at all", {}, "blocked"],
    ["the reader that holds the card, before SMS", { links: [smsc, reader] }, "envelope reader:A"],
    [
      "no reader that holds another card",
      { links: [{ ...reader, card: { eid: parseEid("0".repeat(32)) } }] },
      "blocked",
    ],
    ["no reader that is down", { links: [{ ...reader, up: false }] }, "blocked"],
    ["an SMSC before a modem", { links: [modem, smsc] }, "sms smsc:C"],
    ["a modem when the SMSC is down", { links: [modem, { ...smsc, up: false }] }, "sms modem:B"],
    ["never the modem that holds the card", { links: [{ ...modem, card: { eid } }] }, "blocked"],
    ["no SMS without an MSISDN", { links: [smsc], of: target({ eid }) }, "blocked"],
    [
      "only the link of the target's settings",
      { links: [smsc], of: { ...card, reach: { smsLink: "modem:B" } } },
      "blocked",
    ],
    [
      "only the reader of the target's settings",
      { links: [reader], of: { ...card, reach: { reader: "reader:Z" } } },
      "blocked",
    ],
    ["only the link of the order", { links: [smsc, modem], request: { link: "modem:B" } }, "sms modem:B"],
    ["an open session before all others", { links: [reader, smsc], https: open }, "https scp81"],
    ["no session for a packet secured upstream", { links: [smsc], https: open, work: packet }, "sms smsc:C"],
    [
      "no session when the order names a link",
      { links: [reader], https: open, request: { link: "reader:A" } },
      "envelope reader:A",
    ],
    ["short messages for five segments", { links: [smsc], https: possible, segments: 5 }, "sms smsc:C"],
    ["a session for six segments", { links: [smsc], https: possible, segments: 6 }, "https scp81"],
    [
      "short messages once a session was asked for in vain",
      { links: [smsc], https: { ...possible, inVain: true }, segments: 6 },
      "sms smsc:C",
    ],
    ["no session when nothing can carry its trigger", { https: possible, segments: 6 }, "blocked"],
    [
      "a session for a target without SCP80 keys",
      { links: [reader], https: { ...possible, only: true } },
      "https scp81",
    ],
    ["https as ordered", { links: [reader], https: possible, request: { bearer: "https" } }, "https scp81"],
    ["https as ordered, and impossible", { links: [reader], request: { bearer: "https" } }, "blocked"],
    ["sms as ordered, past the reader", { links: [reader, smsc], request: { bearer: "sms" } }, "sms smsc:C"],
    [
      "short messages as ordered, past an open session",
      { links: [smsc], https: open, request: { bearer: "short-message" } },
      "sms smsc:C",
    ],
  ])("is %s", (_, given, expected) => expect(chosen(given)).toBe(expected));

  it("says what was looked at when there is none", () => {
    const found = route({ links: [{ ...reader, up: false, reason: "no power" }] });
    expect(found).toEqual({ at: "blocked", why: "envelope: no power; sms: no modem or SMSC is configured" });
  });

  it.each<[string, readonly RouteLink[], string, readonly string[]]>([
    [
      "a reader without a card",
      [{ id: "reader:A", kind: "reader", up: false, carriesSms: true }],
      "reader:A",
      [
        "envelope: reader reader:A has no card; 'otagate reader list'",
        "sms: reader reader:A carries no short messages",
      ],
    ],
    [
      "a reader with another card",
      [{ ...reader, card: { eid: parseEid("0".repeat(32)) } }],
      "reader:A",
      ["envelope: reader reader:A has another card"],
    ],
    ["the modem that holds the card", [{ ...modem, card: { eid } }], "modem:B", ["sms: the card is in modem:B itself"]],
    ["a link that does not exist", [smsc], "modem:none", ["sms: link modem:none does not exist"]],
  ])("describes the link that the order names: %s", (_, links, link, whys) => {
    const found = route({ links, request: { link } });
    for (const why of whys) expect(found).toMatchObject({ at: "blocked", why: expect.stringContaining(why) });
  });
});

describe("a card in a link", () => {
  const iccid = parseIccid("8901000000000000012");
  it.each([
    ["by EID", { eid }, target({ eid }), true],
    ["never by ICCID against the EID", { eid: parseEid("0".repeat(32)), iccid }, target({ eid, iccid }), false],
    ["by ICCID", { iccid }, target({ iccid }), true],
    ["by the ICCID of a profile", { iccid }, target({ eid, esimProfiles: [profile(isdP.first, { iccid })] }), true],
    ["not without an identity", {}, target({ eid, iccid }), false],
  ])("is the target's %s", (_, identity, of, expected) => expect(holds(identity, of)).toBe(expected));
  it("is not the target's when there is none", () => expect(holds(undefined, card)).toBe(false));
});
