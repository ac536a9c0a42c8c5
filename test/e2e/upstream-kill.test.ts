import { expect, it } from "vitest";
import { upstreamKill } from "../../scripts/upstream-kill.ts";
import "./product.ts";

it("tells an SM-SR of everything, in order, although the daemon is killed with webhooks in flight", async () => {
  const report = await upstreamKill({ targets: 8, changes: 300, kills: 3, seed: 6, print: () => undefined });
  expect(report).toMatchObject({ kills: 3, lost: 0, outOfOrder: 0, altered: 0 });
  expect(report.events).toBeGreaterThanOrEqual(300);
}, 900_000);
