import { z } from "zod";

const limit = z.coerce.number().int().min(1).max(1000).default(100).describe("Items in a page at most");

/** Query of a list that is ordered by position; `cursor` of an answer goes into the next request. */
export const seqPage = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/, "no cursor of this list")
    .transform(Number)
    .optional()
    .describe("`cursor` of the page before"),
});

/** Query of a list that is ordered by id. */
export const idPage = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^[a-z]{2,8}_[0-9a-z]{26}$/, "no cursor of this list")
    .optional()
    .describe("`cursor` of the page before"),
});

/** Answer of a list: `cursor` is there when more may follow. */
export function pageShape<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), cursor: z.string().optional().describe("Where the next page begins") });
}

/** A page from what was found with this limit; `position` names where the last item stands. */
export function pageOf<F, T>(
  found: readonly F[],
  limit: number,
  position: (last: F) => string | number,
  shown: (item: F) => T,
): { items: T[]; cursor?: string } {
  const last = found.length === limit ? found.at(-1) : undefined;
  return { items: found.map(shown), ...(last === undefined ? {} : { cursor: String(position(last)) }) };
}

/** A page of a list that is in memory, in the order of its keys. */
export function pageInMemory<F, T>(
  all: readonly F[],
  query: { readonly limit: number; readonly cursor?: string | undefined },
  key: (item: F) => string,
  shown: (item: F) => T,
): { items: T[]; cursor?: string } {
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const { cursor } = query;
  const left = cursor === undefined ? sorted : sorted.filter((item) => key(item) > cursor);
  return pageOf(left.slice(0, query.limit), query.limit, key, shown);
}
