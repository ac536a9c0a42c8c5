import { expect, it } from "vitest";
import { restartTrial, trialPassed } from "../../../scripts/smpp-restarts.ts";

it("an SMSC that is killed and restarted under load takes each message once, or its fate is reported unknown", {
  timeout: 60_000,
}, async () => {
  const report = await restartTrial({ messages: 1_500, restarts: 6, rate: 600 });
  expect(report).toMatchObject({ arrivedTwice: 0, lost: 0, forgotten: 0 });
  expect(report.receipts).toBe(report.accepted);
  expect(report.accepted + report.unknown).toBe(1_500);
  expect(trialPassed(report)).toBe(true);
});
