import { describe, expect, test } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { ArgReader, parseArgs, parseRanges, quote, splitLine } from "../../../src/codec/at/args.ts";
import { commandShape, publicLine } from "../../../src/codec/at/line-name.ts";
import { parseFinal } from "../../../src/codec/at/result.ts";
import { headerLength, parseRegistration, parseStored } from "../../../src/codec/at/urc.ts";

const texts = (rest: string) => parseArgs(rest).map(({ text }) => text);

describe("parameters of AT lines", () => {
  test.each([
    ['2,1,"1A2B","0012C3D4",7', ["2", "1", "1A2B", "0012C3D4", "7"]],
    ['0,0,"Operator, Ltd",7', ["0", "0", "Operator, Ltd", "7"]],
    ["1,,22", ["1", "", "22"]],
    ["2,1, 1F00, 20 ,79D903 ,7", ["2", "1", "1F00", "20", "79D903", "7"]],
    ['(2,"A","B","00101",7),,(0-4),(0-2)', ['(2,"A","B","00101",7)', "", "(0-4)", "(0-2)"]],
    ['"unended', ["unended"]],
    ["", []],
  ])("%s", (rest, expected) => expect(texts(rest)).toEqual(expected));

  test.each([
    ['+CSIM: 4,"9000"', "+CSIM", '4,"9000"'],
    ['+CGLA:4,"611A"', "+CGLA", '4,"611A"'],
    ["+QSIMSTAT : 1,0", "+QSIMSTAT", "1,0"],
    ["^SYSSTART", undefined, "^SYSSTART"],
    ["Revision: 1", undefined, "Revision: 1"],
    ["#QSS:1", "#QSS", "1"],
  ])("%s has the prefix %s", (text, prefix, rest) => {
    expect(splitLine(text)).toEqual(prefix === undefined ? { rest } : { prefix, rest });
  });

  test("errors name the command and the field", () => {
    const reader = new ArgReader(parseArgs('"x"'), "+CSQ");
    expect(() => reader.int("rssi")).toThrow(
      expect.objectContaining({ code: "codec.text", message: "+CSQ: rssi is not a number" }),
    );
  });

  test("strings are quoted and never end the line", () => {
    expect(quote('a"b')).toBe('"a\\22b"');
    expect(() => quote("a\rAT+CFUN=0")).toThrow(expect.objectContaining({ code: "codec.text" }));
  });

  test("test answers become lists of values", () => {
    expect(parseRanges("(0-2),(0,1),(0,2),(0),(1)")).toEqual([["0", "1", "2"], ["0", "1"], ["0", "2"], ["0"], ["1"]]);
    expect(parseRanges('("SM","ME")')).toEqual([["SM", "ME"]]);
  });
});

describe("AT lines as a whole", () => {
  test.each([
    ["AT+COPS=3,2;+COPS?", ["+COPS", "+COPS"], "read"],
    ['AT+CSIM=10,"00;A4?"', ["+CSIM"], "set"],
    ["ATE0", [], "basic"],
    ["at^scid", ["^SCID"], "execute"],
    ["AT+CNMI=?", ["+CNMI"], "test"],
    ["ATE0+CMEE=1", ["+CMEE"], "set"],
  ])("%s", (line, names, form) => expect(commandShape(line)).toMatchObject({ names, form }));

  test.each([
    ['AT+CPIN="1234"', "AT+CPIN=***"],
    ["AT+CPIN?", "AT+CPIN?"],
    ['AT+CPWD="SC","1234","4321"', "AT+CPWD=***"],
    ['AT+CSIM=26,"0020000108313233343FFFFFFF"', 'AT+CSIM=26,"0020000108***"'],
    ['AT+CGLA=1,26,"0120000108313233343FFFFFFF"', 'AT+CGLA=1,26,"0120000108***"'],
    ['AT+CSIM=14,"00A40004023F00"', 'AT+CSIM=14,"00A40004023F00"'],
  ])("%s is shown as %s", (line, shown) => expect(publicLine(line)).toBe(shown));

  test.each([
    ["OK", "ok", undefined],
    ["+CME ERROR: 14", "cme", 14],
    ["+CME ERROR:14", "cme", 14],
    ["+CME ERROR: SIM not inserted", "cme", 10],
    ["+CME ERROR: Operation not supported", "cme", 4],
    ["+CME ERROR: (U)SIM busy", "cme", 14],
    ["+CME ERROR: something new", "cme", undefined],
    ["+CMS ERROR: SMSC address unknown", "cms", 330],
    ["+CMS ERROR: 500", "cms", 500],
    ["COMMAND NOT SUPPORT", "error", undefined],
    ["MODEM ERROR: 4", "error", undefined],
    ["CONNECT 150000000", "connect", undefined],
    ["NO CARRIER", "call", undefined],
  ])("%s ends a command as %s", (line, kind, code) => {
    expect(parseFinal(line)).toMatchObject(code === undefined ? { kind } : { kind, code });
  });

  test.each(["+CME ERROR:", "+CME ERROR: ", "OKAY", "ERRORS", "+CSQ: 1,2"])("%j ends nothing", (line) => {
    expect(parseFinal(line)).toBeUndefined();
  });

  test.each([
    ['+CREG: 2,1,"1A2B","0012C3D4",7', true, "home", 0x1a2b],
    ['+CREG: 5,"1A2C","0012C3D5",7', false, "roaming", 0x1a2c],
    ["+CEREG: 0", false, "not-searching", undefined],
    ["+CEREG: 0,1", true, "home", undefined],
    ['+CREG:002,001,"18d8","ffff"', true, "home", 0x18d8],
    ["+CEREG: 2,1, 1F00, 20 ,79D903 ,7", true, "home", 0x1f00],
    ["+CEREG: 5, 8D83, 0671F98A, 7", false, "roaming", 0x8d83],
  ])("%s", (text, solicited, state, area) => {
    expect(parseRegistration(text)).toMatchObject({ solicited, state, ...withoutUndefined({ area }) });
  });

  test("a rejection shows its cause", () => {
    expect(parseRegistration('+CEREG: 3,"FFFE","FFFFFFFF",7,0,11')).toMatchObject({ state: "denied", rejectCause: 11 });
  });

  test("headers contain the length of the PDU, stored messages their index", () => {
    expect(headerLength('+CMT: "",159')).toBe(159);
    expect(headerLength('+CMGL: 3,1,"",22')).toBe(22);
    expect(headerLength("+CDS: 25")).toBe(25);
    expect(parseStored('+CMTI: "SM",4')).toEqual({ memory: "SM", index: 4 });
  });
});
