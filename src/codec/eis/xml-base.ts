interface Reference {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string | undefined;
}

/**
 * The `xml:base` values of elements that are left out and of the element itself, outermost first, joined to the one that the element is written
 * with. Relative ones stay relative; fragments go. W3C xml-c14n11 §2.4, RFC 3986 §5.2
 */
export function joinedBase(values: readonly string[]): string {
  const [first = "", ...others] = values;
  return written(others.reduce((base, value) => join(base, parsed(value)), parsed(first)));
}

/** RFC 3986, appendix B. */
function parsed(text: string): Reference {
  const [, scheme, authority, path = "", query] =
    /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/.exec(text) ?? [];
  return { scheme, authority, path: path.endsWith("..") || path === "." ? `${path}/` : path, query };
}

function join(base: Reference, to: Reference): Reference {
  if (to.scheme !== undefined) return { ...to, path: withoutDots(to.path) };
  const { scheme } = base;
  if (to.authority !== undefined) return { ...to, scheme, path: withoutDots(to.path) };
  const { authority } = base;
  if (to.path === "") return { scheme, authority, path: base.path, query: to.query ?? base.query };
  if (to.path.startsWith("/")) return { scheme, authority, path: withoutDots(to.path), query: to.query };
  const folder = base.path.slice(0, base.path.lastIndexOf("/") + 1);
  const path = authority !== undefined && base.path === "" ? `/${to.path}` : `${folder}${to.path}`;
  return { scheme, authority, path: withoutDots(path), query: to.query };
}

/** Segments `.` and `..` resolved; of a relative path, `..` that lead out of it stay. */
function withoutDots(path: string): string {
  const absolute = path.startsWith("/");
  const segments = path.split("/").filter((segment, index, all) => segment !== "" || index === all.length - 1);
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === ".") {
      if (last) kept.push("");
    } else if (segment === "..") {
      if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
      else if (!absolute) kept.push("..");
      if (last) kept.push("");
    } else kept.push(segment);
  }
  return `${absolute ? "/" : ""}${kept.join("/")}`;
}

function written({ scheme, authority, path, query }: Reference): string {
  return [
    scheme === undefined ? "" : `${scheme}:`,
    authority === undefined ? "" : `//${authority}`,
    path,
    query === undefined ? "" : `?${query}`,
  ].join("");
}
