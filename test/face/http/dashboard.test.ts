import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { ApiBench } from "./api-bench.ts";

it("the dashboard asks for metrics and labels that there are", async () => {
  await using bench = await ApiBench.open({
    config: {
      scp81: { enabled: true, port: 0 },
      upstream: [{ name: "smsr", webhook: { url: "http://127.0.0.1:1/" } }],
    },
  });
  const card = await bench.card("reader-1");
  const order = { target: card.state.eid, work: { kind: "es5", function: "auditStatus" } };
  const { body: job } = await bench.call("POST", "/v1/jobs", { body: order });
  await bench.call("GET", `/v1/jobs/${job.id}?wait=5000`);
  const text = String((await bench.call("GET", "/metrics")).body);
  const dashboard = readFileSync(join(packageRoot, "packaging", "grafana", "otagate.json"), "utf8");
  const asked = new Set(dashboard.match(/otagate_[a-z0-9_]+/g) ?? []);
  expect(asked.size).toBeGreaterThan(10);
  expect([...asked].filter((name) => !new RegExp(`^${name}(\\{| )`, "m").test(text))).toEqual([]);
  const labels = new Set([...dashboard.matchAll(/\{\{([a-z]+)\}\}/g)].map(([, label = ""]) => label));
  expect([...labels].filter((label) => !text.includes(`${label}="`))).toEqual([]);
});
