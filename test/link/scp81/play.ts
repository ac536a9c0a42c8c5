import { expect } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { ChunkedDecoder } from "../../../src/codec/gp/chunked.ts";
import type { AdminScript } from "../../../src/link/scp81/admin-store.ts";
import type { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import type { DialogVector } from "../../codec/gp/vectors.ts";

/** An answer as a card sees it. */
export interface SeenAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** A card's connection. */
export interface CardLink {
  /** Sends octets of a request; undefined when the server closed without an answer. */
  request(octets: Uint8Array): Promise<SeenAnswer | undefined>;
  /** Sends part of a request and nothing more. */
  send(octets: Uint8Array): Promise<void>;
  cut(how: "reset" | "fin"): Promise<void>;
}

/** Takes one whole answer off the front of a stream; undefined while it is not whole. */
export function readAnswer(stream: Uint8Array): SeenAnswer | undefined {
  const text = Buffer.from(stream).toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = stream.subarray(end + 4);
  const status = Number(statusLine.split(" ")[1]);
  if (headers.get("transfer-encoding") === "chunked") {
    const decoder = new ChunkedDecoder(1 << 20);
    decoder.push(rest);
    return decoder.done ? { status, headers, body: decoder.body() } : undefined;
  }
  const length = Number(headers.get("content-length") ?? 0);
  return rest.length < length ? undefined : { status, headers, body: rest.subarray(0, length) };
}

export function scriptsOf(vector: DialogVector): AdminScript[] {
  return vector.queue.map(({ id, target, body }) => ({
    id,
    kind: "gp",
    body: fromHex(body),
    ...(target !== null && { target }),
  }));
}

/** Plays a card's side of a dialog vector and checks each answer. */
export async function play(vector: DialogVector, connect: () => Promise<CardLink>): Promise<void> {
  const nexts: (string | undefined)[] = [];
  let link: CardLink | undefined;
  for (const step of vector.steps) {
    if (step.breakdown !== undefined) {
      await link?.cut(step.breakdown);
      link = undefined;
      nexts.push(undefined);
      continue;
    }
    link ??= await connect();
    const head = (step.request?.head ?? "").replace(/\{next:(\d+)\}/g, (_, n) => nexts[Number(n)] ?? "missing");
    const octets = Buffer.concat([Buffer.from(head, "latin1"), fromHex(step.request?.bodyHex ?? "")]);
    if (step.cutAt !== undefined) {
      await link.send(octets.subarray(0, typeof step.cutAt === "number" ? step.cutAt : Math.floor(octets.length / 2)));
      await link.cut("reset");
      link = undefined;
      nexts.push(undefined);
      continue;
    }
    const answer = await link.request(octets);
    nexts.push(answer?.headers.get("x-admin-next-uri"));
    checkAnswer(vector, step.reply, answer);
    if (step.answerLost) {
      await link.cut("reset");
      link = undefined;
    }
  }
  await link?.cut("fin");
}

function checkAnswer(
  vector: DialogVector,
  reply: DialogVector["steps"][number]["reply"],
  answer: SeenAnswer | undefined,
): void {
  if (reply === undefined || reply === null || reply === "any") return;
  expect(answer).toBeDefined();
  if (answer === undefined) return;
  if (reply.status === "4xx") expect(Math.floor(answer.status / 100)).toBe(4);
  else expect(answer.status).toBe(reply.status);
  if (reply.script !== undefined) {
    expect(toHex(answer.body)).toBe(vector.queue.find(({ id }) => id === reply.script)?.body);
  }
  if (reply.contentType !== undefined) expect(answer.headers.get("content-type") ?? null).toBe(reply.contentType);
  if (reply.targeted !== undefined) {
    expect(answer.headers.get("x-admin-targeted-application") ?? null).toBe(reply.targeted);
  }
  if (reply.nextUri !== undefined) expect(answer.headers.has("x-admin-next-uri")).toBe(reply.nextUri);
}

/** What the store knows of the vector's scripts, in the vector's words. */
export function outcomeOf(vector: DialogVector, store: MemoryAdminStore): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(vector.outcome).map(([id, expected]) => {
      const report = store.reports.get(id);
      const wanted = typeof expected === "object" && expected !== null ? expected : {};
      const verdict = report?.verdict ?? { state: "not-delivered" as const };
      return [
        id,
        {
          state: verdict.state,
          ...("response" in verdict && "response" in wanted && { response: toHex(verdict.response) }),
          ...("scriptStatus" in verdict && { scriptStatus: verdict.scriptStatus }),
          ...("deliveries" in wanted && { deliveries: store.deliveries(id) }),
        },
      ];
    }),
  );
}
