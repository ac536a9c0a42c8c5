import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { GatewayError, isGatewayError } from "../../../../base/gateway-error.ts";
import { parseValueName } from "../../../../codec/profile-package/personalize/value-name.ts";
import { csvDelimiter, csvTrouble, maxCsvRecord } from "../../../../codec/text/csv.ts";
import { unreadable } from "../../input-file.ts";

/** The values of one profile with the line of the table that they begin in. */
export interface ValueRow {
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Rows of a table (CSV with a first line of names, RFC 4180; semicolons and tabs are accepted too) as they are read. An
 * empty cell is no value.
 * @throws api.usage naming the line and the column, never a cell
 */
export async function* valueRows(file: string, ignored: ReadonlySet<string>): AsyncGenerator<ValueRow> {
  const input = file === "-" ? process.stdin : createReadStream(file);
  let names: readonly (string | undefined)[] | undefined;
  for await (const { cells, line } of records(file, input)) {
    if (names === undefined) {
      names = columnNames(file, cells, line, ignored);
      continue;
    }
    const columns = names;
    if (cells.slice(columns.length).some((cell) => cell !== ""))
      throw refused(file, line, undefined, "has more cells than columns");
    const named = cells.flatMap((cell, index): [string, string][] => {
      const name = columns[index];
      return cell === "" || name === undefined ? [] : [[name, cell]];
    });
    yield { line, values: Object.fromEntries(named) };
  }
  if (names === undefined) throw refused(file, 1, undefined, "the line with the names of the values is missing");
}

/** Names of the columns; undefined for an ignored one. */
function columnNames(
  file: string,
  cells: readonly string[],
  line: number,
  ignored: ReadonlySet<string>,
): readonly (string | undefined)[] {
  const names = cells.map((cell, index) => {
    const name = cell.toLowerCase();
    if (name === "" || ignored.has(name)) return undefined;
    try {
      parseValueName(name);
      return name;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw refused(file, line, `column ${index + 1}`, `${error.message}; --ignore skips a column`);
    }
  });
  const repeated = names.find((name, index) => name !== undefined && names.indexOf(name) !== index);
  if (repeated !== undefined) throw refused(file, line, repeated, "there are two columns of this name");
  return names;
}

/** An error of a row: where it is in the table, and why, never with a cell. */
export function refused(file: string, line: number, column: string | undefined, why: string): GatewayError {
  const place = column === undefined ? `line ${line}` : `line ${line}, ${column}`;
  return new GatewayError("api.usage", `${file}: ${place}: ${why}`, {
    detail: { file, line, ...(column === undefined ? {} : { field: column }) },
  });
}

/** A stream with the octets that were looked at before in front. */
async function* withFirst(first: string, rest: AsyncIterator<unknown>): AsyncGenerator<string> {
  if (first !== "") yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield String(next.value);
}

async function* records(file: string, input: Readable): AsyncGenerator<{ cells: readonly string[]; line: number }> {
  let before = 0;
  try {
    const chunks = input.setEncoding("utf8")[Symbol.asyncIterator]();
    const first = String((await chunks.next()).value ?? "");
    const parser = Readable.from(withFirst(first, chunks)).pipe(
      parse({
        bom: true,
        delimiter: csvDelimiter(first),
        info: true,
        relax_column_count: true,
        skip_empty_lines: true,
        trim: true,
        max_record_size: maxCsvRecord,
      }),
    );
    for await (const item of parser) {
      const { record, info }: { record: string[]; info: { lines: number } } = item;
      const line = record.join("").includes("\n") ? before + 1 : info.lines;
      before = info.lines;
      if (record.some((cell) => cell !== "")) yield { cells: record, line };
    }
  } catch (error) {
    if (isGatewayError(error)) throw error;
    if (!(error instanceof CsvError)) throw unreadable("--from", file, error);
    const line = "lines" in error && typeof error.lines === "number" ? error.lines : before + 1;
    throw refused(file, line, undefined, csvTrouble(error.code));
  }
}
