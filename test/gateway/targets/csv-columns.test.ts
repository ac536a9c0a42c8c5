import { describe, expect, it } from "vitest";
import { type Column, columnsOf } from "../../../src/gateway/targets/csv-columns.ts";

/** The purpose of one column, in short. */
function purpose(name: string): string {
  const [column] = columnsOf([name], 1).columns;
  return column === undefined ? "none" : short(column);
}

function short(column: Column): string {
  switch (column.kind) {
    case "field":
      return `the target's ${column.field}`;
    case "scp80":
      return `${column.part} of set ${column.set}`;
    case "psk":
      return `${column.part} of the PSK`;
    case "ignored":
      return "ignored";
  }
}

function refusal(header: readonly string[], line = 1): { code: string; message: string; detail: unknown } {
  try {
    columnsOf(header, line);
  } catch (error) {
    return Object(error);
  }
  throw new Error("the header line was accepted");
}

describe("the columns of docs/eis.md", () => {
  it.each(["eid", "iccid", "imsi", "msisdn", "name", "tags"])("%s describes the target", (name) => {
    expect(purpose(name)).toBe(`the target's ${name}`);
  });

  it.each([
    ...["kvn", "algorithm", "kic", "kid", "dek", "cntr", "tars"].map((name) => [name, name] as const),
    ["kik", "dek"] as const,
  ])("%s is the %s of the key set whose KVN is in its own column", (name, part) => {
    expect(purpose(name)).toBe(`${part} of set 0`);
  });

  it.each([
    ["KIC1", "kic of set 1"],
    ["KID1", "kid of set 1"],
    ["KIK1", "dek of set 1"],
    ["KIC15", "kic of set 15"],
    ["KIK15", "dek of set 15"],
    ["SCP80_KIC1", "kic of set 1"],
    ["SCP80_KIK12", "dek of set 12"],
    ["OTA_KID3", "kid of set 3"],
    ["kic_2", "kic of set 2"],
    ["cntr4", "cntr of set 4"],
    ["algorithm5", "algorithm of set 5"],
    ["tars_6", "tars of set 6"],
    ["DEK7", "dek of set 7"],
  ])("%s: the number is the KVN", (name, meaning) => {
    expect(purpose(name)).toBe(meaning);
  });

  it.each(["psk", "psk_kvn", "psk_identity"])("%s belongs to the SCP81 key set", (name) => {
    expect(purpose(name)).toBe(`${name} of the PSK`);
  });

  it.each([
    ...["KI", "OP", "OPC", "ADM1", "PIN1", "PUK1", "ACC", "ID"],
    ...["UICC_SCP02_KIC1", "UICC_SCP03_ENC1", "SCP02_ENC_ISDR", "SCP03_DEK_ISDR"],
  ])("%s is ignored", (name) => {
    expect(purpose(name)).toBe("ignored");
  });
});

describe("the spelling of a column", () => {
  it.each([
    ["EID", "the target's eid"],
    ["  Iccid ", "the target's iccid"],
    ["PSK-KVN", "psk_kvn of the PSK"],
    ["psk identity", "psk_identity of the PSK"],
    ["Psk.Identity", "psk_identity of the PSK"],
    ["scp80 kic1", "kic of set 1"],
  ])("%j: %s", (name, meaning) => {
    expect(purpose(name)).toBe(meaning);
  });

  it("is in small letters where the names are listed", () => {
    expect(columnsOf(["EID", "Psk KVN"], 1).names).toEqual(["eid", "psk_kvn"]);
  });
});

describe("a header line that is refused", () => {
  it.each([
    // A SCP80 key set has KVN 1 to 15. TS 102 225 §5.1.2
    ["KVN 0", ["eid", "kic0"], "kic0"],
    ["KVN 16", ["eid", "kic16"], "kic16"],
    ["a misspelled column", ["eid", "kicc"], "did you mean 'kic'?"],
    ["a column without a name", ["eid", ""], "column 2 has no name"],
    ["a column that occurs twice", ["eid", "kic", "eid"], "column 'eid' is duplicated"],
    ["one column in two spellings", ["PSK KVN", "psk_kvn"], "column 'psk_kvn' is duplicated"],
  ])("%s", (_, header, words) => {
    const { code, message, detail } = refusal(header, 3);
    expect(code).toBe("target.invalid");
    expect(message).toContain(words);
    expect(message).toMatch(/^line 3: /);
    expect(detail).toMatchObject({ line: 3 });
  });

  it("does not repeat a name that may be a key", () => {
    const key = "00112233445566778899AABBCCDDEEFF";
    const error = refusal(["eid", key]);
    expect(`${error.message} ${JSON.stringify(error.detail)}`.toUpperCase()).not.toContain(key);
  });
});
