import { setImmediate } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import type { z } from "zod";
import { projectionOf } from "./projection.ts";

/** A page of the items found with this limit; `position` returns the position of the last item. */
export function pageOf<F, T>(
  found: readonly F[],
  limit: number,
  position: (last: F) => string | number,
  answerOf: (item: F) => T,
): { items: T[]; cursor?: string } {
  const last = found.length === limit ? found.at(-1) : undefined;
  return { items: found.map(answerOf), ...(last === undefined ? {} : { cursor: String(position(last)) }) };
}

/** A page of a list that is in memory, in the order of its keys. */
export function pageInMemory<F, T>(
  all: readonly F[],
  query: { readonly limit: number; readonly cursor?: string | undefined },
  key: (item: F) => string,
  answerOf: (item: F) => T,
): { items: T[]; cursor?: string } {
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const { cursor } = query;
  const left = cursor === undefined ? sorted : sorted.filter((item) => key(item) > cursor);
  return pageOf(left.slice(0, query.limit), query.limit, key, answerOf);
}

/** A list in the store, and the form of its items in answers. */
interface StoredList<F, P extends string | number, S extends z.ZodType> {
  readonly find: (cursor: P | undefined, limit: number) => Promise<readonly F[]>;
  /** Position of an item. */
  readonly position: (item: F) => P;
  readonly answerOf: (item: F) => z.output<S>;
  readonly item: S;
  /** Number of items that are read at once; few, unless they are small. */
  readonly atOnce?: number;
}

/** Number of items that are read at once from a list with small items. */
export const smallItems = 50;

/** Number of items that are read and converted at once: each may contain a script of a megabyte. */
const foundAtOnce = 4;
/** Number of characters after which a page ends, regardless of its limit. */
const pageLength = 4_000_000;
/** How long items are converted before other work gets a turn, milliseconds. */
const turnMs = 5;

/** Answers with a page of a list whose items may be large: reading, conversion and writing yield to other work. */
export async function sendPage<F, P extends string | number, S extends z.ZodType>(
  reply: FastifyReply,
  query: { readonly limit: number; readonly cursor?: P | undefined },
  { find, position, answerOf, item, atOnce = foundAtOnce }: StoredList<F, P, S>,
): Promise<FastifyReply> {
  const project = projectionOf(item);
  const items: string[] = [];
  let cursor = query.cursor;
  let length = 0;
  let more = true;
  let since = performance.now();
  while (more && items.length < query.limit && length < pageLength) {
    const wanted = Math.min(atOnce, query.limit - items.length);
    const found = await find(cursor, wanted);
    more = found.length === wanted;
    for (const one of found) {
      if (performance.now() - since > turnMs) {
        await setImmediate();
        since = performance.now();
      }
      const text = JSON.stringify(project(answerOf(one)));
      items.push(text);
      length += text.length;
      cursor = position(one);
    }
  }
  const next = more && cursor !== undefined ? `,"cursor":${JSON.stringify(String(cursor))}` : "";
  return sendWritten(reply, `{"items":[${items.join(",")}]${next}}`);
}

/** Answers with serialized JSON. */
export function sendWritten(reply: FastifyReply, json: string): FastifyReply {
  return reply.type("application/json; charset=utf-8").serializer(String).send(json);
}
