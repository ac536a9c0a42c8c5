import { concatBytes, fromHex } from "../../../src/base/hex.ts";

/**
 * The file system templates that the card has, as its own table: which files an element makes, in the order of its
 * fields, and what they are like unless the package states otherwise. TCA eUICC Profile Package, annex A
 */

/** A file as its template has it. */
export interface TemplateFile {
  /** Tag of the file's field in the element. */
  readonly tag: number;
  readonly kind: "mf" | "df" | "adf" | "transparent" | "linear" | "cyclic" | "ber-tlv";
  /** Absent where the package has to give it (ADF, DF.EAP). */
  readonly fid: number | undefined;
  /** Octets of the file, or of a record. */
  readonly length: number | undefined;
  readonly records: number | undefined;
  /** Record of EF.ARR. */
  readonly rule: number;
  readonly sfi: number | undefined;
  /** Default contents of the file, or of a record, of `length` octets. */
  readonly fill: (length: number) => Uint8Array;
}

export interface Template {
  readonly files: readonly TemplateFile[];
  /** Files that the element does not name are made as well. */
  readonly complete: boolean;
  /** Its first file is the directory of the rest; otherwise they go into the application before. */
  readonly ownDirectory: boolean;
}

const kinds = {
  M: "mf",
  D: "df",
  A: "adf",
  T: "transparent",
  L: "linear",
  C: "cyclic",
  B: "ber-tlv",
} as const;

/** `07` = these octets, then FF; `..01` = FF, then these octets; `*00` = repeated; `-` = FF. */
function filler(text: string): TemplateFile["fill"] {
  const octets = (from: number) => fromHex(text.slice(from));
  if (text === "-") return (length) => new Uint8Array(length).fill(0xff);
  if (text.startsWith("*")) {
    const unit = octets(1);
    return (length) => Uint8Array.from({ length }, (_, i) => unit[i % unit.length] ?? 0);
  }
  const atEnd = text.startsWith("..");
  const given = octets(atEnd ? 2 : 0);
  return (length) => {
    const rest = new Uint8Array(Math.max(0, length - given.length)).fill(0xff);
    return (atEnd ? concatBytes(rest, given) : concatBytes(given, rest)).slice(0, length);
  };
}

/** Rows `FID kind length[xrecords] rule SFI fill`, a `-` where there is none. */
function table(rows: string, facts: Partial<Template> = {}): Template {
  const files = rows
    .trim()
    .split(/\s*;\s*|\n/)
    .map((row) => row.trim())
    .filter((row) => row !== "")
    .map((row, i): TemplateFile => {
      const [fid = "-", kind = "T", size = "-", rule = "10", sfi = "-", fill = "-"] = row.split(/\s+/);
      const [length, records] = size.split("x").map((part) => (part === "-" ? undefined : Number(part)));
      return {
        tag: i + 2 < 31 ? 0xa2 + i : 0xbf00 + i + 2,
        kind: kinds[kind as keyof typeof kinds],
        fid: fid === "-" ? undefined : Number.parseInt(fid, 16),
        length,
        records,
        rule: Number(rule),
        sfi: sfi === "-" ? undefined : Number.parseInt(sfi, 16),
        fill: filler(fill),
      };
    });
  return { files, complete: false, ownDirectory: true, ...facts };
}

const mf = table(
  `3F00 M - 14
   2F05 T 2 1 05
   2FE2 T 10 11 02
   2F00 L - 10 1E
   2F06 L - 10
   2F08 T 5 10 08 *00`,
  { complete: true },
);

const cd = table(`7F11 D - 14 ; 6F01 T - 2 ; 6F40 T - 2`);

const phonebookRows = `5F3A D - 14
   4F30 L - 2
   4F38 L 13 5 - 00
   4F40 L - 5
   4F48 L - 5
   4F22 T 4 5 - *00
   4F23 T 2 5 - *00
   4F24 T 2 5 - *00
   4F50 L - 5
   4F58 L - 5
   4F60 L 2 5 - *00
   4F68 L - 5
   4F70 L - 5
   4F78 L - 5
   4F80 L - 5
   4F88 L 2 5 - *00
   4F90 L - 5 - *00
   4F98 L - 5`;

const telecom = table(
  `7F10 D - 14
   6F06 L - 10
   6F53 L - 3
   6F54 T 22 3
   6FE0 L 24x50 9
   6FE1 L - 9
   6FE5 L - 5
   5F50 D - 14
   4F20 L - 2 - 00
   4F40 T - 2
   4F21 B - 9
   4F01 T - 10
   4F80 T - 10
   ${phonebookRows}
   5F3B D - 14
   4F47 B - 5
   4F48 B - 5
   5F3C D - 14
   4F20 T - 2 01
   4F21 T - 2 02
   4F22 T 1 2 03
   5F3D D - 14
   4F01 T - 2 01
   4F02 B - 2 02
   5F3E D - 14
   4F01 T - 2 01
   4F02 B - 2 02
   4F03 T - 2
   4F04 T - 2`,
);

/** ADF.USIM; later versions have a longer EF.UST. */
const usim = (services: number) =>
  table(
    `- A - 14
     6F07 T 9 2 07
     6F06 L - 10 17
     6F08 T 33 5 08 07
     6F09 T 33 5 09 07
     6F31 T 1 2 12 0A
     6F38 T ${services} 2 04
     6F3B L 26x20 8
     6F3C L 176x10 5 - 00
     6F42 L 38x1 5
     6F43 T 2 5
     6F46 T 17 10
     6F56 T 1 8 05
     6F5B T 6 5 0F F00000F00000
     6F5C T 3 2 10
     6F73 T 14 5 0C ..0000FF01
     6F78 T 2 2 06
     6F7B T 12 5 0D
     6F7E T 11 5 0B ..0000FF01
     6FAD T 4 10 03 00000002
     6FB7 L 4x1 10 01
     6FC4 T 128 5
     6FE3 T 18 5 1E ..000001
     6FE4 L 80x1 5 18`,
    { complete: true },
  );

const optionalUsim = table(
  `6F05 T 6 1 02 ; 6F37 T 3 5 - *00 ; 6F39 C 3x1 7 - *00 ; 6F3E T 8 2 ; 6F3F T 8 2 ; 6F40 L 24x1 2
   6F41 T 5 5 - FFFFFF0000 ; 6F45 T 10 5 ; 6F48 T 10 2 0E ; 6F49 L 24x10 2 ; 6F4B L 13x10 8 - 00
   6F4C L 13x10 2 - 00 ; 6F50 T 20 5 ; 6F60 T 40 5 0A *FFFFFF0000 ; 6F61 T 40 2 11 *FFFFFF0000
   6F62 T 5 2 13 *FFFFFF0000 ; 6F2C T 16 5 ; 6F32 T 30 2 ; 6F47 L 30x10 5 - 00 ; 6F4D L 25x10 8
   6F4E L 13x10 5 - 00 ; 6F4F L 15x5 5 16 ; 6F55 L 13x10 8 - 00 ; 6F57 T 101 8 - 00 ; 6F58 L 11x10 2
   6F80 C 38x20 5 14 ..0000000001FFFF ; 6F81 C 37x20 5 15 ..00000001FFFF ; 6F82 C 3x1 7 - *00 ; 6F83 C 3x1 7 - *00
   6FB1 T 20 2 ; 6FB2 T 7 5 ; 6FB3 T 20 2 ; 6FB4 T 7 5 ; 6FB5 T 2 2 ; 6FB6 T 1 5 - *00 ; 6FC3 T 4 5
   6FC5 L 16x10 10 19 ; 6FC6 L 8x5 10 1A ; 6FC7 L 24x3 5 ; 6FC8 L 13x10 5 - 00 ; 6FC9 L 5x10 5 ; 6FCA L 6x10 5 - *00
   6FCB L 16x10 5 - 0100 ; 6FCC L 13x10 5 - 00 ; 6FCD T 17 2 1B ; 6FCE L 6x10 5 - 000000 ; 6FCF L 13x10 5 - 00
   6FD0 T 100 2 ; 6FD1 L - 5 ; 6FD2 T 100 5 ; 6FD3 L 11x5 2 ; 6FD4 T - 2 - *00 ; 6FD5 T - 2 - *00 ; 6FD6 T - 5
   6FD7 L - 2 ; 6FD8 L - 2 ; 6FD9 T 15 2 1D ; 6FDA L - 2 ; 6FDB T 1 2 - *00 ; 6FDC T 1 2 - *00 ; 6FDD L - 2
   6FDE T - 10 - 00 ; 6FDF L - 10 - 00 ; 6FE2 L - 2 ; 6FE6 T 30 10 - 801E60C01E90008004000000000000000000F00000000040000000000000
   6FE8 T 18 2 ; 6FE7 L - 2 ; 6FEC T - 10 ; 6FED L - 8 ; 6FEE L - 8 ; 6FEF L - 2 ; 6FF0 L - 3 ; 6FF1 C 4 10 ; 6FF2 L - 3
   6FF3 T - 2 ; 6FF4 T - 2 ; 6FF5 T - 2 ; 6FF6 T - 2 ; 6FF7 T 1 2 - *00 ; 6FF8 B - 2 ; 6FF9 T 4 2 ; 6FFA L - 2
   6FFC B - 2 ; 6FFD T - 10 ; 6FFE B - 2 ; 6F01 T - 2`,
  { ownDirectory: false },
);

const gsmAccess = table(`5F3B D - 14 ; 4F20 T 9 5 01 ..07 ; 4F52 T 9 5 02 ..07 ; 4F63 T 10 5 ; 4F64 T 1 2 - *00`);

const isim = table(
  `- A - 14 ; 6F02 T - 2 02 ; 6F04 L -x1 2 04 ; 6F03 T - 2 05 ; 6F07 T 14 2 07 ; 6FAD T 3 10 03 *00 ; 6F06 L - 10 06`,
  { complete: true },
);

const optionalIsim = table(
  `6F09 L -x1 2 ; 6F3C L 176x10 5 - 00 ; 6F42 L 38x1 5 ; 6F43 T 2 5 ; 6F47 L 30x10 5 - 00 ; 6FD5 T - 5 ; 6FD7 L - 2
   6FDD L - 2 ; 6FE7 L - 2 ; 6FF7 T 1 2 - *00 ; 6FF8 B - 2 ; 6FFC B - 2 ; 6FFA L - 2 ; 6FFE B - 2`,
  { ownDirectory: false },
);

/** DF.5GS; later versions have longer security contexts. */
const fiveG = (context: string) =>
  table(
    `5FC0 D - 14 ; 4F01 T 20 5 01 ..00000001 ; 4F02 T 20 5 02 ..00000001 ; 4F03 L ${context} 5 03 ; 4F04 L ${context} 5 04
     4F05 T 110 5 05 ; 4F06 T 4 2 06 *00 ; 4F07 T - 2 07 ; 4F08 L 10 10 08 ; 4F09 T - 2 09 ; 4F0A T 4 2 0A F0
     4F0B B - 2 ; 4F0C T 1 2 0C *00 ; 4F0D T - 2 0D ; 4F0E T - 2 0E ; 4F0F T 7 2 0F ; 4F10 T 2 2 10 ; 4F11 T 1 2 11
     4F15 T - 2 15 ; 4F16 T - 2 16`,
  );

const saip = table(`5FD0 D - 14 ; 4F01 T - 3`);

/** Templates 2.23.143.1.2.n[.m] by their last arcs; a version that is not listed is not known. */
const templates: Readonly<Record<string, Template>> = {
  1: mf,
  2: cd,
  3: telecom,
  "3.2": telecom,
  4: usim(14),
  "4.2": usim(17),
  5: optionalUsim,
  "5.2": optionalUsim,
  "5.3": optionalUsim,
  6: table(phonebookRows),
  7: gsmAccess,
  8: isim,
  9: optionalIsim,
  "9.2": optionalIsim,
  13: fiveG("57x1"),
  "13.2": fiveG("57x1"),
  "13.3": fiveG("62x2"),
  "13.4": fiveG("62x2"),
  14: saip,
};

const prefix = fromHex("67810F0102");

/** The template that an OBJECT IDENTIFIER's octets name; undefined when the card does not have it. */
export function templateOf(oid: Uint8Array): Template | undefined {
  if (!prefix.every((octet, i) => oid[i] === octet)) return undefined;
  return templates[[...oid.subarray(prefix.length)].join(".")];
}

/**
 * Conditions of the standard's access rules 1 to 14, for a profile whose EF.ARR lacks the record: references of keys
 * for reading and for updating, none = always.
 */
export function standardRule(record: number): { readonly read: readonly number[]; readonly update: readonly number[] } {
  const [pin, local, adm] = [[0x01], [0x81], [0x0a]];
  switch (record) {
    case 2:
      return { read: pin, update: adm };
    case 3:
    case 14:
      return { read: adm, update: adm };
    case 5:
    case 7:
    case 13:
      return { read: pin, update: pin };
    case 6:
      return { read: pin, update: adm };
    case 8:
      return { read: pin, update: local };
    case 1:
    case 9:
      return { read: [], update: pin };
    default:
      return { read: [], update: adm };
  }
}
