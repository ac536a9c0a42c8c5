import { Counter, Gauge, type Registry } from "prom-client";
import type { ApiDeps } from "../api-deps.ts";

/**
 * SMSC accounts: binds, window, queue, rate; outcomes of messages; items that wait for SMPP clients. The label values
 * are configured links.
 */
export function smscMetrics({ gateway, smscDepths }: ApiDeps, registers: Registry[]): void {
  const accounts = () =>
    gateway.links.list().flatMap((link) => {
      const numbers = link.numbers?.();
      return numbers === undefined ? [] : [{ id: link.id, ...numbers }];
    });
  new Gauge({
    name: "otagate_smsc_account",
    help: "State of SMSC accounts: binds that are up, window, requests in flight, queued, paused, messages per second",
    labelNames: ["link", "what"],
    registers,
    collect() {
      this.reset();
      for (const { id, now } of accounts())
        for (const [what, value] of Object.entries(now)) this.set({ link: id, what }, value);
    },
  });
  new Counter({
    name: "otagate_smsc_messages_total",
    help: "Messages submitted to SMSC accounts since the start, by outcome",
    labelNames: ["link", "what"],
    registers,
    collect() {
      this.reset();
      for (const { id, total } of accounts())
        for (const [what, value] of Object.entries(total)) this.inc({ link: id, what }, value);
    },
  });
  new Gauge({
    name: "otagate_smsc_outbox",
    help: "Waiting messages and receipts for clients of the SMSC face",
    labelNames: ["client"],
    registers,
    async collect() {
      this.reset();
      const depths = await smscDepths();
      for (const [client, depth] of Object.entries(depths)) this.set({ client }, depth);
    },
  });
}
