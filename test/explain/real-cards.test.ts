import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { wrapCommand } from "../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { explain, explainAs } from "../../src/explain/explain.ts";
import { exampleKeys, nodes, part, textOf } from "./worked.ts";

const of = (hex: string, options = {}) => explain(fromHex(hex), options);
const errorsOf = (hex: string, options = {}) =>
  [...nodes(of(hex, options).node)].flatMap(({ error }) => (error === undefined ? [] : [error.message]));

const updated = "000102030405060708093003700011223344556677AABBCCDDEEFF0011000001";

describe("status words", () => {
  it.each([
    ["6F00", "technical problem"],
    ["6200", "no information given"],
    ["6283", "invalidated"],
    ["9000", "normal ending"],
    ["91FF", "proactive command of 255 octets"],
    ["63C2", "2 tries left"],
    ["6985", "conditions of use"],
  ])("%s alone is a status word", (hex, words) => {
    const found = of(hex);
    expect(found.node.label).toBe("status word");
    expect(found.node.value).toContain(words);
  });

  it.each([
    ["AF802302900000009000", "answer to an expanded script"],
    ["62178202412183022FE28A01058B032F06068002000A8801109000", "FCP"],
    ["3007A00530038001009000", "EUICCResponse"],
  ])("%s: a status word behind data is read as such", (hex, label) => {
    const found = of(hex);
    expect(part(found, label).label).toContain(label);
    expect(part(found, "SW1 SW2").value).toBe("normal ending");
  });
});

describe("answers of INITIALIZE UPDATE", () => {
  const words = "SCP03 i=70, key version 30, sequence 1";

  it.each([
    ["an R-APDU", `${updated}9000`, {}],
    ["an R-APDU behind its command", `${updated}9000`, { command: fromHex("80503000080011223344556677") }],
    ["an answer to a script", `AF802322${updated}90000000`, {}],
    ["SCP03t", `AF808420${updated}0000`, {}],
    ["a compact answer", `019000${updated}`, { as: "script-response", commands: [fromHex("8050300008")] }],
  ])("are read alike in %s", (_, hex, options) => {
    const found = of(hex, options);
    expect(found.node.value).toContain(words);
    expect(part(found, "card challenge").hex).toBe("0011223344556677");
    expect(part(found, "card cryptogram").hex).toBe("AABBCCDDEEFF0011");
  });

  it("are read in the forms of SCP02 and of challenges of 16 octets", () => {
    const command = fromHex("80500000080011223344556677");
    const scp02 = of("0001020304050607080920020001AABBCCDDEEFF11223344556677889000", { command });
    expect(scp02.node.value).toContain("SCP02, key version 20, sequence 1");
    expect(part(scp02, "card challenge").hex).toBe("AABBCCDDEEFF");
    const long = of(`00010203040506070809300371${"A1".repeat(16)}${"B2".repeat(16)}0000059000`, { command });
    expect(part(long, "card challenge").length).toBe(16);
    expect(long.node.value).toContain("sequence 5");
  });
});

describe("secure channels", () => {
  it.each([
    ["848233001000112233445566778899AABBCCDDEEFF00", "P1 P2", "C-DECRYPTION, C-MAC, R-ENCRYPTION, R-MAC"],
    ["848203001000112233445566778899AABBCCDDEEFF00", "P1 P2", "C-DECRYPTION, C-MAC"],
    ["848200001000112233445566778899AABBCCDDEEFF00", "P1 P2", "no secure messaging"],
    ["80503000080011223344556677", "P1 P2", "key version 30, SCP03"],
    ["AE80851113000011223344556677 8899AABBCCDDEEFF 0000", "security level", "C-DECRYPTION, C-MAC, R-MAC"],
    ["AE80840A30000011223344556677 0000", "key version number", "key version 30, SCP03"],
  ])("%s: %s in words", (hex, label, words) => {
    expect(part(of(hex), label).value).toBe(words);
  });

  it.each(["84E288001000112233445566778899AABBCCDDEEFF", "84D800011000112233445566778899AABBCCDDEEFF"])(
    "%s: the MAC stands apart",
    (hex) => {
      expect(part(of(hex), "MAC").hex).toBe("8899AABBCCDDEEFF");
    },
  );

  it("sets the MAC of an SCP03t answer apart", () => {
    const found = of("AF8086180102030405060708090A0B0C0D0E0F1011121314151617180000");
    expect(part(found, "ciphered").length).toBe(16);
    expect(part(found, "MAC").hex).toBe("1112131415161718");
  });
});

describe("what an answer says to its command", () => {
  it.each([
    ["80E40000064F04A0000000", "009000", "no receipt"],
    ["80E60C0000", "009000", "no receipt"],
    ["80D8000100", "30AABBCC9000", "key version 30"],
    ["0070000001", "019000", "logical channel 1"],
  ])("%s, answered %s", (command, hex, words) => {
    expect(explainAs("r-apdu", fromHex(hex), { command: fromHex(command) }).value).toContain(words);
  });

  it("reads the R-APDUs of a script with its commands, in their order", () => {
    const commands = ["80E40000064F04A0000000", "80E28800153A03124F10A0000005591010FFFFFFFF8900001300"].map(fromHex);
    const found = of("AF80230300900023026985 0000", { commands });
    expect(found.node.value).toContain("no receipt");
    expect(found.node.value).toContain("not in state Disabled");
  });

  it("reads the last answer of a compact script with the command that ran last", () => {
    const commands = ["00A4000C023F00", "80E28800153A03124F10A0000005591010FFFFFFFF8900001300"].map(fromHex);
    expect(explainAs("script-response", fromHex("026985"), { commands }).value).toContain("not in state Disabled");
    expect(explainAs("script-response", fromHex("016985"), { commands }).value).toContain("conditions of use");
  });
});

describe("cipher padding that CPL leaves out", () => {
  const key = fromHex("000102030405060708090A0B0C0D0E0F");
  const keys = new PacketKeys({ kic: key, kid: key });

  it.each([
    [
      "02700000301516011212000013F74EE4D3773C6A64752A9C4B1EBD210A695B2A3CCEB0843273A5A95BF9D72E37393F753E1498754512FCDA19FA329D93",
      "expanded script, definite length",
    ],
    [
      "02700000301516011212000013A3BA45088245846F6CAADEDCFABE34D024E353646A1906EAD41BCFA769BE2F14307E442908A1EEAF96D84463DB428DD5",
      "hybrid script",
    ],
  ])("%s: is padding, and the script is whole", (hex, label) => {
    const found = of(hex, { keys });
    expect(part(found, label).value).toContain("EXTERNAL AUTHENTICATE");
    expect(part(found, "padding that CPL does not count")).toMatchObject({ hex: "0000000000000000", offset: 53 });
    expect(textOf(found)).not.toContain("left over");
    expect(errorsOf(hex, { keys })).toEqual([]);
  });

  it("is padding behind a template on its own, too", () => {
    const found = of("AE0F220D80E28900073A08044E0200010000000000");
    expect(found.type).toBe("script");
    expect(part(found, "padding").hex).toBe("00000000");
  });
});

describe("what proves a packet", () => {
  it.each([
    ["027100000B0A00000100000004D200009120", "(not authenticated)"],
    ["027100000B0A00000100000004D20000", "(not authenticated)"],
    ["02710000131200000100000004D20000A1A2A3A4A5A6A7A8", "(CC not checked)"],
    ["027100000B0A00000100000004D2000A", "insufficient security level (not authenticated)"],
  ])("%s: %s", (hex, words) => {
    expect(of(hex).node.value).toContain(words);
  });

  it("says of a command without CC that anybody can have sent it", () => {
    const input = { kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 7, data: fromHex("AE800000") };
    const unchecked = wrapCommand({ ...input, spi: parseSpi(fromHex("0000")) }, exampleKeys());
    expect(textOf(of(toHex(unchecked.packet)))).toContain("not authenticated: SPI requires no CC");
    const checked = wrapCommand({ ...input, spi: parseSpi(fromHex("1200")) }, exampleKeys());
    expect(textOf(of(toHex(checked.packet)))).toContain("CC not checked: no key");
    expect(textOf(of(toHex(checked.packet), { keys: exampleKeys() }))).not.toContain("not checked");
  });

  it("does not say so of what keys verify", () => {
    const hex = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";
    const answered = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12 };
    expect(of(hex, { keys: exampleKeys(), answered }).node.value).not.toContain("authenticated");
  });
});

describe("lengths that do not fit", () => {
  it.each([
    ["0270000000", "CPL 0: a packet counts at least 14"],
    ["0271003300004455667788", "RPL counts 13056 octets, 6 are here"],
    ["0271003300004455667788", "RHL 0: the header alone has 10"],
    ["0270000005011516391212", "CPL 5: a packet counts at least 14"],
    ["80E288001A3A0312", "26 octets announced, 3 present"],
    ["AA20220580CA006600", "32 octets announced, 7 present"],
  ])("%s: %s", (hex, message) => {
    expect(errorsOf(hex)).toContain(message);
  });

  it("never counts below nothing", () => {
    for (let octet = 0; octet < 256; octet++) {
      const length = octet.toString(16).padStart(2, "0");
      for (const hex of [`027000${length}00${length}`, `02710000${length}${length}00000000000000000000000000`]) {
        expect(textOf(explain(fromHex(hex), { as: "tp-ud" }))).not.toMatch(/(?<![\w/])-\d+ octets/);
      }
    }
  });

  it("takes the first of several messages for what it is", () => {
    const found = of("070003110201700000F815163912120000011301E04CCBF6F238DDC19DF8B87CEB8497");
    expect(part(found, "CPL").note).toContain("the rest is in the next messages");
    expect(errorsOf("070003110201700000F815163912120000011301E04CCBF6F238DDC19DF8B87CEB8497")).toEqual([]);
  });
});

describe("identities and names", () => {
  it("names an ATR whose TCK is wrong, and still reads it", () => {
    const found = of("3B9F96803FC7828031E073FE211F574F54412D53494D67");
    expect(found.type).toBe("atr");
    expect(found.node.note).toContain("TCK is wrong");
    expect(part(found, "TCK").value).toBe("wrong: 66 would be right");
    expect(part(found, "historical bytes").children.length).toBeGreaterThan(2);
  });

  it("reads an IMEI alike wherever it stands", () => {
    const words = "122334455667788, with 1 in place of A as the type of identity";
    const notification =
      "E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014081122334455667788";
    expect(part(of(notification), "IMEI").value).toBe(words);
    expect(part(of("81030126018202828183010014081122334455667788"), "IMEI").value).toBe(words);
    expect(part(of("81030126018202828183010014083A55440033221106"), "IMEI").value).toBe("355440033221160");
  });

  it("names the object identifiers of secure channels as cards write them", () => {
    const tree = textOf(of(oids));
    for (const words of ["SCP80, i = 00", "SCP81, i = 04", "SCP03, i = 70", "card identification scheme"]) {
      expect(tree).toContain(words);
    }
  });

  it("says that a signature was cut", () => {
    const certificate = `7F2146 5F373F${"A1".repeat(63)}7F490101`;
    expect(textOf(explain(fromHex(certificate), { as: "certificate" }))).toContain("63 octets in place of 64");
    const control = "3A0217A615900203099501108001888101108201018301309100";
    const data = `${control}7F490104 5F373F${"A1".repeat(63)}`.replace(" ", "");
    const command = `80E28900${(data.length / 2).toString(16)}${data}`;
    expect(textOf(explain(fromHex(command)))).toContain("63 octets in place of 64");
  });

  it("names the vendor's port and timer in a session trigger", () => {
    const found = of("81148312840E350103EE0222B8EF0200C83C030220FB8600");
    expect(part(found, "vendor: port (EE)").value).toBe("8888");
    expect(part(found, "vendor: timer (EF)").value).toBe("200");
  });

  it("hints at a C-APDU without its tag 22", () => {
    expect(part(of("AE8080500000080011223344556677"), "unknown object 80").note).toContain("without its tag 22");
  });
});

/** Card recognition data as a card writes them: the numbers of SCP80 and SCP81 as octets. */
const oids = "662E732C06072A864886FC6B0306092A864886FC6B04800006092A864886FC6B04810406092A864886FC6B040370";

describe("short messages", () => {
  it.each([
    ["040B911346610089F60000208062917314080CC8F71D14969741F977FD070000", "sms-tpdu", "0000"],
    ["07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07FFFF", "sms-pdu", "FFFF"],
  ])("%s: octets behind the TPDU are no part of it", (hex, type, behind) => {
    const found = of(hex);
    expect(found.type).toBe(type);
    expect(found.node.value).toContain('"How are you?"');
    expect(part(found, "octets behind the TPDU").hex).toBe(behind);
  });

  it("counts TP-UDL in septets by the coding scheme, not by the length", () => {
    // Six characters: as many septets as octets.
    expect(part(of("040B911346610089F600002080629173140806C8329BFD0E01"), "TP-UDL").value).toBe("6 septets");
    expect(part(of("040B911346610089F600042080629173140802ABCD"), "TP-UDL").value).toBe("2 octets");
  });

  it("does not make an @ of the filling behind 8n-1 characters, and keeps one that is there", () => {
    const seven = "040B911346610089F600002080629173140807E8329BFD66B501";
    expect(of(seven).node.value).toMatch(/"[^"@]{7}"$/);
    expect(of(seven.replace("0807E8", "0808E8")).node.value).toMatch(/"[^"@]{7}@"$/);
  });
});
