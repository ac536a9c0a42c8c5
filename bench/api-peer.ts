/**
 * A server that takes jobs, in a process of its own: `daemon` is otagate's; `bare` is fastify with the same validation
 * that stores one row for each job, committed in groups, each made durable before it is answered.
 *
 *   node --import tsx bench/api-peer.ts daemon|bare FOLDER TARGETS
 */
import { fdatasync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Sqlite from "better-sqlite3";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { newId } from "../src/base/id.ts";
import { JobOrder } from "../src/gateway/jobs/job-order.ts";
import { silentLog } from "../src/link/driver.ts";

const [, , kind, folder = "", targetCount = "500"] = process.argv;
const flush = promisify(fdatasync);

/** Rows that are committed together during a flush of the disk. */
class GroupCommit {
  readonly #db: Sqlite.Database;
  readonly #insert: Sqlite.Statement;
  readonly #log: number;
  #waiting: { readonly row: readonly unknown[]; readonly done: () => void }[] = [];
  #running = false;

  constructor(file: string) {
    this.#db = new Sqlite(file);
    this.#db.pragma("journal_mode = WAL");
    this.#db.pragma("synchronous = NORMAL");
    this.#db.exec("CREATE TABLE job (id TEXT PRIMARY KEY, target TEXT, work TEXT, request TEXT, created_at INTEGER)");
    this.#insert = this.#db.prepare("INSERT INTO job VALUES (?, ?, ?, ?, ?)");
    this.#log = openSync(`${file}-wal`, "r");
  }

  add(row: readonly unknown[]): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ row, done });
      if (!this.#running) setImmediate(() => void this.#run());
      this.#running = true;
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      this.#db.transaction(() => {
        for (const { row } of group) this.#insert.run(...row);
      })();
      await flush(this.#log);
      for (const { done } of group) done();
    }
    this.#running = false;
  }
}

async function bare(): Promise<{ readonly socketPath: string; readonly targets: readonly string[] }> {
  const store = new GroupCommit(join(folder, "bare.db"));
  const app = Fastify({ logger: false });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const answer = z.object({ id: z.string(), target: z.string(), state: z.string(), createdAt: z.number() });
  app
    .withTypeProvider<ZodTypeProvider>()
    .post("/v1/jobs", { schema: { body: JobOrder, response: { 202: answer } } }, async ({ body }, reply) => {
      const createdAt = Date.now();
      const id = newId("job", createdAt);
      await store.add([id, body.target, JSON.stringify(body.work), JSON.stringify(body.request ?? {}), createdAt]);
      return reply.code(202).send({ id, target: body.target, state: "queued", createdAt });
    });
  const socketPath = join(folder, "bare.sock");
  await app.listen({ path: socketPath });
  const targets = Array.from({ length: Number(targetCount) }, (_, index) => `tgt_${String(index).padStart(26, "0")}`);
  return { socketPath, targets };
}

async function daemon(): Promise<{ readonly socketPath: string; readonly targets: readonly string[] }> {
  const config = parseConfig({
    readers: { enabled: false },
    scp81: { enabled: false },
    modemDiscovery: { enabled: false },
  });
  const started = await Daemon.start({ config, state: join(folder, "state"), log: silentLog, env: {} });
  const targets: string[] = [];
  for (let index = 0; index < Number(targetCount); index++) {
    const { target } = await started.gateway.targets.import({ iccid: `8901${String(index).padStart(15, "0")}` });
    targets.push(target.id);
  }
  return { socketPath: started.socketPath, targets };
}

process.send?.(kind === "bare" ? await bare() : await daemon());
process.once("disconnect", () => process.exit());
