import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { explain, explainAs } from "../../src/explain/explain.ts";
import { Assembler } from "../../src/explain/packet/assembled.ts";
import { scp80Vectors, textAt, textsAt } from "../scp80-vectors.ts";
import { enableEnvelope, exampleKeys, nodes, part, textOf } from "./worked.ts";

const of = (hex: string, options = {}) => explain(fromHex(hex), options);

describe("an ENVELOPE with a secured packet", () => {
  it("opens down to the ES5 function when there are keys", () => {
    const found = of(enableEnvelope, { keys: exampleKeys() });
    expect(found.type).toBe("c-apdu");
    expect(found.node.value).toContain("EnableProfile ISD-P 000013");
    expect(part(found, "CNTR")).toMatchObject({ hex: "0000000001", offset: 49 });
    expect(part(found, "RC/CC/DS")).toMatchObject({ hex: "FCFB0A8AC91D3012", value: "CC verifies", offset: 55 });
    expect(part(found, "AID (4F)")).toMatchObject({ value: "ISD-P 000013", offset: 75 });
  });

  it("says what is in clear when there are none", () => {
    const found = of(enableEnvelope);
    expect(found.node.value).toContain("from 0123, SMS 1/1, command packet TAR 000001 (ISD-R), ciphered");
    expect(part(found, "SPI")).toMatchObject({ hex: "1639", clause: "TS 102 225 §5.1.1" });
  });

  it("says so when the keys are wrong", () => {
    const keys = exampleKeys();
    const found = of(enableEnvelope.replace(/98$/, "99"), { keys });
    expect([...nodes(found.node)].find((node) => node.error !== undefined)?.error?.code).toBe("packet.cc");
  });
});

describe("worked examples of SGP.02 traffic", () => {
  const answered = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12 };

  it("opens a ciphered PoR with its command's SPI", () => {
    const hex = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";
    const found = of(hex, { keys: exampleKeys(), answered });
    expect(found.node.value).toContain("CNTR 0000000001, status 00 PoR OK; answer to an expanded script");
    expect(part(found, "RC/CC/DS").hex).toBe("BDFB56922DFC9BB6");
  });

  it.each([
    ["AA0F220D80E28900073A08044E02000100", "script", "HandleNotificationConfirmation, sequence 1"],
    ["AB1B800101231680124F10A0000005591010FFFFFFFF89000012009000", "script-response", "deleted ISD-P 000012"],
    [
      "AE80224580E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C00006C9048102037000000000",
      "script",
      "CreateISDP ISD-P 000014",
    ],
    [
      "80E60C004510A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C0000CC90481020370EF04830280000000",
      "c-apdu",
      "CreateISDP ISD-P 000014, 32768 octets of memory",
    ],
    ["80E40040124F10A0000005591010FFFFFFFF890000120000", "c-apdu", "DeleteProfile ISD-P 000012"],
    ["80E28800153A05124F10A0000005591010FFFFFFFF890000130000", "c-apdu", "SetFallbackAttribute ISD-P 000013"],
    ["80E400000AF20301 0103F20341010200", "c-apdu", "FinaliseISDRhandover, keep KVN 01 ids 1-3, KVN 41 ids 1-2"],
    ["80E288000F3A070CA30A81080B911234567890F1", "c-apdu", "UpdateSMSRAddressingParameters"],
    [
      "80E40040424F10A0000005591010FFFFFFFF8900001300B61C4205495344503145084953505344494E015F200547534D41019301019E104B9BBA4161327B5D1B1DE65EBCA0381D00",
      "c-apdu",
      "MasterDelete ISD-P 000013",
    ],
    [
      "AE80840A30000102030405060708851133C8F54E94BFC724BD7068E0C159A5086C0000",
      "script",
      "SCP03t INITIALIZE UPDATE; SCP03t EXTERNAL AUTHENTICATE",
    ],
    ["AF809F460101020000".replace("0101", "01"), "script-response", "SCP03t protected data error: security"],
    ["E3164F10A0000005591010FFFFFFFF89000013009F70013F9000", "r-apdu", "ISD-P 000013 ENABLED; 9000"],
    ["FF210D81010182040007 7E3083023A929000", "r-apdu", "491056 octets free; 9000"],
    [
      "800102811089001012012341234012345678901224 4F10A0000005591010FFFFFFFF8900000100820101830140",
      "psk-identity",
      "EID 89001012012341234012345678901224, SCP81 key set 40, key 1 (PSK)",
    ],
  ])("%s", (hex, type, words) => {
    const found = of(hex);
    expect(found.type).toBe(type);
    expect(found.node.value).toContain(words);
    expect([...nodes(found.node)].filter((node) => node.error !== undefined)).toEqual([]);
  });

  it("puts a packet of two messages together", () => {
    const segments = [
      "070003110201700000F815163912120000011301E04CCBF6F238DDC19DF8B87CEB8497417AA52337A911977655F9FC4FE325392425CACACCE4E51A17355946F86EA13FB2FB110C654417E53B00B4A6BF953D4287A8A77BD206C529EE8F80294204E10A4161C572A9EBEEFC8C414586660FE9F21AB91311289F18B37E7BC99D78025395253093883FAC3D52E1",
      "050003110202D77AA5559BDFFE757364FEFC67CB9DBFC05ADF9B7FA26FFE9293A38BB71FDB9DC148CF5F95DFAF225FE6EEADEEF22D8B7725D39807B0428C20CE9BA1D6FBA5F101F6D0FAE35D710D54A0F46F50810C4D97A859970546ABD40C11DCB3E243B1FA90CBA0AA871B4F2940550AB44D99C025068333696641",
    ].map((hex) => of(hex));
    expect(segments.map(({ node }) => node.label)).toEqual(["TP-UD", "TP-UD"]);
    const assembler = new Assembler({ keys: exampleKeys() });
    const [whole] = [...segments].reverse().flatMap((item) => assembler.take(item));
    expect(whole?.node.label).toBe("command packet");
    expect(whole?.node.note).toContain("put together from 2 short messages");
  });
});

describe("notifications", () => {
  const body =
    "E1354C10890010120123412340123456789012244D01024E02000 12F10A0000005591010FFFFFFFF890000130014081122334455667788";

  it("names type, sequence and the profile that is enabled", () => {
    const found = of(body);
    expect(found.type).toBe("notification");
    expect(found.node.value).toBe("profile change succeeded, sequence 1, enabled ISD-P 000013");
  });

  it("is found in a packet that is checked but not ciphered, and KIc nibble 0 is no fault there", () => {
    const found = of(`027000004D15020010120000010000000000005BA230D66B9D4492${body}`, { keys: exampleKeys() });
    expect(part(found, "KIc").value).toContain("nothing is ciphered");
    expect(part(found, "RC/CC/DS").value).toBe("CC verifies");
    expect(part(found, "notification").value).toContain("profile change succeeded");
  });

  it("tells the AID tag 4F of a fielded card from the standard's", () => {
    expect(part(of(body.replace("12F10", "14F10")), "ISD-P now enabled (4F)").note).toContain("2F");
  });
});

describe("what fielded cards and servers write", () => {
  it("cuts the status of the ENVELOPE off at RPL", () => {
    const found = of("02710000140A000001000000022B0000AF802303009000 00009000");
    expect(found.node.value).toContain("status 00 PoR OK");
    expect(part(found, "status word").note).toContain("outside RPL");
  });

  it("takes 01 6E00 for the compact answer to a mis-framed script", () => {
    const found = of("027100000E0A00000100000001840000016E00");
    expect(part(found, "answer to a compact script").note).toContain("mis-framed");
  });

  it("shows a script of tag AE with a definite length as hybrid", () => {
    expect(of("AE1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001300").node.label).toContain("hybrid");
  });

  it("says that a script without AA or AE is taken as compact", () => {
    const found = of("221A80E28800153A03124F10A0000005591010FFFFFFFF8900001300");
    expect(found.node.note).toContain("6E00");
  });

  it("explains a CPL that leaves out 8 octets of padding", () => {
    const short = `0030${enableEnvelope.slice(39 * 2 + 4)}`;
    const found = explain(fromHex(short), { as: "command-packet" });
    expect(part(found, "CPL").note).toContain("8 octets of cipher padding");
  });

  it("shows a bad format answer", () => {
    expect(of("AF80900101 0000").node.value).toBe("bad format: unknown tag");
  });
});

describe("CAT traffic of a whole session", () => {
  it.each([
    ["D009810301010482028182", "proactive-command", "REFRESH (UICC reset)"],
    ["D00D81030105008202818299 02090A", "proactive-command", "SET UP EVENT LIST: data available, channel status"],
    [
      "D0278103014001820281823501033902 05DC470908696E7465726E65743C030220FB3E0521C000020A",
      "proactive-command",
      "TCP client, remote 192.0.2.10:8443, access point internet",
    ],
    ["D0238103014300820281213618000102030405060708090A0B0C0D0E0F1011121314151617", "proactive-command", "24 octets"],
    ["80C2000010D60E99010982028281380281003701 1E", "c-apdu", "ENVELOPE event download, data available, channel 1"],
    ["801400000C810301050082028281830100", "c-apdu", "TERMINAL RESPONSE ok, to SET UP EVENT LIST"],
    [
      "801400000D81030141008202828183023A03",
      "c-apdu",
      "bearer independent protocol error: channel identifier not valid",
    ],
    ["80C200000ED70C82028281A40101A503000001", "c-apdu", "timer expiration"],
    [
      "D02781030113008202818386089194711532 5476F88B12410005A11032F47FF60802710000030 00102",
      "proactive-command",
      "SEND SHORT MESSAGE",
    ],
    ["D00E8103012180820281028D03044869", "proactive-command", "DISPLAY TEXT"],
    ["810301400182028281830100380281003501033902 05DC", "terminal-response", "ok, to OPEN CHANNEL"],
    ["801000000433010842", "c-apdu", "TERMINAL PROFILE"],
    ["D0108103010101820281829205013F002FE2", "proactive-command", "REFRESH (file change notification)"],
    ["80120000 0BD009810301010482028182 9000", "apdu-pair", "FETCH 11 -> REFRESH (UICC reset)"],
    ["00A40004023F006120", "apdu-pair", "SELECT MF -> 6120 normal ending, 32 octets of answer available"],
  ])("%s", (hex, type, words) => {
    const found = of(hex);
    expect(found.type).toBe(type);
    expect(found.node.value).toContain(words);
  });

  it.each([
    ["D009810301210082028102", "without its mandatory text string"],
    ["D00D8103012300820281828D020448", "without its mandatory response length"],
    ["D009810301250082028182", "without its mandatory alpha identifier and item"],
    ["D009810301130082028183", "without its mandatory SMS TPDU"],
    ["D00482028183", "without its mandatory command details"],
    ["D00E8103012180820281028D03044869", undefined],
    ["D009810301010082028182", undefined],
  ])("reports mandatory objects that %s lacks: %s", (hex, note) => {
    expect(of(hex).node.note).toBe(note);
  });

  it("names the facilities of a terminal profile", () => {
    expect(textOf(of("8010000004 33010842"))).toContain("SMS-PP data download");
  });
});

describe("identities", () => {
  it.each([
    ["89001012012341234012345678901224", "eid", "89001012012341234012345678901224"],
    ["89001012012341234012345678901225", "eid", "check digits do not hold"],
    ["A0000005591010FFFFFFFF8900000100", "aid", "ISD-R"],
    ["A0000000871002FFFFFFFF8907090000", "aid", "ADF.USIM"],
    ["988842173746655846F1", "iccid", "8988247173645685641"],
    ["089910070625042202", "imsi", "901706052402220"],
    ["3B9F96803FC7828031E073FE211F574F54412D53494D66", "atr", "T=0, Fi 512"],
    ["9000", "r-apdu", "normal ending"],
    ["000001", "tar", "ISD-R"],
    ["62178202412183022FE28A01058B032F06068002000A880110", "fcp", "EF.ICCID, transparent EF, 10 octets"],
  ])("%s", (hex, type, words) => {
    const found = of(hex);
    expect(found.type).toBe(type);
    expect(found.node.value).toContain(words);
  });
});

describe("readings", () => {
  it("lists the others, and takes the one that was asked for", () => {
    const found = of("016E00");
    expect([found.type, ...found.others]).toContain("r-apdu");
    expect(explainAs("r-apdu", fromHex("016E00")).value).toContain("6E00");
  });

  it("never fails: octets that are nothing known are said to be so", () => {
    expect(of("F7").type).toBe("unknown");
    expect(explain(new Uint8Array(0)).type).toBe("unknown");
  });

  it("shows the error and its offset where a structure ends too early", () => {
    const found = of("D009810301010482028102".slice(0, -4));
    const wrong = [...nodes(found.node)].find((node) => node.error !== undefined);
    expect(wrong?.error).toMatchObject({ code: "codec.truncated" });
  });
});

describe("vectors", () => {
  const typesOf = (group: string, path: string) =>
    new Set(scp80Vectors(group).flatMap((vector) => textsAt(vector, path).map((hex) => of(hex).type)));

  it.each(["command", "sgp02", "concat"])("recognises every form of the %s group", (group) => {
    expect(typesOf(group, "expect.packet")).toEqual(new Set(["command-packet"]));
    expect(typesOf(group, "expect.tp_ud")).toEqual(new Set(["tp-ud"]));
    expect(typesOf(group, "expect.sms.sms_deliver")).toEqual(new Set(["sms-tpdu"]));
    expect(typesOf(group, "expect.sms.sms_submit")).toEqual(new Set(["sms-tpdu"]));
    expect(typesOf(group, "expect.sms.envelope")).toEqual(new Set(["c-apdu"]));
  });

  it("recognises responses, scripts and their answers", () => {
    expect(typesOf("response", "in.tp_ud")).toEqual(new Set(["tp-ud"]));
    expect(typesOf("script", "expect.expanded_definite")).toEqual(new Set(["script"]));
    expect(typesOf("script_response", "in.data")).toEqual(new Set(["script-response"]));
  });

  it("shows the octets of the vector's own RC/CC when it opens a packet", () => {
    for (const vector of [...scp80Vectors("command"), ...scp80Vectors("sgp02")]) {
      const check = textAt(vector, "expect.rc_cc");
      if (check === "") continue;
      const found = of(textAt(vector, "expect.packet"), { keys: keysOf(vector) });
      expect(part(found, "RC/CC/DS").hex, vector.id).toBe(check);
    }
  });
});

function keysOf(vector: Parameters<typeof textAt>[0]) {
  const key = (path: string) => {
    const hex = textAt(vector, path);
    return hex === "" ? undefined : fromHex(hex);
  };
  return new PacketKeys({ kic: key("in.kic_key"), kid: key("in.kid_key") });
}
