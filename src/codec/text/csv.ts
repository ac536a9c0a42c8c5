/** Characters of one record of a table. */
export const maxCsvRecord = 65_536;

/** What is wrong in a table, by the code of the parser's error, whose own message quotes cells. RFC 4180 */
export function csvTrouble(code: string): string {
  if (code === "CSV_MAX_RECORD_SIZE")
    return `more than ${maxCsvRecord} characters, or a quotation mark that is not closed`;
  if (code === "CSV_QUOTE_NOT_CLOSED") return "a quotation mark is not closed";
  if (code.includes("QUOTE")) return "a quotation mark inside a cell: quote the whole cell and double the mark";
  return "not valid CSV (RFC 4180)";
}

/** The separator of cells in the first line that has any: a comma, a semicolon or a tab. */
export function csvDelimiter(text: string): string {
  const first = /[^\r\n]+/.exec(text.slice(0, maxCsvRecord))?.[0].replace(/"[^"]*"/g, "") ?? "";
  const counted = [",", ";", "\t"].map((mark) => ({ mark, count: first.split(mark).length }));
  return counted.reduce((most, one) => (one.count > most.count ? one : most)).mark;
}
