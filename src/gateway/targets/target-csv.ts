import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { CsvError, parse } from "csv-parse";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { inTurns } from "../../base/turns.ts";
import { csvDelimiter, csvTrouble, maxCsvRecord } from "../../codec/text/csv.ts";
import { type Column, columnsOf } from "./csv-columns.ts";
import { describedTarget, type TargetDescription } from "./target-import.ts";

/** Defaults for key sets whose properties a file does not contain. */
interface CsvDefaults {
  readonly algorithm?: "AES" | "3DES" | "DES";
  readonly tars?: readonly string[];
}

/** A key file that was read and checked. */
interface CsvTargets {
  readonly targets: readonly TargetDescription[];
  /** What was ignored or assumed, one line each. */
  readonly notes: readonly string[];
}

const maxLines = 100_000;
const chunkLength = 2048;

/**
 * Targets from a CSV with a header line (RFC 4180; semicolons and tabs are accepted too). Each line is one target. Its
 * SCP80 keys are in `kvn, kic, kid, dek` or, as in files of card vendors, in `KIC1, KID1, KIK1` and so on, where the
 * number is the KVN; its PSK is in `psk, psk_kvn, psk_identity`. Columns may be in any order or missing. All lines are
 * checked before any target is returned; the work yields to other tasks. @throws target.invalid naming line and column,
 * never a value
 */
export async function csvTargets(text: string, defaults: CsvDefaults = {}): Promise<CsvTargets> {
  const targets: TargetDescription[] = [];
  const notes: string[] = [];
  let header: ReturnType<typeof columnsOf> | undefined;
  let assumed = false;
  for await (const { cells, line } of linesOf(text)) {
    if (header === undefined) {
      header = columnsOf(cells, line);
      const ignored = header.names.filter((_, index) => header?.columns[index]?.kind === "ignored");
      if (ignored.length > 0) notes.push(`ignored, and never stored: ${ignored.join(", ")}`);
      continue;
    }
    if (targets.length >= maxLines) throw refused(line, "text", `more than ${maxLines} targets in one file`);
    if (cells.slice(header.columns.length).some((cell) => cell !== ""))
      throw refused(line, `line ${line}`, "has more cells than columns");
    const row = new Row(header.names, header.columns, cells, line, defaults);
    targets.push({ shape: row.description() });
    assumed ||= row.assumed;
  }
  if (header === undefined)
    throw new GatewayError("target.invalid", "text: the header line is missing", { detail: { field: "text" } });
  if (assumed)
    notes.push("keys without an algorithm are imported as AES (16, 24 or 32 octets) or DES (8); set 3DES explicitly");
  return { targets, notes };
}

/** The records of a text with the line that each begins in. @throws target.invalid */
async function* linesOf(text: string): AsyncGenerator<{ cells: readonly string[]; line: number }> {
  const parser = Readable.from(chunks(text)).pipe(
    parse({
      bom: true,
      delimiter: csvDelimiter(text),
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      max_record_size: maxCsvRecord,
    }),
  );
  let before = 0;
  try {
    const turn = inTurns();
    for await (const item of parser) {
      await turn();
      const { record, info }: { record: string[]; info: { lines: number } } = item;
      const line = before + 1;
      before = info.lines;
      if (record.some((cell) => cell !== ""))
        yield { cells: record, line: record.join("").includes("\n") ? line : info.lines };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The message and context of the parser's error quote cells, which may be keys.
    const line = "lines" in error && typeof error.lines === "number" ? error.lines : before + 1;
    throw refused(line, `line ${line}`, csvTrouble(error.code));
  }
}

/** A text in chunks, one for each turn: the parser does not report lines without content. */
async function* chunks(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += chunkLength) {
    await setImmediate();
    yield text.slice(at, at + chunkLength);
  }
}

type Part = Extract<Column, { kind: "scp80" }>["part"];

/** A key set of a line, with the column of each part. */
interface RowSet {
  readonly cells: ReadonlyMap<Part, { readonly text: string; readonly name: string }>;
  readonly kvn: number;
}

class Row {
  /** An algorithm was assumed. */
  assumed = false;
  readonly #line: number;
  readonly #defaults: CsvDefaults;
  readonly #fields = new Map<string, string>();
  readonly #psk = new Map<string, string>();
  readonly #sets = new Map<number, Map<Part, { text: string; name: string }>>();
  /** Columns of the key sets of the description, in their order. */
  readonly #origins: ((path: string) => string)[] = [];

  constructor(
    names: readonly string[],
    columns: readonly Column[],
    cells: readonly string[],
    line: number,
    defaults: CsvDefaults,
  ) {
    this.#line = line;
    this.#defaults = defaults;
    for (const [index, column] of columns.entries()) {
      const text = cells[index] ?? "";
      const name = names[index] ?? "";
      if (text === "" || column.kind === "ignored") continue;
      if (column.kind === "field") this.#fields.set(column.field, text);
      else if (column.kind === "psk") this.#psk.set(column.part, text);
      else {
        const set = this.#sets.get(column.set) ?? new Map();
        this.#sets.set(column.set, set.set(column.part, { text, name }));
      }
    }
  }

  /** @throws target.invalid with the line and the column */
  description(): TargetDescription["shape"] {
    const keySets = [
      ...[...this.#sets].sort(([a], [b]) => a - b).map(([set, cells]) => this.#scp80(set, cells)),
      ...this.#scp81(),
    ];
    const { tags, ...named } = Object.fromEntries(this.#fields);
    try {
      return describedTarget({ ...named, keySets, ...withoutUndefined({ tags: tags?.split(/[\s,;|]+/) }) });
    } catch (cause) {
      if (!isGatewayError(cause, "target.invalid")) throw cause;
      const path = String(cause.detail.field ?? "");
      const why = cause.message.startsWith(`${path}: `) ? cause.message.slice(path.length + 2) : cause.message;
      throw refused(this.#line, this.#columnOf(path), why);
    }
  }

  #scp80(set: number, cells: RowSet["cells"]) {
    const text = (part: Part) => cells.get(part)?.text;
    const [first] = cells.values();
    if (text("kic") === undefined && text("kid") === undefined)
      throw refused(this.#line, first?.name ?? "kic", "requires kic and kid of the same key set");
    const keys = (["kic", "kid", "dek"] as const).flatMap((part, index) => {
      const value = text(part);
      return value === undefined ? [] : [{ id: index + 1, value, part }];
    });
    const algorithm =
      text("algorithm")?.toUpperCase() ?? this.#defaults.algorithm ?? this.#assume(keys[0]?.value ?? "");
    const tars = text("tars")?.split(/[\s,;|]+/) ?? this.#defaults.tars;
    const kvn = set === 0 ? (text("kvn") ?? "1") : String(set);
    const names: Readonly<Record<string, string>> = Object.fromEntries(
      [...cells].map(([part, { name }]) => [part, name]),
    );
    this.#origins.push((inner) => {
      const key = /^keys\.(\d+)\./.exec(inner)?.[1];
      if (key !== undefined) return names[keys[Number(key)]?.part ?? "kic"] ?? "kic";
      return inner === "keys"
        ? set === 0
          ? "kic, kid"
          : `kic${set}, kid${set}`
        : (names[inner.split(".")[0] ?? ""] ?? inner);
    });
    const cntr = text("cntr");
    return {
      kvn: numberOf(kvn),
      type: "SCP80",
      algorithm,
      keys: keys.map(({ id, value }) => ({ id, value })),
      ...(cntr === undefined ? {} : { cntr: numberOf(cntr) }),
      ...withoutUndefined({ tars }),
    };
  }

  #assume(value: string): string {
    this.assumed = true;
    return value.length === 16 ? "DES" : "AES";
  }

  #scp81() {
    if (this.#psk.size === 0) return [];
    const value = this.#psk.get("psk");
    if (value === undefined) throw refused(this.#line, [...this.#psk.keys()][0] ?? "psk", "requires psk");
    this.#origins.push((inner) => (inner === "kvn" ? "psk_kvn" : inner === "pskIdentity" ? "psk_identity" : "psk"));
    const pskIdentity = this.#psk.get("psk_identity");
    const kvn = numberOf(this.#psk.get("psk_kvn") ?? "64");
    return [{ kvn, type: "SCP81", keys: [{ id: 1, value }], ...withoutUndefined({ pskIdentity }) }];
  }

  /** The column from which a field of the description was read. */
  #columnOf(path: string): string {
    const [, set, inner] = /^keySets\.(\d+)\.(.+)$/.exec(path) ?? [];
    if (inner === undefined) return path.split(".")[0] ?? path;
    return this.#origins[Number(set)]?.(inner) ?? inner;
  }
}

/** A decimal number; any other text stays unchanged, and is refused later. */
function numberOf(text: string): number | string {
  return /^\d{1,15}$/.test(text) ? Number(text) : `${text} `;
}

function refused(line: number, column: string, why: string): GatewayError {
  const at = column === `line ${line}` ? column : `line ${line}, ${column}`;
  return new GatewayError("target.invalid", `${at}: ${why}`, { detail: { field: column, line } });
}
