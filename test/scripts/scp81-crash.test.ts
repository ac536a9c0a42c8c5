import { expect, it } from "vitest";
import { crash } from "../../scripts/scp81/crash.ts";

it("reports every script once, as what it was, over kills of the server in mid-session", {
  timeout: 600_000,
}, async () => {
  const report = await crash({ kills: 3, cards: 6, scriptsPerCard: 30, seed: 11 });
  expect(report).toMatchObject({ kills: 3, scripts: 180, wrong: [] });
});
