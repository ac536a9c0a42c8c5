/**
 * A reference SM-SR client: everything a vendor needs to use otagate as the transport of an SM-SR. It imports nothing
 * of otagate; paths come from the published OpenAPI document by operation id.
 *
 * OTAGATE_URL=http://127.0.0.1:8080 OTAGATE_TOKEN=otg_… WEBHOOK_SECRET=… npx tsx scripts/smsr-client.ts EID ICCID
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";

/** A job as `getJob` answers. */
export interface Job {
  readonly id: string;
  readonly state: "queued" | "running" | "waiting" | "done" | "failed" | "expired" | "cancelled";
  readonly result?: {
    readonly data?: string;
    readonly commands: readonly { readonly data: string; readonly sw: string }[];
  };
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly detail: Readonly<Record<string, unknown>>;
  };
  readonly switch?: { readonly at: string };
}

/** An event as a webhook brings it: CloudEvents 1.0. */
export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly subject?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Operations = ReadonlyMap<string, { readonly method: string; readonly path: string }>;

/** A refusal of the gateway (RFC 9457): `code` is stable. */
export class Refusal extends Error {
  readonly code: string;
  readonly facts: unknown;

  constructor(problem: { type: string; detail: string; facts?: unknown }) {
    super(problem.detail);
    this.code = problem.type;
    this.facts = problem.facts;
  }
}

/** Calls operations of the document by their id. */
export class Otagate {
  readonly #url: string;
  readonly #token: string;
  readonly #operations: Operations;

  private constructor(url: string, token: string, operations: Operations) {
    this.#url = url;
    this.#token = token;
    this.#operations = operations;
  }

  /** Reads the published document. */
  static async connect(url: string, token: string): Promise<Otagate> {
    const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const operations = new Map<string, { method: string; path: string }>();
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { operationId }] of Object.entries(methods))
        operations.set(operationId, { method: method.toUpperCase(), path });
    return new Otagate(url, token, operations);
  }

  /** One call; `key` makes repeating it safe. A temporary failure (no answer, 5xx) is retried. */
  async call<T>(
    operation: string,
    given: { path?: object; query?: object; body?: unknown; key?: string } = {},
  ): Promise<T> {
    const found = this.#operations.get(operation);
    if (found === undefined) throw new Error(`the document has no ${operation}`);
    const parts = Object.entries(given.path ?? {});
    const path = parts.reduce(
      (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)),
      found.path,
    );
    const query = new URLSearchParams(
      Object.entries(given.query ?? {}).map(([name, value]): [string, string] => [name, `${value}`]),
    );
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(given.body === undefined ? {} : { "content-type": "application/json" }),
      ...(given.key === undefined ? {} : { "idempotency-key": given.key }),
    };
    const body = given.body === undefined ? {} : { body: JSON.stringify(given.body) };
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await fetch(`${this.#url}${path}?${query}`, { method: found.method, headers, ...body });
        const text = await answer.text();
        if (answer.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
        if (answer.status < 500 || attempt >= 5) throw new Refusal(JSON.parse(text));
      } catch (error) {
        if (error instanceof Refusal || attempt >= 5) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    }
  }

  /** Orders a job, safe to repeat under its key, and waits for its end. */
  async run(target: string, work: object, request: object = {}, key: string = randomUUID()): Promise<Job> {
    const { id } = await this.call<Job>("createJob", { body: { target, work, request, reference: key }, key });
    for (;;) {
      const job = await this.call<Job>("getJob", { path: { id }, query: { wait: 30_000 } });
      if (["done", "failed", "expired", "cancelled"].includes(job.state)) return job;
    }
  }

  /** ES3 SendData: a script of the SM-DP, octet for octet; what the card answered comes back the same way. */
  async sendData(eid: string, aid: string | undefined, script: string, moreToDo: boolean): Promise<string> {
    const work = { kind: "body", body: script, ...(aid === undefined ? {} : { aid }) };
    const job = await this.run(eid, work, { bearer: "https", moreToCome: moreToDo });
    if (job.state !== "done") throw new Error(`${job.error?.code}: ${job.error?.message}`);
    return job.result?.data ?? "";
  }

  /** A profile download: one session, the scripts of the SM-DP one after the other. SGP.02 §3.1.3 */
  async download(eid: string, aid: string | undefined, scripts: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const [index, script] of scripts.entries())
      answers.push(await this.sendData(eid, aid, script, index + 1 < scripts.length));
    return answers;
  }

  /** ES4 EnableProfile: the job is done when the card accepted; events report the switch itself. */
  enableProfile(eid: string, iccid: string): Promise<Job> {
    return this.run(eid, { kind: "es5", function: "enableProfile", params: { iccid } });
  }
}

/** Whether a webhook is the gateway's own and fresh. Standard Webhooks 1.0 */
export function genuine(secret: string, headers: Readonly<Record<string, unknown>>, body: string): boolean {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = headers;
  const wanted = `v1,${createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64")}`;
  const fresh = Math.abs(Date.now() / 1000 - Number(at)) < 300;
  const [a, b] = [Buffer.from(wanted), Buffer.from(String(signature))];
  return fresh && a.length === b.length && timingSafeEqual(a, b);
}

/** Receives events: each once, in the order of its target. A 2xx is the receipt; anything else brings it again. */
export function receiver(secret: string, take: (event: CloudEvent) => void): Server {
  const seen = new Set<string>();
  return createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks).toString("utf8");
    if (!genuine(secret, request.headers, body)) return void response.writeHead(401).end();
    const event = JSON.parse(body) as CloudEvent;
    if (!seen.has(event.id)) take(event);
    seen.add(event.id);
    response.writeHead(204).end();
  });
}

async function main([eid, iccid]: readonly string[]): Promise<void> {
  const { OTAGATE_URL: url, OTAGATE_TOKEN: token, WEBHOOK_SECRET: secret, WEBHOOK_PORT: port = "9090" } = process.env;
  if (eid === undefined || iccid === undefined || url === undefined || token === undefined)
    throw new Error("usage: OTAGATE_URL=… OTAGATE_TOKEN=… smsr-client.ts EID ICCID");
  const server = secret === undefined ? undefined : receiver(secret, (event) => console.log(event.type, event.subject));
  server?.listen(Number(port));
  const gateway = await Otagate.connect(url, token);
  const audit = await gateway.run(eid, { kind: "es5", function: "auditStatus" });
  console.log("audit:", audit.state, audit.result?.commands ?? audit.error);
  const job = await gateway.enableProfile(eid, iccid);
  console.log("enable:", job.state, job.error ?? "accepted");
  while (job.state === "done") {
    const { switch: profileSwitch } = await gateway.call<Job>("getJob", {
      path: { id: job.id },
      query: { wait: 1000 },
    });
    console.log("switch:", profileSwitch?.at);
    if (profileSwitch === undefined || ["confirmed", "rolled-back", "lapsed"].includes(profileSwitch.at)) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  server?.close();
}

if (process.argv[1]?.endsWith("smsr-client.ts")) await main(process.argv.slice(2));
