import { describe, expect, test } from "vitest";
import { identifiersIn, maskIdentifiers } from "../../../src/link/secrets/masked-identifiers.ts";

const iccid = "898600B5000000713264";
const imsi = "001010773051826";
const imei = "867698047305164";
const eid = "89049032730517730517730518264135";
const swap = (text: string) => text.replace(/(.)(.)/g, "$2$1");
const hex = (text: string) => Buffer.from(text).toString("hex");
const mask = maskIdentifiers([iccid, imsi, imei, eid]);

describe("identifiers in a recorded dialog", () => {
  test.each([
    ["an ICCID in lower case", `+QCCID: ${iccid.toLowerCase()}`],
    ["with separators", "ICCID 8986-00B5-0000-0071-3264"],
    ["with its nibbles swapped", `+CRSM: 144,0,"${swap(iccid)}"`],
    ["with its nibbles swapped, in lower case", `+CRSM: 144,0,"${swap(iccid).toLowerCase()}"`],
    ["without its check digit", `^ICCID: ${iccid.slice(0, -1)}`],
    ["within an APDU's answer", `+CSIM: 24,"${swap(iccid)}9000"`],
    ["an IMSI as EF IMSI holds it", `+CRSM: 144,0,"08${swap(`9${imsi}`)}"`],
    ["as characters in hexadecimal", `+CIMI: "${hex(imsi)}"`],
    ["as UCS2", `+CIMI: "${Buffer.from(imsi, "utf16le").swap16().toString("hex").toUpperCase()}"`],
    ["an IMEI with blanks", "IMEI: 867698 04 730516 4"],
    ["an IMEI with its software version", `+CGSN: ${imei.slice(0, 14)}01`],
    ["an IMEI as a mobile identity", `08${swap(`A${imei}`)}`],
    ["an EID in an answer of the card", `+CSIM: 40,"5A10${eid}9000"`],
  ])("%s", (_, text) => {
    const shown = mask(text);
    expect(shown).not.toBe(text);
    expect(shown.length).toBe(text.length);
    const digits = (line: string) => line.replace(/[^0-9A-Fa-f]/g, "").toUpperCase();
    for (const secret of ["7132", "7305", swap("0713"), swap("7305"), hex("7305"), hex("0713")]) {
      expect(digits(shown)).not.toContain(secret.toUpperCase());
    }
  });

  test("the same identifier becomes the same one everywhere", () => {
    const one = mask(`+CCID: ${iccid}`).slice(7);
    expect(mask(`"${swap(iccid)}"`)).toBe(`"${swap(one)}"`);
  });

  test("other digits stay", () => {
    for (const line of ["+CSQ: 20,99", '+COPS: 0,2,"00101",7', "AT+CRSM=176,12258,0,0,10", "EG25GGBR07A08M2G"])
      expect(mask(line)).toBe(line);
  });

  test("what nobody asked for is found by its look", () => {
    expect(identifiersIn('+CGSN: "352099001761481"')).toEqual(["352099001761481"]);
    expect(identifiersIn('+SQNCCID: "8934071179000123456F",""')).toEqual(["8934071179000123456F"]);
    expect(identifiersIn(`EID ${eid}`)).toEqual([eid]);
    expect(identifiersIn("0891947122723033040C9194713900303300")).toEqual([]);
  });
});
