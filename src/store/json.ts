/** JSON text of a value; octet strings are kept as `{"$hex": …}`. */
export function toJson(value: unknown): string {
  return JSON.stringify(withTexts(value));
}

/**
 * The value with texts in place of octet strings; what contains none is not copied. A replacer would make
 * JSON.stringify several times slower.
 */
function withTexts(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array)
    return { $hex: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex") };
  if (Array.isArray(value)) return value.some(holdsOctets) ? value.map(withTexts) : value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== "object" || inner === null) continue;
    const text = withTexts(inner);
    if (text === inner) continue;
    copy ??= { ...value };
    copy[key] = text;
  }
  return copy ?? value;
}

/** The value that {@link toJson} wrote. Its shape is not checked: only the store writes it. */
export function fromJson<T>(text: string): T {
  const value: unknown = JSON.parse(text);
  return (text.includes('"$hex"') ? withOctets(value) : value) as T;
}

function holdsOctets(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Uint8Array) return true;
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    if (typeof inner === "object" && holdsOctets(inner)) return true;
  return false;
}

/** Replaces the texts of octet strings in a parsed value by octets. */
function withOctets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$hex" in value && typeof value.$hex === "string") return new Uint8Array(Buffer.from(value.$hex, "hex"));
  const container = value as Record<string, unknown>;
  for (const [key, inner] of Object.entries(container)) {
    if (typeof inner === "object") container[key] = withOctets(inner);
  }
  return value;
}
