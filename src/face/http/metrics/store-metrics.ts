import { Counter, Gauge, type Registry } from "prom-client";
import type { ApiDeps } from "../api-deps.ts";

/** Records removed from the store, and the size of its file. */
export function storeMetrics({ gateway: { pruner, storeState } }: ApiDeps, registers: Registry[]): void {
  new Counter({
    name: "otagate_pruned_total",
    help: "Records removed by retention since the start, by kind",
    labelNames: ["kind"],
    registers,
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(pruner.total)) this.inc({ kind }, count);
    },
  });
  new Gauge({
    name: "otagate_store_bytes",
    help: "Size of the store file, and its free space",
    labelNames: ["what"],
    registers,
    async collect() {
      const { bytes, freeBytes } = await storeState.size();
      this.set({ what: "file" }, bytes);
      this.set({ what: "free" }, freeBytes);
    },
  });
}
