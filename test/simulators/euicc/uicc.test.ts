import { describe, expect, it } from "vitest";
import { milenage } from "../../../simulators/euicc/algorithms/milenage.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { bench } from "./terminal.ts";

/** A powered card; commands with 61xx and 6Cxx served. */
function uicc(options: Parameters<typeof bench>[0] = {}) {
  const set = bench(options);
  set.card.powerOn();
  return {
    ...set,
    apdu: (command: string) => set.terminal.apdu(command),
    raw: (command: string) => set.terminal.raw(command),
  };
}

const pin = (digits: string) => Buffer.from(digits).toString("hex").padEnd(16, "f").toUpperCase();

describe("the UICC", () => {
  it("selects by FID, path, parent and partial AID and describes what it selected", async () => {
    const { apdu } = uicc();
    expect(await apdu("00A40004023F00")).toMatch(/^62.*82027821 ?83023F00.*C6.*9000$/);
    expect(await apdu("00A4040407A0000000871002")).toMatch(/8410A0000000871002FFFFFFFF8907090000/);
    expect(await apdu("00A40004026F07")).toMatch(/^62.*8202412183026F07.*8A0105.*80020009.*9000$/);
    expect(await apdu("00A40304")).toMatch(/83023F00/);
    expect(await apdu("00A40804047FFF6F07")).toMatch(/83026F07/);
    expect(await apdu("00A40804047F106F3A")).toMatch(/82054221001C32/);
    expect(await apdu("00A40004027FFF")).toMatch(/83027FFF/);
    expect(await apdu("00A40004026FFE")).toBe("6A82");
    expect(await apdu("00A4040405A000000099")).toBe("6A82");
    expect(await apdu("00A40C04023F00")).toBe("6A86");
    expect(await apdu("00A40004013F")).toBe("6700");
    expect(await apdu("00A4000C023F00")).toBe("9000");
  });

  it("reads and updates with the procedure bytes of T=0", async () => {
    const { raw, apdu, state } = uicc();
    await apdu("00A40004022FE2");
    expect(await raw("00B0000000")).toBe("6C0A");
    expect(await raw("00B000000B")).toBe("6C0A");
    expect(await raw("00B0000A01")).toBe("6B00");
    expect(await raw("00B0820003")).toMatch(/^988842?.*9000$/);
    expect(await raw("00D6000001AA")).toBe("6982");
    await apdu("00A4040407A0000000871002");
    await apdu("00A40004026F7B");
    expect(await raw("00D600000321F354")).toBe("9000");
    expect(await raw("00B0000003")).toBe("21F3549000");
    expect(await raw("00D6000B020102")).toBe("6700");
    expect(state.profiles[0]?.files["7FFF/6F7B"]?.[0]).toMatch(/^21F354/);
    await apdu("00A40004027F20");
    await apdu("00A40004026F7B");
    expect(await raw("00B0000003")).toBe("21F3549000");
  });

  it("walks, writes and searches records", async () => {
    const { raw, apdu } = uicc();
    await apdu("00A40804047F106F3A");
    const record = `4142${"FF".repeat(26)}`;
    expect(await raw(`00DC02041C${record}`)).toBe("9000");
    expect(await raw("00B2020400")).toBe("6C1C");
    expect(await raw("00B202041C")).toBe(`${record}9000`);
    expect(await raw("00B200021C")).toBe(`${"FF".repeat(28)}9000`);
    expect(await raw("00B200021C")).toBe(`${record}9000`);
    expect(await raw("00B233041C")).toBe("6A83");
    expect(await apdu("00A20104024142")).toBe("029000");
    expect(await apdu("00A20104024344")).toBe("6282");
    expect(await raw("00B0000001")).toBe("6981");
    expect(await raw("00DC020401AA")).toBe("6700");
  });

  it("guards files by PIN and counts attempts durably", async () => {
    const { raw, apdu, state } = uicc();
    expect(await raw("0020000100")).toBe("63C3");
    expect(await raw(`0028000108${pin("1234")}`)).toBe("9000");
    const other = bench({}, { state });
    other.card.powerOn();
    const again = other.terminal;
    await again.apdu("00A4040407A0000000871002");
    await again.apdu("00A40004026F07");
    expect(await again.raw("00B0000009")).toBe("6982");
    expect(await again.raw(`0020000108${pin("9999")}`)).toBe("63C2");
    expect(await again.raw(`0020000108${pin("9999")}`)).toBe("63C1");
    expect(await again.raw(`0020000108${pin("9999")}`)).toBe("63C0");
    expect(await again.raw(`0020000108${pin("1234")}`)).toBe("6983");
    expect(await again.raw(`002C000110${pin("12345678")}${pin("4321")}`)).toBe("9000");
    expect(await again.raw("00B0000009")).toMatch(/9000$/);
    expect(await again.raw(`0024000110${pin("4321")}${pin("1111")}`)).toBe("9000");
    expect(await again.raw(`0026000108${pin("1111")}`)).toBe("9000");
    expect(await raw("0020000500")).toBe("6A88");
    await apdu("00A40004023F00");
  });

  it("keeps logical channels apart", async () => {
    const { raw, apdu } = uicc();
    expect(await raw("0070000000")).toBe("6C01");
    expect(await raw("0070000001")).toBe("019000");
    expect(await raw("0070000400")).toBe("9000");
    await raw("00A4000C022FE2");
    expect(await raw("01B000000A")).toBe("6986");
    expect(await raw("00B000000A")).toMatch(/9000$/);
    expect(await raw("40A4000C023F00")).toBe("9000");
    expect(await raw("41A4000C023F00")).toBe("6881");
    expect(await raw("8112000000")).toBe("6881");
    expect(await raw("00708001")).toBe("9000");
    expect(await raw("01B000000A")).toBe("6881");
    expect(await apdu("00A40004023F00")).toMatch(/9000$/);
  });

  it("answers wrong classes, instructions, parameters and lengths", async () => {
    const { raw } = uicc();
    expect(await raw("A0A40000023F00")).toBe("6E00");
    expect(await raw("80A40000023F00")).toBe("6E00");
    expect(await raw("00F2000000")).toBe("6E00");
    expect(await raw("00EE000000")).toBe("6D00");
    expect(await raw("04A40000023F00")).toBe("6882");
    expect(await raw("80F2040000")).toBe("6A86");
    expect(await raw("00")).toBe("6700");
    expect(await raw("00A40004053F00")).toBe("6700");
    expect(await raw("00C0000010")).toBe("6985");
    expect(await raw("8014000003810103")).toBe("6985");
    expect(await raw("80AA000004A9028100")).toBe("9000");
    expect(await raw("0084000008")).toMatch(/^.{16}9000$/);
    expect(await raw("80F2000C00")).toBe("9000");
  });

  it("gives up response data that nobody collects", async () => {
    const { raw } = uicc();
    expect(await raw("00A40004023F00")).toMatch(/^61/);
    expect(await raw("80F2000C00")).toBe("9000");
    expect(await raw("00C0000002")).toBe("6985");
    const length = (await raw("00A40004023F00")).slice(2);
    expect(await raw("00C0000002")).toMatch(/^62..61/);
    expect(await raw("00C00000FF")).toMatch(/^6C/);
    expect(length).not.toBe("00");
  });

  it("hands data out at once when it speaks T=1", async () => {
    const { raw } = uicc({ settings: { protocol: "t1" } });
    expect(await raw("00A40004023F0000")).toMatch(/^62.*9000$/);
    expect(await raw("00A40004023F00")).toBe("9000");
  });

  it("authenticates by Milenage (3GPP TS 35.207, set 1) and resynchronises", async () => {
    const hex = fromHex;
    const ki = "465B5CE8B199B49FAA5F0A2EE238A6BC";
    const opc = "CD63CB71954A9F4E48A5994E37A02BAF";
    const rand = "23553CBE9637A89D218AE64DAE47BF35";
    const set = milenage(hex(ki), hex(opc), hex(rand), hex("FF9BB4D0B607"), hex("B9B9"));
    expect(toHex(set.macA)).toBe("4A9FFAC354DFAFB3");
    expect(toHex(set.macS)).toBe("01CFAF9EC4E871E9");
    expect(toHex(set.res)).toBe("A54211D5E3BA50BF");
    expect(toHex(set.ck)).toBe("B40BA9A3C58B2A05BBF0D987B21BF8CB");
    expect(toHex(set.ik)).toBe("F769BCD751044604127672711C6D3441");
    expect(toHex(set.ak)).toBe("AA689C648370");
    expect(toHex(set.akStar)).toBe("451E8BECA43B");
    const { apdu, state } = uicc();
    const [profile] = state.profiles;
    if (profile) profile.authentication = { algorithm: "milenage", ki, opc, sqn: "000000000000" };
    await apdu("00A4040407A0000000871002");
    const autn = "55F328B43577B9B94A9FFAC354DFAFB3";
    expect(await apdu(`008800812210${rand}10${autn}`)).toMatch(
      /^DB08A54211D5E3BA50BF10B40BA9A3C58B2A05BBF0D987B21BF8CB10F769BCD751044604127672711C6D344108.{16}9000$/,
    );
    expect(await apdu(`008800812210${rand}10${autn}`)).toMatch(/^DC0E.{28}9000$/);
    expect(await apdu(`008800812210${rand}10${autn.slice(0, -2)}00`)).toBe("9862");
  });

  it("shows EID and certificate in its ECASD, and asks for security before ES5", async () => {
    const { apdu } = uicc();
    expect(await apdu("00A4040010A0000005591010FFFFFFFF890000020000")).toMatch(/^6F.*9000$/);
    expect(await apdu("80CA005A00")).toBe("5A10890010120123412340123456789012249000");
    expect(await apdu("80CABF30045C027F2100")).toMatch(/^BF3081..7F2181.*9000$/);
    expect(await apdu("00A4040010A0000005591010FFFFFFFF8900000100")).toMatch(/^6F.*9000$/);
    expect(await apdu("80F24002024F00")).toBe("6982");
    expect(await apdu("80E28800153A03124F10A0000005591010FFFFFFFF8900001300")).toBe("6982");
  });
});

describe("the XOR test algorithm (3GPP TS 34.108 §8.1.2)", () => {
  it("answers a challenge built from the same key, and refuses another", async () => {
    const { apdu, state } = uicc();
    const ki = fromHex("000102030405060708090A0B0C0D0E0F");
    const [profile] = state.profiles;
    if (profile)
      profile.authentication = { algorithm: "xor", ki: toHex(ki), opc: "00".repeat(16), sqn: "000000000000" };
    const rand = new Uint8Array(16).fill(0x11);
    const xres = ki.map((octet, i) => octet ^ (rand[i] ?? 0));
    const sqn = fromHex("000000000020");
    const amf = fromHex("8000");
    const hidden = sqn.map((octet, i) => octet ^ (xres[3 + i] ?? 0));
    const mac = [...sqn, ...amf].map((octet, i) => octet ^ (xres[i] ?? 0));
    const autn = toHex(Uint8Array.from([...hidden, ...amf, ...mac]));
    await apdu("00A4040407A0000000871002");
    expect(await apdu(`008800812210${toHex(rand)}10${autn}`)).toMatch(
      new RegExp(`^DB10${toHex(xres)}10.{32}10.{32}08.{16}9000$`),
    );
    expect(await apdu(`008800812210${toHex(rand)}10${autn.slice(0, -2)}FF`)).toBe("9862");
    expect(await apdu(`008800801110${toHex(rand)}`)).toMatch(/^04.{8}08.{16}9000$/);
    expect(await apdu(`008800821110${toHex(rand)}`)).toBe("6A86");
  });
});
