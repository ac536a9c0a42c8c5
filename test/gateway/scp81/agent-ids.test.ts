import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { sessionParametersTlv, storeDataCommands } from "../../../src/codec/gp/sd-parameters.ts";
import { StoredSessionParameters } from "../../../src/codec/gp/session-parameters.ts";
import { SessionTrigger } from "../../../src/codec/gp/trigger.ts";
import { encode } from "../../../src/codec/kit/codec.ts";
import { PskDirectory } from "../../../src/gateway/scp81/psk-directory.ts";
import { agentIdWritten } from "../../../src/gateway/targets/agent-ids.ts";
import { AdminBench } from "./admin-bench.ts";

const agentId = "card/7";
const http = { host: "h", agentId };
const trigger = encode(SessionTrigger, { session: { http } });
const script = (...apdus: Uint8Array[]) => ({ kind: "script", tar: isdRTar, apdus }) as const;
const long = { http: { host: "h".repeat(300), agentId } };

describe("the agent id that a script writes", () => {
  it.each([
    ["a trigger", { kind: "body", tar: isdRTar, body: trigger } as const],
    ["STORE DATA of a whole set", script(...storeDataCommands(sessionParametersTlv("replace", { http })))],
    ["STORE DATA of a change", script(...storeDataCommands(sessionParametersTlv("change", { http })))],
    ["STORE DATA in several blocks", script(...storeDataCommands(sessionParametersTlv("replace", long)))],
    [
      "UpdateSMSRAddressingParameters",
      script(
        ...es5Commands({
          name: "updateSMSRAddressingParameters",
          addressing: { https: encode(StoredSessionParameters, { http }) },
        }),
      ),
    ],
  ])("is found in %s", (_, work) => expect(agentIdWritten(work)).toBe(agentId));

  it.each([
    ["a trigger without one", { kind: "body", tar: isdRTar, body: Uint8Array.of(0x81, 0x00) } as const],
    ["a broken trigger", { kind: "body", tar: isdRTar, body: Uint8Array.of(0x81, 0xff, 0x8b) } as const],
    ["other scripts", script(Uint8Array.of(0x80, 0xca, 0, 0x5a, 0))],
    ["broken parameters", script(Uint8Array.of(0x80, 0xe2, 0x90, 0, 3, 0x85, 0x7f, 0x01))],
  ])("is not looked for in %s", (_, work) => expect(agentIdWritten(work)).toBeUndefined());
});

describe("what a target's card may call itself", () => {
  let bench: AdminBench;
  beforeAll(async () => {
    bench = await AdminBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  it("is its ICCIDs, what its settings say, and what scripts wrote, as soon as those leave", async () => {
    const [card] = await bench.cards(1, "names", { agentId: "set by hand" });
    if (card === undefined) throw new Error("no card");
    using directory = new PskDirectory(bench.bench.store);
    await directory.load();
    const entry = () => directory.find(`8001028110${card.eid}4F10A0000005591010FFFFFFFF8900000100820101830140`);
    expect(entry()).toMatchObject({ eid: card.eid, agentId: "set by hand" });
    const id = await bench.submit(card, storeDataCommands(sessionParametersTlv("change", { http })).map(toHex));
    expect(entry()?.agentIds ?? []).not.toContain(agentId);
    await card.begin();
    await bench.bench.until(async () => (entry()?.agentIds?.includes(agentId) === true ? true : undefined));
    await card.answer("AF80230290000000");
    expect((await bench.job(id)).state).toBe("done");
    const { target } = await bench.bench.targets.show(card.eid);
    expect(target.agentIds).toEqual([agentId]);
  });
});
