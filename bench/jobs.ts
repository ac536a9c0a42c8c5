import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { bareLoop, twoFlushes } from "./jobs-bare.ts";
import { fillFinished, type Measured, MeasuredDaemon } from "./jobs-gateway.ts";

/**
 * Jobs per second end to end: accepted durably, secured, run by simulated cards over ENVELOPE, answered durably. In turns
 * with a bare loop that does only what cannot be left out; with `--finished N`, on a store with as many finished jobs in
 * turns with an empty one; with `--against FOLDER`, in turns with another checkout's own `bench/jobs`, both built.
 *
 * The bare loop has the same cards in the same process and secures, segments and reads with the same code. It stores
 * three changes of a job (accepted, packet, result) in two tables without further indexes, in group commits with one
 * flush each. It has no queue, events, trace, inbox or sealing.
 *
 *   node dist/bench/jobs.js [--jobs 1000] [--cards 64] [--finished 20000] [--against FOLDER]      after `npm run build`
 */
const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000" },
    cards: { type: "string", default: "64" },
    rounds: { type: "string", default: "3" },
    finished: { type: "string", default: "0" },
    against: { type: "string" },
  },
});
const jobs = Number(values.jobs);
const cards = Number(values.cards);
const rounds = Number(values.rounds);
const finished = Number(values.finished);

type Side = { readonly name: string; readonly measure: () => Promise<Measured> | Measured };

const euiccs = (name: string) =>
  Array.from({ length: cards }, (_, n) => new SimulatedEuicc({ state: createEuiccState({ seed: `${name} ${n}` }) }));

/** Another checkout, or this one, in a process of its own: the line of its empty store. */
function inFolder(folder: string): Measured {
  const args = ["dist/bench/jobs.js", "--jobs", values.jobs, "--cards", values.cards, "--finished", "1"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  const [, perSecond, medianMs] = /^empty store\s+(\d+) jobs\/s\s+one alone ([\d.]+) ms/m.exec(stdout) ?? [];
  if (perSecond === undefined) throw new Error(`${folder}: ${stderr}`);
  return { perSecond: Number(perSecond), medianMs: Number(medianMs) };
}

/** All sides in turns, so that what else the machine does meets them alike. */
async function inTurns(sides: readonly Side[]): Promise<Measured[]> {
  const all = sides.map(() => [] as Measured[]);
  for (let round = 0; round < rounds; round++)
    for (const [index, side] of sides.entries()) all[index]?.push(await side.measure());
  return all.map((list) => ({
    perSecond: median(list.map(({ perSecond }) => perSecond)),
    medianMs: median(list.map(({ medianMs }) => medianMs)),
    cpuMs: median(list.map(({ cpuMs = 0 }) => cpuMs)),
  }));
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function show(sides: readonly Side[], measured: readonly Measured[]): void {
  for (const [index, { name }] of sides.entries()) {
    const { perSecond = 0, medianMs = 0, cpuMs = 0 } = measured[index] ?? {};
    const line = `${name.padEnd(34)} ${perSecond.toFixed(0).padStart(6)} jobs/s   one alone ${medianMs.toFixed(1)} ms${cpuMs > 0 ? `   ${cpuMs.toFixed(2)} ms of processor a job` : ""}\n`;
    process.stdout.write(line);
  }
}

const ratio = (a: number | undefined, b: number | undefined): string => ((a ?? 0) / (b || 1)).toFixed(2);

process.stdout.write(`${jobs} jobs over ${cards} simulated cards, durable, ${rounds} rounds in turns, medians\n`);
if (values.against !== undefined) {
  const against = resolve(values.against);
  const here = process.cwd();
  const sides = [here, against].map((folder) => ({ name: folder, measure: () => inFolder(folder) }));
  const measured = await inTurns(sides);
  show(sides, measured);
  process.stdout.write(`ratio to ${against}: ${ratio(measured[0]?.perSecond, measured[1]?.perSecond)}\n`);
} else {
  const folders = ["empty", "full"].map((name) => mkdtempSync(join(tmpdir(), `otagate-bench-${name}-`)));
  try {
    const [empty = "", full = ""] = folders;
    await using gateway = await MeasuredDaemon.open(empty, euiccs("bench"));
    const sides: Side[] = [{ name: "empty store", measure: () => gateway.measure(jobs) }];
    const bare = euiccs("bare");
    sides.push({ name: "bare loop", measure: () => bareLoop(bare, jobs) });
    const more = finished > 1 ? euiccs("full") : [];
    if (finished > 1) {
      await (await MeasuredDaemon.open(full, more))[Symbol.asyncDispose]();
      fillFinished(full, finished);
    }
    await using filled = finished > 1 ? await MeasuredDaemon.open(full, more) : undefined;
    if (filled !== undefined)
      sides.push({ name: `${finished} finished jobs in the store`, measure: () => filled.measure(jobs) });
    const measured = await inTurns(sides);
    show(sides, measured);
    const flushes = await twoFlushes();
    process.stdout.write(`ratio to the bare loop: ${ratio(measured[0]?.perSecond, measured[1]?.perSecond)}\n`);
    process.stdout.write(`ratio by processor time: ${ratio(measured[1]?.cpuMs, measured[0]?.cpuMs)}\n`);
    const alone = measured[0]?.medianMs;
    process.stdout.write(`one alone: ${ratio(alone, flushes)} of two flushes (${flushes.toFixed(2)} ms)\n`);
    if (measured[2] !== undefined)
      process.stdout.write(`empty / full: ${ratio(measured[0]?.perSecond, measured[2].perSecond)}\n`);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}
