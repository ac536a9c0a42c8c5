import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { chosenSessions } from "../../../src/gateway/scp81/session-choice.ts";
import type { AdminRequest } from "../../../src/link/scp81/admin-request.ts";
import type { AdminReply, AdminSessionInfo } from "../../../src/link/scp81/session-handler.ts";
import { Bench } from "../bench.ts";
import { target } from "../records.ts";

const eid = parseEid("89001012012341234012345678901224");
const request: AdminRequest = { uri: "/", agentId: "", resume: false, body: new Uint8Array(0), headText: "" };

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
  await bench.store.write((r) => r.targets.insert(target({ eid })));
});
afterAll(() => bench.close());

/** A session whose card does this, in order: the calls that its handler received, and the events. */
async function session(id: string, of: string, steps: readonly ("post" | "close" | "post-and-close")[]) {
  const calls: string[] = [];
  const open = chosenSessions(bench.store, systemClock, (found) => {
    calls.push(found === undefined ? "chosen without a target" : `chosen for ${found.eid}`);
    return () => ({
      post: async (): Promise<AdminReply> => {
        calls.push("post");
        return { do: "drop", why: "the end of the table" };
      },
      closed: () => calls.push("closed"),
    });
  });
  const info: AdminSessionInfo = { id, target: of, eid, identity: `identity ${id}`, remote: "192.0.2.1", openedAt: 0 };
  const handler = open(info);
  for (const step of steps) {
    const reply = step === "close" ? undefined : handler.post(request);
    if (step !== "post") handler.closed();
    await reply;
  }
  // The events of a session are behind this unit of work, which was begun after them.
  await bench.store.write(async () => {});
  const events = await bench.store.read((r) => r.events.after(0, 1000));
  const told = events.filter(({ data }) => data.session === id);
  return { calls, events: told.map(({ type, target: of, data }) => [type, of, data.posts ?? data.remote]) };
}

describe("what serves a session", () => {
  const mine = `chosen for ${eid}`;
  it.each<[string, string, readonly ("post" | "close" | "post-and-close")[], readonly string[], readonly unknown[]]>([
    ["nothing before the first POST", "tgt_1", [], [], []],
    ["nothing if the card leaves without a POST", "tgt_1", ["close"], [], []],
    [
      "it is chosen once",
      "tgt_1",
      ["post", "post"],
      [mine, "post", "post"],
      [["session.opened", "tgt_1", "192.0.2.1"]],
    ],
    [
      "its end is reported with the number of POSTs",
      "tgt_1",
      ["post", "post", "close"],
      [mine, "post", "post", "closed"],
      [
        ["session.opened", "tgt_1", "192.0.2.1"],
        ["session.closed", "tgt_1", 2],
      ],
    ],
    [
      "a card of an upstream has no target here",
      "tgt_unknown",
      ["post", "close"],
      ["chosen without a target", "post", "closed"],
      [
        ["session.opened", undefined, "192.0.2.1"],
        ["session.closed", undefined, 1],
      ],
    ],
    [
      "a card that leaves while its target is looked up",
      "tgt_1",
      ["post-and-close"],
      [mine, "post", "closed"],
      [["session.opened", "tgt_1", "192.0.2.1"]],
    ],
  ])("%s", async (name, of, steps, calls, events) => {
    expect(await session(name, of, steps)).toEqual({ calls, events });
  });
});
