import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { shownText } from "../../../src/codec/at/line-name.ts";
import { capduObject, compactScript, expandedScript } from "../../../src/codec/ota/script.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { showCommand, showTpdu } from "../../../src/codec/secrets/message-secrets.ts";
import { showScript } from "../../../src/codec/secrets/script-secrets.ts";
import { shownPdu } from "../../../src/codec/secrets/shown-pdu.ts";
import { segmentPacket } from "../../../src/codec/sms/concatenation.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { deliverOf, envelopeOf, submitOf } from "../ota/carriers.ts";

const mark = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
const putKey = `80D8000117018810${mark}03AABBCC`;

/** TP-UD of a command packet that holds PUT KEY. */
function userDataOf(spi: string): Uint8Array {
  const keys = new PacketKeys({ kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2) });
  const data = expandedScript([capduObject(fromHex(putKey))], "expanded-definite");
  const input = { spi: parseSpi(fromHex(spi)), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 1, data };
  const [first = new Uint8Array(0)] = segmentPacket(wrapCommand(input, keys).packet, "command");
  return first;
}

describe("a key in a script that travels in clear", () => {
  const userData = userDataOf("0200");
  const tpdu = deliverOf(userData);
  const shown = {
    "an SMS TPDU": toHex(showTpdu(tpdu)),
    "an ENVELOPE": toHex(showCommand(envelopeOf(tpdu))),
    "an AT line with an ENVELOPE": shownText(`AT+CSIM=200,"${toHex(envelopeOf(tpdu))}"\r`),
    "the PDU behind AT+CMGS": shownText(`00${toHex(tpdu)}\x1a`),
    "a submit_sm": toHex(shownPdu(submitOf(userData))),
    "a message_payload": toHex(shownPdu(submitOf(new Uint8Array(0), { messagePayload: userData }))),
  };

  it.each(Object.entries(shown))("is overwritten in %s, lengths kept", (_, text) => {
    expect(text).not.toContain(mark);
    expect(text).toContain(`80D8000117${"00".repeat(23)}`);
  });
});

describe("STORE DATA", () => {
  const shown = (...apdus: string[]) => toHex(showScript(compactScript(apdus.map(fromHex))).bytes);

  it("loses its keys, also those of the blocks that follow", () => {
    const [first, second, other] = ["80E2080005811320C0DE", "80E2880102C0DE", "80E28800053A07020102"];
    expect(shown(first, second, other)).toBe(`80E2080005811320000080E28801020000${other}`);
  });

  it.each([
    ["with public groups", "80E2880008 3A0105C0DEC0DEC0".replace(" ", "")],
    ["in TLVs", "80E2900005 8403C0DEC0".replace(" ", "")],
  ])("%s is shown", (_, apdu) => expect(shown(apdu)).toBe(apdu));
});

describe("what has nothing to hide", () => {
  const userData = userDataOf("1639");
  const tpdu = deliverOf(userData);

  it("is shown as it is", () => {
    expect(showTpdu(tpdu)).toBe(tpdu);
    const envelope = envelopeOf(tpdu);
    expect(showCommand(envelope)).toBe(envelope);
    expect(shownText(`00${toHex(tpdu)}\x1a`)).toBe(`00${toHex(tpdu)}\\x1a`);
    const submit = submitOf(userData);
    expect(shownPdu(submit)).toBe(submit);
    const broken = fromHex("4403");
    expect(showTpdu(broken)).toBe(broken);
  });
});

describe("AT lines that carry APDUs", () => {
  it.each([
    [`AT+CSIM=56,"${putKey}"`, 'AT+CSIM=56,"80D8000117***"'],
    [`AT+CGLA=1,56,"${putKey}"`, 'AT+CGLA=1,56,"80D8000117***"'],
    [`+CSIM: 94,"DB08A1A2A3A4A5A6A7A810${mark}9000"`, '+CSIM: 94,"DB***"'],
    ['AT+CSIM=14,"00A40004023F00"', 'AT+CSIM=14,"00A40004023F00"'],
  ])("%s", (line, text) => {
    expect(shownText(line)).toBe(text);
  });
});
