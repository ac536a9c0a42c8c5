import { describe, expect, it } from "vitest";
import { Parameters, splitLine } from "../../../simulators/modem/command-line.ts";

const names = (body: string) => splitLine(body)?.map(({ name, form, tail }) => [name, form, tail]);

describe("command line", () => {
  it("splits basic and extended commands as V.250 joins them", () => {
    expect(names("E0V1X4&C1+CMEE=1;+CREG=2;+CSQ")).toEqual([
      ["E", "execute", "0"],
      ["V", "execute", "1"],
      ["X", "execute", "4"],
      ["&C", "execute", "1"],
      ["+CMEE", "write", "1"],
      ["+CREG", "write", "2"],
      ["+CSQ", "execute", ""],
    ]);
  });

  it("distinguishes the four forms", () => {
    expect(names("+CPMS=?")).toEqual([["+CPMS", "test", ""]]);
    expect(names("+CPMS?")).toEqual([["+CPMS", "read", ""]]);
    expect(names('+CPMS="SM","SM"')).toEqual([["+CPMS", "write", '"SM","SM"']]);
    expect(names("S3=13S4?")).toEqual([
      ["S3", "write", "13"],
      ["S4", "read", ""],
    ]);
  });

  it("accepts vendors' prefixes and leaves semicolons in strings alone", () => {
    expect(names("#QSS=1;^SSTA?;$GPSP=?;*CNTI=2;!RESET;%XICCID")?.map(([name]) => name)).toEqual([
      "#QSS",
      "^SSTA",
      "$GPSP",
      "*CNTI",
      "!RESET",
      "%XICCID",
    ]);
    expect(names('+CUSD=1,"a;b",15;+CSQ')).toHaveLength(2);
  });

  it("takes dialling to the end of the line and refuses what makes no sense", () => {
    expect(names("D*99***1#;")).toEqual([["D", "execute", "*99***1#;"]]);
    expect(names("1234")).toBeUndefined();
    expect(names("+CSQ!x=")).toEqual([["+CSQ!X", "write", ""]]);
    expect(names("")).toEqual([]);
  });

  it("reads parameters by position", () => {
    const parameters = new Parameters('1,"a,b",,"",+49');
    expect([0, 1, 2, 3, 4, 5].map((index) => parameters.text(index))).toEqual([
      "1",
      "a,b",
      undefined,
      "",
      "+49",
      undefined,
    ]);
    expect(parameters.number(0, 0, 3)).toBe(1);
    expect(parameters.number(1)).toBeNaN();
    expect(parameters.number(2)).toBeUndefined();
    expect(parameters.number(0, 2, 3)).toBeNaN();
  });
});
