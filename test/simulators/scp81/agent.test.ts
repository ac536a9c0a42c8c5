import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AdminAgent, type AgentDeps, type AgentParameters } from "../../../simulators/scp81/admin-agent.ts";
import type { AgentDeviations, DropPoint } from "../../../simulators/scp81/agent-deviations.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { AdminScript } from "../../../src/link/scp81/admin-store.ts";
import { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import { agentId, identity, key, type Running, serve } from "../../link/scp81/tls-link.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});
async function running(...args: Parameters<typeof serve>): Promise<Running> {
  const server = await serve(...args);
  open.push(server);
  return server;
}

const parameters: AgentParameters = {
  tls: { identity, psk: fromHex(key) },
  host: "192.0.2.10",
  agentId,
  uri: "/gsma/adminagent",
  retry: { attempts: 4, delayMs: 5 },
  inactivityMs: 3000,
};

const script = (n: number, more: Partial<AdminScript> = {}): AdminScript => ({
  id: `s${n}`,
  kind: "gp",
  body: fromHex(`AE80220580CA0${n.toString(16).padStart(3, "0")}000000`),
  ...more,
});

function agent(
  port: number,
  deviations: AgentDeviations = {},
  more: Partial<AgentParameters> = {},
  deps: Partial<AgentDeps> = {},
) {
  const connectTcp = async () => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return socket;
  };
  const execute = async () => ({ status: "ok" as const, response: fromHex("AF80230290000000") });
  return new AdminAgent(
    { ...parameters, ...more },
    { connect: connectTcp, execute, clock: systemClock, ...deps },
    deviations,
  );
}

describe("a card that loses its link", () => {
  const points: DropPoint[] = [
    "before-request",
    "inside-request",
    "before-answer",
    "inside-answer",
    "before-execution",
    "after-execution",
  ];
  const cases = points.flatMap((at) =>
    (["fin", "reset", "silence"] as const).flatMap((how) => [0, 1, 2, 3].map((post) => ({ at, how, post }))),
  );

  it.each(cases)("$at, by $how, at POST $post: each verdict is what the card did", async (drop) => {
    const store = new MemoryAdminStore();
    const scripts = [script(1), script(2), script(3)];
    store.enqueue("t", ...scripts);
    const { port } = await running(store);
    const report = await agent(port, { drops: [drop] }).run();
    expect(report).toMatchObject({ end: "complete", executed: scripts.map(({ body }) => body) });
    for (const [n, { id }] of scripts.entries()) {
      const state = store.reports.get(id)?.verdict.state;
      // Only the script whose response was on its way when the link broke may have lost it.
      const mayBeLost = drop.post === n + 1 || (drop.at === "after-execution" && drop.post === n);
      expect(mayBeLost ? ["answered", "executed-response-lost"] : ["answered"]).toContain(state);
      if (drop.at === "after-execution" && drop.post === n) expect(state).toBe("executed-response-lost");
    }
  });

  it("every link of a session broken, once at each point: still each script once", async () => {
    const store = new MemoryAdminStore();
    const scripts = Array.from({ length: 8 }, (_, n) => script(n));
    store.enqueue("t", ...scripts);
    const { port } = await running(store);
    const drops = Array.from({ length: 24 }, (_, post) => ({
      at: points[post % points.length] ?? "before-answer",
      how: (["fin", "reset", "silence"] as const)[post % 3] ?? "fin",
      post,
    }));
    const report = await agent(port, { drops }, { retry: { attempts: 60, delayMs: 1 } }).run();
    expect(report.executed.map(toHex)).toEqual(scripts.map(({ body }) => toHex(body)));
    expect(scripts.every(({ id }) => store.reports.has(id))).toBe(true);
  });

  it("gives up when its retries are used up, and the script's fate stays open until its next session", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script(1), script(2));
    const { port } = await running(store);
    const card = agent(
      port,
      { drops: [{ at: "after-execution", how: "reset", post: 0 }] },
      { retry: { attempts: 0, delayMs: 1 } },
    );
    expect(await card.run()).toMatchObject({ end: "gave-up" });
    expect(store.reports.size).toBe(0);
    expect(await card.run()).toMatchObject({ end: "complete" });
    expect(store.reports.get("s1")?.verdict.state).toBe("fate-unknown");
    expect(store.reports.get("s2")?.verdict.state).toBe("answered");
  });

  it("a broken ES8 channel is reported, with all that was queued behind", async () => {
    const store = new MemoryAdminStore();
    const inChannel = [1, 2, 3].map((n) => script(n, { secureChannel: "c" }));
    store.enqueue("t", ...inChannel, script(4));
    const { port } = await running(store);
    const drops = [{ at: "before-execution", how: "fin", post: 1 }] as const;
    const report = await agent(port, { drops }).run();
    expect(report.executed).toHaveLength(2);
    expect(inChannel.map(({ id }) => store.reports.get(id)?.verdict)).toMatchObject([
      { state: "answered" },
      { state: "not-delivered", why: "secure-channel-lost" },
      { state: "not-delivered", why: "secure-channel-lost" },
    ]);
    expect(store.reports.get("s4")?.verdict.state).toBe("answered");
  });
});

describe("a card that writes in its own way", () => {
  const deviations: [string, AgentDeviations][] = [
    ["lower-case headers", { headerCase: "lower" }],
    ["upper-case headers", { headerCase: "upper" }],
    ["Content-Length", { framing: "length" }],
    ["chunks of odd sizes", { chunkSizes: [1, 7, 2, 255] }],
    ["chunk sizes in upper case", { chunkSizeSpelling: "upper", chunkSizes: [10, 11] }],
    ["chunk sizes with zeros", { chunkSizeSpelling: "leading-zeros" }],
    ["chunk sizes with a space", { chunkSizeSpelling: "trailing-space" }],
    ["no CRLF at the very end", { lastChunk: "no-final-crlf" }],
    ["a stray last chunk", { strayLastChunk: true }],
    ["no space behind colons", { spacing: "no-space" }],
    ["spaces at line ends", { spacing: "trailing-space", trailingSpaceAfterVersion: true }],
    ["spaces before colons", { spacing: "space-before-colon" }],
    ["bare LF", { lineEnd: "lf" }],
    ["absolute URIs", { requestTarget: "absolute" }],
    ["no Host", { omitHost: true }],
    ["a length of 0 on the first POST", { contentLengthZero: true }],
    ["single octets", { writeOctets: 1 }],
    ["time to think", { thinkMs: 50 }],
  ];
  it.each(deviations)("%s", async (_, spelling) => {
    const store = new MemoryAdminStore();
    const scripts = [script(1), script(2, { target: "A0000005591010FFFFFFFF8900001300" })];
    store.enqueue("t", ...scripts);
    const { port } = await running(store);
    const response = fromHex(`AF80${"2302900023036101AA".repeat(1)}23820102${"AB".repeat(256)}90000000`);
    const targets: (string | undefined)[] = [];
    const execute: AgentDeps["execute"] = async ({ target }) => {
      targets.push(target);
      return { status: "ok", response };
    };
    const report = await agent(port, spelling, {}, { execute }).run();
    expect(report).toMatchObject({ end: "complete", posts: 3, links: 1 });
    expect(targets).toEqual([undefined, "A0000005591010FFFFFFFF8900001300"]);
    expect([...store.reports.values()].map(({ verdict }) => verdict)).toEqual(
      scripts.map(() => ({ state: "answered", response })),
    );
  });

  it("the other spelling of its agent id", async () => {
    const store = new MemoryAdminStore();
    const { port } = await running(store);
    const report = await agent(port, {}, { agentId: agentId.replace("aa-id", "aaid") }).run();
    expect(report.end).toBe("complete");
  });
});

describe("a card that is refused", () => {
  it.each([
    ["wrong identity", { tls: { identity: "nobody", psk: fromHex(key) } }, "handshake-failed"],
    ["wrong key", { tls: { identity, psk: fromHex("00".repeat(16)) } }, "handshake-failed"],
    ["another card's agent id", { agentId: agentId.replace("1224", "1225") }, "refused"],
    ["a URI nobody gave", { uri: "/elsewhere" }, "refused"],
  ] as const)("%s: no script leaves", async (_, wrong, end) => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script(1));
    const { port } = await running(store);
    expect(await agent(port, {}, wrong).run()).toMatchObject({ end, executed: [] });
    expect(store.deliveries("s1")).toBe(0);
    expect(store.reports.size).toBe(0);
  });

  it.each(["unknown-application", "not-a-security-domain", "security-error"] as const)(
    "%s is the script's verdict",
    async (status) => {
      const store = new MemoryAdminStore();
      store.enqueue("t", script(1), script(2));
      const { port } = await running(store);
      let first = true;
      const execute: AgentDeps["execute"] = async () => {
        const refused = first;
        first = false;
        return refused ? { status } : { status: "ok", response: fromHex("AF80230290000000") };
      };
      await agent(port, { strayLastChunk: true }, {}, { execute }).run();
      expect(store.reports.get("s1")?.verdict).toEqual({ state: "rejected", scriptStatus: status });
      expect(store.reports.get("s2")?.verdict.state).toBe("answered");
    },
  );
});

describe("a notification over HTTPS", () => {
  it("is told in the first POST and confirmed in the answer", async () => {
    const store = new MemoryAdminStore();
    store.onNotification = (target) => store.enqueue(target, script(1));
    const { port } = await running(store);
    const report = await agent(port).run({ notification: fromHex("E1034C01FF") });
    expect(report).toMatchObject({ end: "complete", posts: 2 });
    expect(store.notifications).toEqual([{ target: "t", tlv: fromHex("E1034C01FF") }]);
    expect(store.reports.get("s1")?.verdict.state).toBe("answered");
  });
});
