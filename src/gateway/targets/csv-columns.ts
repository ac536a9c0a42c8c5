import { GatewayError } from "../../base/gateway-error.ts";
import { safeName } from "../../base/key-like.ts";
import { nearest } from "../../base/nearest.ts";

/** The purpose of a column of a key file. */
export type Column =
  | { readonly kind: "field"; readonly field: "eid" | "iccid" | "imsi" | "msisdn" | "name" | "tags" }
  /** Part of SCP80 key set `set`: its KVN, or 0 if the column `kvn` contains it. */
  | {
      readonly kind: "scp80";
      readonly part: "kvn" | "algorithm" | "kic" | "kid" | "dek" | "cntr" | "tars";
      readonly set: number;
    }
  | { readonly kind: "psk"; readonly part: "psk" | "psk_kvn" | "psk_identity" }
  /** A column that otagate does not use: never read, never stored. */
  | { readonly kind: "ignored" };

/** The columns of otagate's own key files. */
const csvColumns = [
  ...["eid", "iccid", "imsi", "msisdn", "name", "kvn", "algorithm", "kic", "kid", "dek", "cntr", "tars"],
  ...["psk", "psk_kvn", "psk_identity", "tags"],
] as const;

/** Key sets of card vendors' files are numbered by their KVN. */
const numbered = /^(?:scp80_|ota_)?(kic|kid|kik|dek|cntr|algorithm|tars)_?([1-9]|1[0-5])$/;

/** Unused columns of card vendors and of card key providers: PINs, network keys, keys of other channels. */
const useless = [
  /^(id|acc|access_?class|ki|k|op|opc|topc?|sqn|milenage|type|batch|mcc|mnc|smsp|spn|impi|impu)$/,
  /^((adm|pin|puk|chv)_?[0-9a-e]{0,2}|(ki|opc?)_?[0-9]{1,2})$/,
  /^(uicc_)?scp0[0-9]t?(_[a-z0-9]+)+$/,
  /^(isd|isdr|isdp|isda|ecasd|ssd|mno_?sd)(_[a-z0-9]+)+$/,
];

/**
 * The purpose of each column of a header line. Names are accepted in any case, with blanks or dashes for underscores.
 * @throws target.invalid naming an unknown column, with the nearest known one
 */
export function columnsOf(
  header: readonly string[],
  line: number,
): { readonly names: readonly string[]; readonly columns: readonly Column[] } {
  const names = header.map((name) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[\s.-]+/g, "_"),
  );
  const columns = names.map((name, index) => columnOf(name, index, line));
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index) throw refused(line, name, `column '${safeName(name)}' is duplicated`);
  return { names, columns };
}

function columnOf(name: string, index: number, line: number): Column {
  switch (name) {
    case "eid":
    case "iccid":
    case "imsi":
    case "msisdn":
    case "name":
    case "tags":
      return { kind: "field", field: name };
    case "psk":
    case "psk_kvn":
    case "psk_identity":
      return { kind: "psk", part: name };
    case "kik":
      return { kind: "scp80", part: "dek", set: 0 };
    case "kvn":
    case "algorithm":
    case "kic":
    case "kid":
    case "dek":
    case "cntr":
    case "tars":
      return { kind: "scp80", part: name, set: 0 };
    default:
      break;
  }
  const [, part, set] = numbered.exec(name) ?? [];
  switch (part) {
    case "kik":
      return { kind: "scp80", part: "dek", set: Number(set) };
    case "kic":
    case "kid":
    case "dek":
    case "cntr":
    case "algorithm":
    case "tars":
      return { kind: "scp80", part, set: Number(set) };
    default:
      break;
  }
  if (useless.some((pattern) => pattern.test(name))) return { kind: "ignored" };
  if (name === "") throw refused(line, `column ${index + 1}`, `column ${index + 1} has no name`);
  const shown = safeName(name);
  const hint = shown === name ? nearest(name, csvColumns) : undefined;
  const known =
    hint === undefined ? `; valid are ${csvColumns.join(", ")} and those in docs/eis.md` : `; did you mean '${hint}'?`;
  throw refused(line, shown, `unknown column '${shown}'${known}`);
}

function refused(line: number, field: string, message: string): GatewayError {
  return new GatewayError("target.invalid", `line ${line}: ${message}`, {
    detail: { field: safeName(field), line, columns: csvColumns },
  });
}
