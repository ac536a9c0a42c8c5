/** JSON text of a value; octet strings are kept as `{"$hex": …}`. */
export function toJson(value: unknown): string {
  // A replacer makes JSON.stringify several times slower, and most records contain no octets.
  if (!holdsOctets(value)) return JSON.stringify(value);
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, inner: unknown) {
    const original = this[key];
    return original instanceof Uint8Array ? { $hex: Buffer.from(original).toString("hex") } : inner;
  });
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
