/**
 * Makes `test/vectors/store-…`, the state folder of an earlier version that was killed with everything open: jobs in
 * every stage, a profile switch, a campaign, messages, notifications, and events that no upstream received.
 *
 *   git worktree add ../earlier 820b0b1 && (cd ../earlier && npm ci && npm run build)
 *   npx tsx scripts/earlier-store.ts ../earlier test/vectors/store-820b0b1
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Sqlite from "better-sqlite3";
import { exportEis } from "../simulators/euicc/eis.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { SmscStore } from "../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../simulators/smsc/smsc.ts";
import { ApiClient } from "../src/face/cli/client.ts";
import { hashPassword } from "../src/face/smpp/password.ts";
import { startMs } from "./patience.ts";
import { numberedMessage } from "./smpp-gateway-restarts.ts";
import { SmppLoad } from "./smpp-load.ts";
import { freePort, pause } from "./victim.ts";

/** Cards of the fixture: `present` ones are in readers of the earlier daemon, the others are not. */
const cards = ["present", "switching", "far", "absent"].map((seed) => ({
  seed,
  file: `card-${seed}.json`,
  state: createEuiccState({ seed: `earlier ${seed}`, settings: { confirmationSeconds: 3600 } }),
}));
const msisdn = "447700900123";

async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + startMs; Date.now() < end; await pause(20)) {
    const found = await probe().catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error("it did not happen in time");
}

interface Named {
  readonly id: string;
  readonly state: string;
}

async function make(checkout: string, out: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-earlier-"));
  const state = join(folder, "state");
  mkdirSync(state, { mode: 0o700 });
  for (const { file, state: card } of cards) writeFileSync(join(state, file), JSON.stringify(card));
  const store = new SmscStore();
  store.attach("*", async () => ({ ack: true }));
  await using smsc = await SimulatedSmsc.open({ store });
  const port = await freePort();
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      readers: { enabled: false },
      modemDiscovery: { enabled: false },
      notifications: "relay",
      simulate: { euiccs: cards.slice(0, 2).map(({ file }) => file) },
      scp81: { port: await freePort() },
      smsc: [{ name: "below", address: `smpp://trial@127.0.0.1:${smsc.port}` }],
      smppFace: { enabled: true, port, clients: [{ systemId: "load", passwordHash: await hashPassword("secret") }] },
      upstream: [{ name: "smsr", webhook: { url: `http://127.0.0.1:${await freePort()}/` }, events: ["*"] }],
    }),
  );
  const daemon = spawn(
    process.execPath,
    [join(checkout, "bin", "otagate.js"), "--config", config, "daemon", "--state", state],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const api = new ApiClient({ socketPath: join(state, "otagate.sock") });
  await until(async () => {
    await api.get("/readyz");
    return true;
  });
  const [present, switching, far, absent] = cards.map(({ state: { eid } }) => eid);
  for (const { seed, state: card } of cards) {
    await api.post("/v1/targets", { ...exportEis(card), name: seed, tags: ["rack"] });
  }
  await api.patch(`/v1/targets/${present}`, { settings: { notifications: "bench" } });
  await api.patch(`/v1/targets/${far}`, { msisdn });
  const job = (target: string | undefined, name: string, more: object = {}) =>
    api.post<Named>("/v1/jobs", { target, work: { kind: "es5", function: name }, reference: "earlier", ...more });
  const inState = (id: string, wanted: string) =>
    until(async () => ((await api.get<Named>(`/v1/jobs/${id}`)).state === wanted ? true : undefined));
  const script = (target: string | undefined, ...apdus: string[]) =>
    api.post<Named>("/v1/jobs", { target, work: { kind: "script", tar: "000001", apdus } });
  await inState((await job(present, "auditStatus")).id, "done");
  await inState((await script(present, "80F2400200", "80FF000000")).id, "failed");
  const { iccid } = cards[1]?.state.profiles[1] ?? {};
  const enable = { kind: "es5", function: "enableProfile", params: { iccid } };
  await inState((await api.post<Named>("/v1/jobs", { target: switching, work: enable })).id, "done");
  await until(async () => ((await api.get<{ items: [] }>("/v1/notifications")).items.length > 0 ? true : undefined));
  await inState((await job(far, "auditEid")).id, "waiting");
  await job(far, "auditStatus");
  await job(absent, "auditStatus", { request: { bearer: "https" } });
  await job(absent, "auditEid", { request: { bearer: "envelope" } });
  await job(switching, "auditStatus");
  await api.post("/v1/campaigns", {
    name: "tonight",
    targets: { kind: "tag", tag: "rack" },
    action: { kind: "es5", function: "auditEid", params: {} },
  });
  await using client = new SmppLoad({ port: () => port, systemId: "load", password: "secret", window: 1, rate: 10 });
  await client.run(2, (number) => numberedMessage(number, msisdn));
  await smsc.mobileOriginated({
    from: "447700900999",
    to: "12345",
    userData: Buffer.from("hello"),
    userDataHeader: false,
    protocolId: 0,
    dataCoding: 0,
  });
  await api.post("/v1/tokens", { name: "platform", scopes: ["jobs"] });
  await pause(1000);
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill("SIGKILL");
  await ended;
  // The log is applied as the next opening would do it: most of it is pages that were written many times.
  const database = new Sqlite(join(state, "otagate.db"));
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const file of ["otagate.db", "otagate.marks", "master.key", ...cards.map((card) => card.file)])
    writeFileSync(join(out, `${file}.gz`), gzipSync(readFileSync(join(state, file)), { level: 9 }));
  writeFileSync(join(out, "killed-at.json"), `${Date.now()}\n`);
  rmSync(folder, { recursive: true, force: true });
}

const [checkout, out] = process.argv.slice(2);
if (checkout === undefined || out === undefined) throw new Error("usage: earlier-store.ts CHECKOUT FOLDER");
await make(checkout, out);
