import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { textUserData } from "../../../src/codec/sms/user-data.ts";
import type { InboxEntry } from "../../../src/gateway/model/inbox.ts";
import { textsOf } from "../../../src/gateway/smsc/message-text.ts";
import type { InboundItem } from "../../../src/link/sms-bearer.ts";

type Message = Extract<InboundItem, { kind: "message" }>;
let seq = 0;
function entry(userData: Uint8Array, more: Partial<Message> & { link?: string } = {}): InboxEntry {
  const { link = "smsc:a", ...item } = more;
  seq += 1;
  const rest = { from: "491701", userDataHeader: false, protocolId: 0, dataCoding: 0, smppText: true };
  return {
    seq,
    id: `m${seq}`,
    link,
    state: "done",
    receivedAt: seq,
    item: { kind: "message", userData, ...rest, ...item },
  };
}

const latin = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const wide = (text: string) => new Uint8Array(Buffer.from(text, "utf16le").swap16());
/** Newest first, as a list has them. */
const shown = (...entries: InboxEntry[]) => {
  const texts = textsOf([...entries].reverse());
  return entries.map(({ id }) => texts.get(id));
};

describe("texts in a list of messages", () => {
  it("have one octet per character where SMPP brought them, and septets where a modem did", () => {
    const { userData } = textUserData("1234567");
    const modem = entry(userData.octets, {
      link: "modem:a",
      smppText: false,
      ...withoutUndefined({ userDataLength: userData.length }),
      tpdu: new Uint8Array(1),
    });
    expect(shown(entry(latin("Hello")), entry(wide("Grüße"), { dataCoding: 8 }), modem)).toEqual([
      "Hello",
      "Grüße",
      "1234567",
    ]);
    // An entry of an earlier version says nothing but its link.
    expect(shown(entry(latin("old"), { smppText: false }))).toEqual(["old"]);
  });

  it.each([
    ["8-bit references", "050003420302", "050003420303", "050003420301"],
    ["16-bit references", "06080401420302", "06080401420303", "06080401420301"],
  ])("are joined in order with %s, whatever came in between", (_, second, third, first) => {
    const part = (header: string, text: string) =>
      entry(concatBytes(fromHex(header), latin(text)), { userDataHeader: true, dataCoding: 3 });
    const other = entry(concatBytes(fromHex("050003420201"), latin("other")), { userDataHeader: true, from: "4918" });
    const list = [part(second, "two "), other, part(third, "three"), entry(latin("single")), part(first, "one ")];
    expect(shown(...list)).toEqual(["one two three", "other", "one two three", "single", "one two three"]);
  });

  it("are left alone for packets, octets, receipts and headers that cannot be read", () => {
    const receipt: InboxEntry = { ...entry(latin("")), id: "r", item: { kind: "receipt", state: "delivered" } };
    expect(
      shown(
        entry(fromHex("027100AABB"), { userDataHeader: true }),
        entry(latin("octets"), { dataCoding: 4 }),
        entry(fromHex("FF00"), { userDataHeader: true }),
        receipt,
      ),
    ).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("join a second text that uses the same reference later", () => {
    const part = (sequence: number, text: string) =>
      entry(concatBytes(Uint8Array.of(5, 0, 3, 9, 2, sequence), latin(text)), { userDataHeader: true });
    expect(shown(part(1, "a"), part(2, "b"), part(1, "c"), part(2, "d"))).toEqual(["ab", "ab", "cd", "cd"]);
  });
});
