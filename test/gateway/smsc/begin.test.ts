import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { SmscConversations } from "../../../src/gateway/smsc/conversations.ts";
import { Bench, euicc, plainEis } from "../bench.ts";
import { order, ScriptedAccount } from "./smsc-network.ts";

const msisdn = "447700900123";
const message = Uint8Array.of(2, 0x70, 0, 1, 2, 3);

/** A card behind an account, and the conversations with it. */
async function behindAccount(bench: Bench) {
  await bench.gateway.start();
  const card = euicc();
  await bench.targets.import(plainEis(card));
  await bench.targets.change(card.state.eid, { msisdn });
  const account = new ScriptedAccount();
  bench.gateway.attach(account.link);
  return { account, conversations: new SmscConversations(bench.useCaseDeps) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

const jobs = (bench: Bench) => bench.store.read((r) => r.jobs.list({}, undefined, 10));

describe("a message that can go at once", () => {
  it("is stored as under way with its packet by the commit that accepts it", async () => {
    await using bench = await Bench.open();
    const { account, conversations } = await behindAccount(bench);
    await using _conversations = conversations;
    let taken = () => {};
    account.answer = () =>
      new Promise((resolve) => {
        taken = () => resolve({ at: "accepted", networkReference: "id-1" });
      });
    await conversations.submit(order(msisdn, message));
    const [job] = await jobs(bench);
    expect(job).toMatchObject({ state: "running", attempts: 1, chosen: { bearer: "sms", link: "smsc:below" } });
    const packets = await bench.store.read((r) => r.packets.ofJob(job?.id ?? "job_"));
    expect(packets).toMatchObject([{ state: "reserved", transmissions: 1 }]);
    await until(() => account.submitted.length === 1);
    taken();
    await until(async () => (await jobs(bench))[0]?.state === "done");
    const types = (await bench.store.read((r) => r.events.after(0, 100))).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith("job."))).toEqual(["job.queued", "job.sending", "job.done"]);
  });

  it("waits for the one before it to the same card, and then goes in order", async () => {
    await using bench = await Bench.open();
    const { account, conversations } = await behindAccount(bench);
    await using _conversations = conversations;
    let open = 0;
    let most = 0;
    account.answer = async (_, count) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open -= 1;
      return { at: "accepted", networkReference: `id-${count}` };
    };
    const bodies = Array.from({ length: 30 }, (_, index) => Uint8Array.of(2, 0x70, 0, index));
    await Promise.all(bodies.map((body) => conversations.submit(order(msisdn, body))));
    await until(() => account.submitted.length === bodies.length);
    expect(most).toBe(1);
    expect(account.submitted.map(({ userData }) => userData[3])).toEqual(bodies.map((body) => body[3]));
    await until(async () => (await bench.store.read((r) => r.jobs.counts())).done === bodies.length);
  });

  it("is tried again by itself when the link did not take it for the time being", async () => {
    await using bench = await Bench.open();
    const { account, conversations } = await behindAccount(bench);
    await using _conversations = conversations;
    account.answer = async (_, count) => {
      if (count > 1) return { at: "accepted", networkReference: "id-2" };
      throw new GatewayError("link.busy", "not now", { detail: {} }).with({ fate: "not-sent" });
    };
    await conversations.submit(order(msisdn, message));
    await until(async () => (await jobs(bench))[0]?.state === "done");
    expect(account.submitted).toHaveLength(2);
  });

  it("does not keep its card when it could not be stored", async () => {
    await using bench = await Bench.open();
    const { account, conversations } = await behindAccount(bench);
    await using _conversations = conversations;
    const failing = bench.store.write(async (r) => {
      await r.events.append({ at: 1, type: "target.removed", data: {} });
      throw new Error("this unit fails after a change");
    });
    const [, failed] = await Promise.allSettled([conversations.submit(order(msisdn, message)), failing]);
    expect(failed.status).toBe("rejected");
    await until(async () => (await jobs(bench))[0]?.state === "done");
    expect(account.submitted).toHaveLength(1);
    expect(await jobs(bench)).toHaveLength(1);
  });
});
