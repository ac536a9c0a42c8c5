/**
 * submit_sm per second through the whole gateway (SMSC face, jobs in SQLite, an account below that takes everything at
 * once) against the bare npm `smpp` server, which stores nothing. The same npm client submits to both, in turns; each has a
 * process of its own. What a client sees answered is durable; `through` counts until all messages have left. Medians; the
 * baseline is the npm server of the same run. Then the time from submit_sm to ENVELOPE.
 *
 *   node dist/bench/smpp-gateway.js [messages per measurement] [turns]      after `npm run build`, as a user's daemon runs
 */

import { median, peer, theirs } from "./smpp-client.ts";
import { cardThatTells, measuredGateway } from "./smpp-daemon.ts";

const messages = Number(process.argv[2] ?? 5_000);
const turns = Number(process.argv[3] ?? 5);

/** What a far end has done so far. */
interface Progress {
  readonly delivered: number;
  /** Microseconds. */
  readonly cpu: number;
}

type Peer = Awaited<ReturnType<typeof peer>>;

function progress({ child }: Peer): Promise<Progress> {
  return new Promise((resolve) => {
    child.once("message", (done: Progress) => resolve(done));
    child.send("progress");
  });
}

/** One measurement of one far end: submits answered and submits that left, per second, and its CPU for each, microseconds. */
async function measure(far: Peer, count: number, window: number, number?: (index: number) => string) {
  const client = await theirs(far.port, number);
  const before = await progress(far);
  const started = performance.now();
  await client.submit(count, window);
  const accepted = (count * 1_000) / (performance.now() - started);
  let now = await progress(far);
  while (now.delivered - before.delivered < count) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    now = await progress(far);
  }
  const through = (count * 1_000) / (performance.now() - started);
  await client.close();
  return { accepted, through, cpu: (now.cpu - before.cpu) / count };
}

async function gateways(): Promise<void> {
  const gateway = await peer("gateway");
  const bare = await peer("npm");
  for (const window of [1, 10, 100]) {
    const ours: Awaited<ReturnType<typeof measure>>[] = [];
    const plain: typeof ours = [];
    for (let turn = 0; turn <= turns; turn++) {
      const count = turn === 0 ? Math.ceil(messages / 4) : messages;
      const one = await measure(gateway, count, window, (index) => `4477${String(index % 100).padStart(8, "0")}`);
      const other = await measure(bare, count, window);
      if (turn === 0) continue;
      ours.push(one);
      plain.push(other);
    }
    const of = (list: typeof ours, key: "accepted" | "through" | "cpu") => median(list.map((one) => one[key]));
    const base = of(plain, "accepted");
    const [accepted, through] = [of(ours, "accepted"), of(ours, "through")];
    console.log(
      `submit_sm through the whole gateway, window ${window}: durable ${accepted.toFixed(0)}/s, through ${through.toFixed(0)}/s, ` +
        `bare npm server ${base.toFixed(0)}/s, ratio ${(accepted / base).toFixed(3)}, ${(through / base).toFixed(3)}; ` +
        `CPU ${of(ours, "cpu").toFixed(0)} against ${of(plain, "cpu").toFixed(0)} microseconds a message`,
    );
  }
  await Promise.all([gateway, bare].map(({ end }) => end()));
}

/** Milliseconds from a submit_sm to the ENVELOPE that reaches a card in a simulated reader, one after the other. */
async function latency(): Promise<void> {
  let heard = () => {};
  const gateway = await measuredGateway(cardThatTells(() => heard()));
  const client = await theirs(gateway.port, () => gateway.numbers[0] ?? "");
  const times: number[] = [];
  for (let number = 0; number < 520; number++) {
    const arrived = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const started = performance.now();
    await Promise.all([client.submit(1, 1), arrived]);
    if (number >= 20) times.push(performance.now() - started);
  }
  await client.close();
  await gateway[Symbol.asyncDispose]();
  const at = (share: number) => ([...times].sort((a, b) => a - b)[Math.floor(times.length * share)] ?? 0).toFixed(2);
  console.log(
    `submit_sm to ENVELOPE, simulated reader: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, 99 % ${at(0.99)} ms`,
  );
}

await latency();
await gateways();
