type Json = Record<string, unknown>;

/** Names that a parameter's place has in an example. */
const places: Readonly<Record<string, string>> = { path: "params", query: "query", header: "headers" };

/** Adds the example of an operation to its parameters, its body and its answer. OpenAPI 3.1 §4.8.12, §4.8.14 */
export function placeExample(operation: Json): void {
  const example = record(operation["x-example"]);
  delete operation["x-example"];
  const parameters: unknown[] = Array.isArray(operation.parameters) ? operation.parameters : [];
  for (const parameter of parameters.map(record)) {
    const value = record(example[places[String(parameter.in)] ?? ""])[String(parameter.name)];
    if (value !== undefined) parameter.example = value;
  }
  if (example.body !== undefined) fill(operation.requestBody, example.body);
  if (example.answer !== undefined) fill(record(operation.responses)[String(example.status)], example.answer);
}

/** Gives every media type of a body or an answer its example. */
function fill(holder: unknown, value: unknown): void {
  for (const content of Object.values(record(record(holder).content))) record(content).example = value;
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
