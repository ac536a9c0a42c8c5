import { GatewayError } from "../../base/gateway-error.ts";

/** An entity tag, and the comma or the end after it; empty elements of a list are permitted. RFC 9110 §8.8.3, §5.6.1 */
const element = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|$)/y;

/**
 * The versions that an If-Match header accepts: one of them has to be the current one. A weak tag matches none. Undefined
 * for `*` or without the header. RFC 9110 §13.1.1
 * A header whose tags all have another form than ours is refused, so that the mistake is visible.
 * @throws api.usage
 */
export function ifMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const versions: number[] = [];
  let possible = false;
  for (let at = 0; at < header.length; at = element.lastIndex) {
    element.lastIndex = at;
    const found = element.exec(header);
    if (found === null) throw malformed();
    const [, weak, tag] = found;
    if (tag === undefined) continue;
    if (!/^(0|[1-9]\d{0,14})$/.test(tag)) continue;
    possible = true;
    if (weak === undefined) versions.push(Number(tag));
  }
  if (!possible) throw malformed();
  return versions;
}

function malformed(): GatewayError {
  return new GatewayError("api.usage", 'If-Match: must be an ETag such as "3", several separated by commas, or *', {
    detail: { field: "If-Match", in: "header" },
  });
}
