/** JSON text of a value whose octet strings survive (`{"$hex": …}`). */
export function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, inner: unknown) {
    const original = this[key];
    return original instanceof Uint8Array ? { $hex: Buffer.from(original).toString("hex") } : inner;
  });
}

/** The value that {@link toJson} wrote. Its shape is the store's own doing. */
export function fromJson<T>(text: string): T {
  if (!text.includes('"$hex"')) return JSON.parse(text) as T;
  return JSON.parse(text, (_key, inner: unknown) => {
    if (typeof inner === "object" && inner !== null && "$hex" in inner && typeof inner.$hex === "string") {
      return new Uint8Array(Buffer.from(inner.$hex, "hex"));
    }
    return inner;
  }) as T;
}
