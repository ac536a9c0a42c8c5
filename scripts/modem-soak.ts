import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Misbehaviour, wellBehaved } from "../simulators/modem/misbehaviour.ts";
import { seededRandom } from "../simulators/seeded-random.ts";
import { systemClock } from "../src/base/clock.ts";
import { fromHex } from "../src/base/hex.ts";
import type { JobId } from "../src/base/id.ts";
import { hasEnded } from "../src/gateway/model/job.ts";
import { gatewayNumber, ModemBench, type Socket } from "./modem-bench.ts";

/** Size of a trial. */
export interface SoakTrial {
  readonly seconds: number;
  /** The same seed gives the same troubles, if not at the same instants. */
  readonly seed: number;
  /** How long a job waits for an answer before it sends again, twice at most. */
  readonly answerTimeoutMs?: number;
  /** Longest pause of a modem between two troubles. */
  readonly calmMs?: number;
  /** Longest time that a modem misbehaves. */
  readonly troubleMs?: number;
  /** How long everything may take to end once the modems behave again. */
  readonly patienceMs?: number;
  readonly onLine?: (line: string) => void;
}

/** Outcome of it. */
export interface SoakReport {
  readonly jobs: number;
  readonly done: number;
  /** Ended without an answer, and indicate it: whether the card ran the packet is unknown. */
  readonly unsure: number;
  /** Ended in another way; none of the troubles is a reason for it: must be 0. */
  readonly lost: readonly string[];
  /** Not ended in time: must be 0. */
  readonly stuck: readonly string[];
  /** Jobs whose work left under more than one counter: must be 0. */
  readonly repeated: number;
  /** Modems that are not up in the end: must be 0. */
  readonly down: readonly string[];
  readonly troubles: Readonly<Record<string, number>>;
  /** Heap after a third of the time and at the end, MiB. */
  readonly heapMib: readonly [number, number];
  readonly seconds: number;
}

const senders = ["quectel-ec25", "u-blox-sara-r5"];
const holders = [
  "telit-le910c",
  "simcom-sim7600",
  "cinterion-els61",
  "quectel-bg95",
  "sierra-em74xx",
  "fibocom-l610",
] as const;
const names = [...senders, ...holders].map((_, index) => `m${index + 1}`);
const hasty = {
  quick: 1_000,
  pin: 1_000,
  store: 1_000,
  list: 2_000,
  prompt: 1_000,
  send: 1_500,
  card: 2_000,
  resync: 800,
};

type Trouble = (socket: Socket, bench: ModemBench, ms: number) => Promise<void>;

function lasting(change: Partial<Misbehaviour>): Trouble {
  return async ({ modem }, _bench, ms) => {
    modem.misbehave(change);
    await systemClock.sleep(ms);
    modem.misbehave(wellBehaved);
  };
}

const readMessage = fromHex("0004A1000000006210200102034005E8329BFD06");

const troubles: Readonly<Record<string, Trouble>> = {
  storm: lasting({ urcStorm: 300 }),
  late: lasting({ lateMs: 1_200 }),
  truncated: lasting({ truncate: 0.1 }),
  garbage: lasting({ garbage: 0.1 }),
  "lost result": lasting({ loseSendResult: 1 }),
  mute: lasting({ mute: 0.5 }),
  "card busy": lasting({ simBusy: true }),
  "small pieces": lasting({ chunk: 3 }),
  "restart in mid-command": async ({ modem }) => {
    modem.misbehave({ reboot: 1 });
    await systemClock.sleep(100);
    modem.misbehave(wellBehaved);
  },
  restart: ({ modem }) => modem.reboot(),
  unplugged: async ({ hotPlug: plug }, _bench, ms) => {
    await plug.pull();
    await systemClock.sleep(ms);
    await plug.plugIn();
  },
  "full memories": async ({ modem }) => {
    for (const store of [modem.stores.SM, modem.stores.ME])
      while (!store.full) store.add({ tpdu: readMessage, serviceCentre: "+15551000000", status: 1 });
  },
  "no coverage": async (_socket, { network }, ms) => {
    network.setCoverage(false);
    await systemClock.sleep(ms / 2);
    network.setCoverage(true);
  },
};

/** Eight simulated modems of as many makes misbehave at random while jobs go through them. */
export async function soak({
  seconds,
  seed,
  answerTimeoutMs = 15_000,
  calmMs = 6_500,
  troubleMs = 3_500,
  patienceMs = 120_000,
  onLine = () => {},
}: SoakTrial): Promise<SoakReport> {
  const random = seededRandom(seed);
  await using bench = await ModemBench.open({
    modems: [
      ...senders.map((profile, index) => ({
        name: names[index] ?? "",
        profile,
        card: { msisdn: index === 0 ? gatewayNumber : `1555000000${index + 1}` },
        config: { quarantineAfter: 100 },
      })),
      ...holders.map((profile, index) => ({
        name: names[senders.length + index] ?? "",
        profile,
        card: "euicc" as const,
        config: { quarantineAfter: 100 },
      })),
    ],
    timeoutsMs: hasty,
    answerTimeoutMs,
    random,
  });
  await bench.ready();
  const started = performance.now();
  const end = started + seconds * 1000;
  const over = () => performance.now() >= end;
  const jobs: JobId[] = [];
  const counted: Record<string, number> = {};
  const orders = names.slice(senders.length).map(async (name) => {
    while (!over()) {
      const id = await bench.submit(name, { kind: "es5", function: "auditStatus" });
      jobs.push(id);
      await bench.ended(id, Math.max(1, end - performance.now())).catch(() => undefined);
      await systemClock.sleep(20 + random() * 200);
    }
  });
  const mischief = names.map(async (name) => {
    while (!over()) {
      await systemClock.sleep(500 + random() * (calmMs - 500));
      const [what, act] = Object.entries(troubles)[Math.floor(random() * Object.keys(troubles).length)] ?? [];
      if (what === undefined || act === undefined || over()) continue;
      counted[what] = (counted[what] ?? 0) + 1;
      onLine(`${((performance.now() - started) / 1000).toFixed(1)} s  ${name}: ${what}; ${jobs.length} jobs so far`);
      await act(bench.socket(name), bench, 500 + random() * (troubleMs - 500));
    }
  });
  let early = 0;
  const look = systemClock.sleep((seconds * 1000) / 3).then(() => (early = heapMib()));
  await Promise.all([...orders, ...mischief, look]);
  const { done, unsure, lost, stuck, repeated } = await settle(bench, jobs, patienceMs);
  const down = await stillDown(bench, patienceMs / 2);
  await systemClock.sleep(200);
  return {
    jobs: jobs.length,
    done,
    unsure,
    lost,
    stuck,
    repeated,
    down,
    troubles: counted,
    heapMib: [early, heapMib()],
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

async function settle(bench: ModemBench, jobs: readonly JobId[], patienceMs: number) {
  const until = performance.now() + patienceMs;
  const found = { done: 0, unsure: 0, repeated: 0, lost: [] as string[], stuck: [] as string[] };
  for (const id of jobs) {
    const job = await bench.ended(id, Math.max(1, until - performance.now())).catch(() => bench.gateway.jobs.get(id));
    const packets = await bench.packets(id);
    if (new Set(packets.map(({ cntr }) => cntr)).size > 1) found.repeated++;
    if (!hasEnded(job)) found.stuck.push(`${id}: ${job.state}, ${job.note ?? ""}`);
    else if (job.state === "done") found.done++;
    else if (job.error !== undefined && job.error.executed !== false) found.unsure++;
    else found.lost.push(`${id}: ${job.state}, ${job.error?.code} ${job.error?.message}`);
  }
  return found;
}

async function stillDown(bench: ModemBench, patienceMs: number): Promise<string[]> {
  const down = () => names.filter((name) => !bench.link(name).state.up);
  await bench.until(async () => (down().length === 0 ? true : undefined), patienceMs).catch(() => undefined);
  return down().map((name) => `${name}: ${bench.link(name).state.reason}`);
}

function heapMib(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") for (let i = 0; i < 3; i++) collect();
  return Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10;
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      "answer-timeout": { type: "string", default: "15000" },
      calm: { type: "string", default: "6500" },
      verbose: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  console.log(`seed ${seed}, ${values.minutes} minutes`);
  const onLine = values.verbose ? console.log : () => {};
  const report = await soak({
    seconds: Number(values.minutes) * 60,
    seed,
    answerTimeoutMs: Number(values["answer-timeout"]),
    calmMs: Number(values.calm),
    onLine,
  });
  console.log(JSON.stringify(report, null, 2));
  const ok = report.lost.length + report.stuck.length + report.down.length + report.repeated === 0;
  console.log(
    `${report.jobs} jobs: ${report.done} done, ${report.unsure} unsure, ${report.lost.length} lost, ${report.stuck.length} stuck, ` +
      `${report.repeated} repeated; heap ${report.heapMib[0]} -> ${report.heapMib[1]} MiB`,
  );
  process.exitCode = ok ? 0 : 1;
}
