import { expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { Relay } from "../../../src/gateway/upstream/relay.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { testRandom } from "../../seed.ts";
import { now, old, RetentionBench } from "../../store/retention-bench.ts";

it("says in the log which events an upstream will not hear of, and goes on with those that are kept", async () => {
  await using bench = await RetentionBench.open();
  for (const at of [old, old, old, now]) await bench.event(at);
  await bench.write((r) => r.outbox.moveCursor("smsr", 1));
  await bench.prune();
  const warned: object[] = [];
  const sent: string[] = [];
  const settings = { upstream: "smsr", events: ["*"], concurrency: 1, firstRetryMs: 1, maxRetryMs: 1, maxAttempts: 1 };
  const deps = {
    store: bench.store,
    clock: systemClock,
    random: testRandom(),
    log: { ...silentLog, warn: (facts: object) => void warned.push(facts) },
    post: async ({ id }: { id: string }) => {
      sent.push(id);
      return { kind: "answer" as const, status: 204 };
    },
  };
  const start = async () => {
    await using relay = new Relay(deps, settings);
    await relay.start();
    while ((await bench.read((r) => r.outbox.cursor("smsr"))) !== 4) await systemClock.sleep(2);
    await relay.idle();
  };
  await start();
  expect(warned).toEqual([{ upstream: "smsr", after: 1, first: 4 }]);
  expect(sent).toEqual([expect.stringMatching(/_4$/)]);
  await start();
  expect(warned).toHaveLength(1);
});
