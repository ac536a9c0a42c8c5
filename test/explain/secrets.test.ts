import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../src/base/hex.ts";
import { capduObject, compactScript, expandedScript } from "../../src/codec/ota/script.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { showScript } from "../../src/codec/secrets/script-secrets.ts";
import { segmentPacket } from "../../src/codec/sms/concatenation.ts";
import { wrapCommand } from "../../src/crypto/command-packet.ts";
import { explain } from "../../src/explain/explain.ts";
import { exampleKeys } from "./worked.ts";

/** Octets that stand nowhere else. */
const mark = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
const pinMark = "3731393337313933";

const putKey = fromHex(`80D8000117018810${mark}03AABBCC`);
const verify = fromHex(`0020000108${pinMark}`);
const select = fromHex("00A40004023F0000");

function said(octets: Uint8Array, options = {}): string {
  return JSON.stringify(explain(octets, options));
}

describe("keys and PINs", () => {
  it.each([
    ["PUT KEY", putKey],
    ["VERIFY", verify],
    ["CHANGE PIN", fromHex(`0024000110${pinMark}${pinMark}`)],
    ["UNBLOCK PIN", fromHex(`002C000110${pinMark}${pinMark}`)],
    ["VERIFY of a 2G SIM", fromHex(`A020000108${pinMark}`)],
  ])("%s hides its data", (_, apdu) => {
    expect(said(apdu)).not.toContain(mark);
    expect(said(apdu)).not.toContain(pinMark);
    expect(said(apdu)).toContain("hidden");
  });

  it("are hidden in a command that is cut or too long", () => {
    for (let length = 5; length < putKey.length; length++)
      expect(said(putKey.subarray(0, length))).not.toContain("C0DEC0");
    expect(said(concatBytes(verify, fromHex(pinMark)))).not.toContain(pinMark);
  });

  it("are hidden in a script of any format, also one that is cut", () => {
    const commands = [select, putKey, verify];
    const scripts = [
      compactScript(commands),
      expandedScript(commands.map(capduObject), "expanded-definite"),
      expandedScript(commands.map(capduObject), "expanded-indefinite"),
    ];
    for (const script of scripts) {
      for (let length = 2; length <= script.length; length++) {
        const shown = showScript(script.subarray(0, length)).bytes;
        expect(toHex(shown)).not.toContain("C0DEC0");
        expect(shown.length).toBe(length);
        const text = said(script.subarray(0, length), { as: "script" });
        expect(text).not.toContain("C0DEC0");
        expect(text).not.toContain(pinMark);
      }
    }
  });

  it("are hidden in a packet that keys open, and the keys are not in the tree", () => {
    const input = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 7 };
    const data = expandedScript([capduObject(putKey)], "expanded-definite");
    const { packet } = wrapCommand({ ...input, data }, exampleKeys());
    const [userData = packet] = segmentPacket(packet, "command");
    const text = said(userData, { keys: exampleKeys() });
    expect(text).toContain("PUT KEY");
    expect(text).not.toContain(mark);
    expect(text).not.toContain("000102030405060708090A0B");
    expect(text).not.toContain("101112131415161718191A1B");
  });

  it("are hidden in whatever a cut or damaged input is taken for", () => {
    const commands = [select, putKey, verify];
    const body = expandedScript(commands.map(capduObject), "expanded-indefinite");
    const head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.globalplatform.card-content-mgt;version=1.0\r\n\r\n";
    const packet = fromHex(
      `0070151200 1212000001000000000100${toHex(expandedScript(commands.map(capduObject), "expanded-definite"))}`,
    );
    const inputs = [
      compactScript(commands),
      body,
      concatBytes(new TextEncoder().encode(head), body),
      concatBytes(fromHex("027000"), packet),
      concatBytes(putKey, fromHex("9000")),
      concatBytes(fromHex("D0358103013000820281 21A22A"), putKey, fromHex("0000000000")),
    ];
    for (const input of inputs) {
      for (let length = 1; length <= input.length; length++) {
        const text = said(input.subarray(0, length));
        expect(text).not.toContain("C0DEC0");
        expect(text).not.toContain(pinMark);
        const tail = said(input.subarray(input.length - length));
        // Where its header is cut away, nothing tells a key from any other octets.
        if (toHex(input.subarray(input.length - length)).includes(toHex(putKey))) expect(tail).not.toContain("C0DEC0");
      }
      for (let bit = 0; bit < input.length * 8; bit++) {
        const changed = Uint8Array.from(input);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        // Damage to the header of the command itself is another matter.
        if (!toHex(changed).includes(toHex(putKey)) || !toHex(changed).includes(toHex(verify))) continue;
        expect({ bit, shown: said(changed).includes("C0DEC0") || said(changed).includes(pinMark) }).toEqual({
          bit,
          shown: false,
        });
      }
    }
  });

  it("are hidden in the answer of AUTHENTICATE", () => {
    const answer = fromHex(`DB08A1A2A3A4A5A6A7A810${mark}10${mark}9000`);
    expect(said(answer)).not.toContain(mark);
    expect(said(answer, { command: fromHex("0088008122") })).not.toContain(mark);
  });

  it("are hidden where OPEN CHANNEL and a session trigger name a bearer's login", () => {
    const login = Buffer.from("hunter22").toString("hex").toUpperCase();
    const open = fromHex(`D02E8103014001820281823501033902 05DC0D0904${login}0D0904${login}3C030220FB`);
    expect(said(open)).not.toContain(login);
    const trigger = fromHex(`811D831B84193501030D0904${login}0D0904${login}`);
    expect(said(trigger)).not.toContain(login);
    expect(said(trigger)).not.toContain("hunter22");
  });
});
