import { expect, it } from "vitest";
import { gatewayRestartTrial } from "../../scripts/smpp-gateway-restarts.ts";
import { smppKill } from "../../scripts/smpp-kill.ts";
import { loadSound } from "../../scripts/smpp-load.ts";
import "../e2e/product.ts";

it("through a whole gateway, an SMSC that is killed and restarted gets each message once, or its client hears that nobody knows", {
  timeout: 900_000,
}, async () => {
  const report = await gatewayRestartTrial({ messages: 600, restarts: 3, rate: 300, targets: 30, graceMs: 1_000 });
  expect(report).toMatchObject({ accepted: 600, arrivedTwice: 0, forgotten: 0, lost: 0, otherwise: 0 });
  expect(loadSound(report)).toBe(true);
});

it("a daemon that is killed loses no message of a client, and brings none twice", { timeout: 900_000 }, async () => {
  const report = await smppKill({ messages: 300, kills: 2, rate: 100, targets: 10, cards: 2 });
  expect(report).toMatchObject({ messages: 300, arrivedTwice: 0, forgotten: 0, lost: 0, otherwise: 0 });
  // What a kill leaves in doubt for the client is its whole window at most, and on a loaded machine is just that.
  expect(report.delivered).toBeGreaterThan(0);
  expect(loadSound(report)).toBe(true);
});
