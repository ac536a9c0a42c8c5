import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { type AdminAnswer, adminAnswerOctets } from "../../../src/codec/gp/admin-http.ts";
import { readPskIdentity } from "../../../src/codec/gp/psk-identity.ts";
import { RequestReader } from "../../../src/codec/gp/request-reader.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { checkRequest } from "../../../src/link/scp81/admin-request.ts";
import type { AdminRecord, AdminScript, AdminStep, Offer } from "../../../src/link/scp81/admin-store.ts";
import { type DialogPost, type DialogState, openDialog, stepDialog } from "../../../src/link/scp81/dialog.ts";
import { Dialogs, defaultDialogSettings } from "../../../src/link/scp81/dialogs.ts";
import { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import { scp81Vectors } from "../../codec/gp/vectors.ts";
import { type CardLink, outcomeOf, play, readAnswer, scriptsOf } from "./play.ts";

function dialogsOver(store: MemoryAdminStore, settings = defaultDialogSettings): Dialogs {
  let tokens = 0;
  return new Dialogs({ store, clock: systemClock, newToken: () => `T${++tokens}`, log: silentLog }, settings);
}

/** A card's connection straight into the dialog, without sockets. */
function direct(dialogs: Dialogs, identity: string): CardLink {
  const eid = readPskIdentity(identity)?.eid;
  const handler = dialogs.open({ id: "ses_1", target: "t", identity, remote: "test", openedAt: 0 });
  const reader = new RequestReader({ headOctets: 8192, bodyOctets: 65536 });
  const seen = (answer: AdminAnswer) => readAnswer(adminAnswerOctets(answer, "length", 1024).octets);
  return {
    async request(octets) {
      for (const event of reader.push(octets)) {
        if (event.kind !== "request") continue;
        const checked = checkRequest(event.request, withoutUndefined({ eid }));
        if (!checked.ok) return seen({ status: checked.status });
        const reply = await handler.post(checked.request);
        return reply.do === "answer" ? seen(reply.answer) : undefined;
      }
      return undefined;
    },
    async send(octets) {
      expect(reader.push(octets)).toEqual([]);
    },
    async cut() {
      handler.closed();
    },
  };
}

describe("dialog vectors, without sockets", () => {
  it.each(scp81Vectors.dialog)("$name", async (vector) => {
    const store = new MemoryAdminStore();
    store.enqueue("t", ...scriptsOf(vector));
    await play(vector, async () => direct(dialogsOver(store), vector.psk.identity));
    expect(outcomeOf(vector, store)).toEqual(vector.outcome);
  });
});

const policy = defaultDialogSettings;
const ok = fromHex("AF80230290000000");
const script = (id: string, more: Partial<AdminScript> = {}): AdminScript => ({
  id,
  kind: "gp",
  body: fromHex("AE80220580CA005A000000"),
  ...more,
});
const post = (uri: string, more: Partial<DialogPost> = {}): DialogPost => ({
  uri,
  pollUri: uri,
  initial: uri === "/i",
  resume: false,
  body: new Uint8Array(),
  firstOnLink: false,
  freshUri: "/fresh",
  at: 0,
  ...more,
});
const resuming = { resume: true, firstOnLink: true };

/** The step that a POST leads to from a stored record. */
function stepFor(record: AdminRecord, what: DialogPost): AdminStep | { answer: number } {
  const effect = stepDialog(openDialog(record), { kind: "post", post: what }, policy).effects[0];
  if (effect?.do === "step") return effect.step;
  return { answer: effect?.do === "answer" ? effect.answer.status : 0 };
}

describe("what a POST tells (GP Amendment B §3.5)", () => {
  const k = script("k");
  const first: AdminRecord = { outstanding: { script: k, uri: "/u1", deliveries: 1 } };
  const second: AdminRecord = {
    position: { uri: "/u1", last: false },
    outstanding: { script: k, uri: "/u2", after: "/u1", deliveries: 1 },
  };
  const offer = (after?: string) => ({ do: "offer", uri: "/fresh", ...(after && { after }) });

  it("its own URI, with a response: answered", () => {
    expect(stepFor(second, post("/u2", { status: "ok", body: ok }))).toEqual({
      settled: [{ script: "k", verdict: { state: "answered", response: ok } }],
      position: { uri: "/u2", last: false },
      next: offer("/u2"),
    });
  });

  it.each([
    ["its own URI, resuming: executed, response lost", second, post("/u2", resuming), "executed-response-lost"],
    [
      "its own URI on a new link without a word: the same",
      second,
      post("/u2", { firstOnLink: true }),
      "executed-response-lost",
    ],
    [
      "its own URI, no script in the body: answered-unparseable",
      second,
      post("/u2", { body: ok.subarray(1) }),
      "answered-unparseable",
    ],
    ["its own URI, nothing at all on the same link: answered-unparseable", second, post("/u2"), "answered-unparseable"],
    ["its own URI, refused: rejected", second, post("/u2", { status: "security-error" }), "rejected"],
    ["its own URI, an unknown status without a body: rejected", second, post("/u2", { status: "busy" }), "rejected"],
    [
      "its own URI, an unknown status with a response: answered",
      second,
      post("/u2", { status: "busy", body: ok }),
      "answered",
    ],
    [
      "its own URI, a response sent again while resuming: answered",
      second,
      post("/u2", { ...resuming, status: "ok", body: ok }),
      "answered",
    ],
    ["the first URI without resuming: nobody knows", first, post("/i", { firstOnLink: true }), "fate-unknown"],
    ["the first URI, resuming, but it had come further: nobody knows", second, post("/i", resuming), "fate-unknown"],
  ])("%s", (_, record, what, state) => {
    const step = stepFor(record, what);
    expect("settled" in step && step.settled.map(({ verdict }) => verdict.state)).toEqual([state]);
  });

  it.each([
    ["the first URI, resuming", first, post("/i", resuming), undefined],
    ["the URI before", second, post("/u1", resuming), "/u1"],
    ["the URI before, on the same link", second, post("/u1"), "/u1"],
  ])("%s: not processed to its end, delivered again under its own URI", (_, record, what, after) => {
    expect(stepFor(record, what)).toEqual({
      settled: [],
      next: { do: "redeliver", script: "k", deliveries: 2, ...(after && { after }) },
    });
    const moved = stepDialog(openDialog(record), { kind: "post", post: what }, policy);
    const answered = stepDialog(moved.state, { kind: "stepped", offer: { kind: "script", script: k }, at: 0 }, policy);
    expect(answered.effects).toMatchObject([
      { do: "answer", answer: { status: 200, nextUri: record.outstanding?.uri } },
    ]);
  });

  it.each([
    ["a URI never given", second, post("/u9", resuming)],
    [
      "a URI from before",
      {
        ...second,
        position: { uri: "/u1", last: false },
        outstanding: { script: k, uri: "/u3", after: "/u2", deliveries: 1 },
      },
      post("/u1", resuming),
    ],
    ["a Next-URI without any record", {}, post("/u1", { status: "ok", body: ok })],
  ])("%s: not ours", (_, record, what) => {
    expect(stepFor(record, what)).toEqual({ answer: 404 });
  });

  it("a script that must not run twice is reported, not sent again", () => {
    const record = { outstanding: { script: script("k", { onBreak: "report" }), uri: "/u1", deliveries: 1 } };
    expect(stepFor(record, post("/i", resuming))).toMatchObject({
      settled: [{ verdict: { state: "not-delivered", why: "link-broken" } }],
      next: { do: "offer" },
    });
  });

  it("a script is not delivered for ever", () => {
    const record = { outstanding: { script: k, uri: "/u1", deliveries: policy.maxDeliveries } };
    expect(stepFor(record, post("/i", resuming))).toMatchObject({
      settled: [{ verdict: { state: "not-delivered", why: "too-often" } }],
    });
  });

  it("a broken secure channel takes its other scripts along", () => {
    const inChannel = script("k", { secureChannel: "c1" });
    const record = { outstanding: { script: inChannel, uri: "/u1", deliveries: 1 } };
    const lost = { next: { do: "offer", lostChannel: "c1" } };
    expect(stepFor(record, post("/i", resuming))).toMatchObject({
      ...lost,
      settled: [{ verdict: { state: "not-delivered", why: "secure-channel-lost" } }],
    });
    expect(stepFor(record, post("/u1", resuming))).toMatchObject(lost);
    expect(stepFor(record, post("/i", { firstOnLink: true }))).toMatchObject(lost);
    const between = { position: { uri: "/u1", last: false, secureChannel: "c1" } };
    expect(stepFor(between, post("/u1", resuming))).toMatchObject(lost);
    expect(stepFor(between, post("/i", { firstOnLink: true }))).toMatchObject(lost);
    expect(stepFor(between, post("/u1"))).not.toMatchObject(lost);
    expect(stepFor(record, post("/u1", { status: "ok", body: ok }))).not.toMatchObject(lost);
  });

  it("a switch command ends its session, whatever became of its response", () => {
    const record = { outstanding: { script: script("k", { last: true }), uri: "/u1", deliveries: 1 } };
    for (const what of [post("/u1", { status: "ok", body: ok }), post("/u1", resuming)]) {
      expect(stepFor(record, what)).toMatchObject({ next: { do: "stop" } });
    }
    const lostAnswer = { position: { uri: "/u1", last: true } };
    expect(stepFor(lostAnswer, post("/u1", resuming))).toMatchObject({ next: { do: "stop" } });
    expect(stepFor(lostAnswer, post("/i", { firstOnLink: true }))).toMatchObject({ next: { do: "offer" } });
  });

  it("a fault of the store cuts the link and never answers 5xx", () => {
    const moved = stepDialog(openDialog(first), { kind: "post", post: post("/u1") }, policy);
    expect(stepDialog(moved.state, { kind: "fault" }, policy).effects).toEqual([{ do: "drop" }]);
  });

  it("a withdrawn script makes room for the next one", () => {
    const moved = stepDialog(openDialog(first), { kind: "post", post: post("/i", resuming) }, policy);
    const again = stepDialog(moved.state, { kind: "stepped", offer: { kind: "none" }, at: 0 }, policy);
    expect(again.effects).toMatchObject([{ do: "step", step: { next: { do: "offer" } } }]);
  });
});

describe("holding a session open", () => {
  function walk(state: DialogState, offer: Offer, at: number) {
    return stepDialog(state, { kind: "stepped", offer, at }, policy);
  }

  it("waits, asks again when woken, then lets the card poll, within bounds", () => {
    let state = stepDialog(openDialog({}), { kind: "post", post: post("/i", { pollUri: "/poll" }) }, policy).state;
    let move = walk(state, { kind: "more" }, 0);
    expect(move.effects).toEqual([{ do: "hold", ms: policy.holdMs }]);
    let spent = 0;
    let polls = 0;
    for (;;) {
      move = stepDialog(move.state, { kind: "wake", freshUri: "/f" }, policy);
      expect(move.effects).toMatchObject([{ do: "step", step: { settled: [], next: { do: "offer", uri: "/f" } } }]);
      spent += policy.holdMs;
      move = walk(move.state, { kind: "more" }, spent);
      if (move.state.at === "ended") break;
      expect(move.effects).toEqual([{ do: "answer", answer: { status: 204, nextUri: "/poll" }, end: false }]);
      polls++;
      const poll = post("/poll", { initial: true, at: spent });
      state = stepDialog(move.state, { kind: "post", post: poll }, policy).state;
      move = walk(state, { kind: "more" }, spent);
      if (move.state.at === "ended") break;
      expect(move.state.at).toBe("holding");
    }
    expect(polls).toBe(policy.holdTotalMs / policy.holdMs);
    expect(move.effects).toEqual([{ do: "answer", answer: { status: 204 }, end: true }]);
  });

  it("delivers at once what is queued meanwhile", async () => {
    const store = new MemoryAdminStore();
    store.setMoreToCome("t", true);
    const dialogs = dialogsOver(store);
    const link = direct(dialogs, "x");
    const answer = link.request(
      Buffer.from("POST /gsma/adminagent HTTP/1.1\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\n\r\n"),
    );
    await new Promise((resolve) => setImmediate(resolve));
    store.enqueue("t", script("late"));
    dialogs.wake("t");
    expect((await answer)?.status).toBe(200);
  });

  it("drops the held POST when the link goes", async () => {
    const store = new MemoryAdminStore();
    store.setMoreToCome("t", true);
    const link = direct(dialogsOver(store), "x");
    const answer = link.request(
      Buffer.from("POST /gsma/adminagent HTTP/1.1\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\n\r\n"),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await link.cut("fin");
    expect(await answer).toBeUndefined();
  });
});

describe("notifications", () => {
  const head = (query: string) =>
    Buffer.from(`POST /gsma/adminagent${query} HTTP/1.1\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\n\r\n`);

  it.each(["?msg=E1034C01FF", "?msg=e1034c01ff", "?a=b&MSG=E1034C01FF"])(
    "%s is durable before its confirmation leaves",
    async (query) => {
      const store = new MemoryAdminStore();
      store.onNotification = (target) => store.enqueue(target, script("confirmation"));
      const answer = await direct(dialogsOver(store), "x").request(head(query));
      expect(store.notifications.map(({ tlv }) => tlv)).toEqual([fromHex("E1034C01FF")]);
      expect(answer?.status).toBe(200);
    },
  );

  it.each(["?msg=E1034C01F", "?msg=", "?msg=xyz"])("%s is refused", async (query) => {
    const store = new MemoryAdminStore();
    const answer = await direct(dialogsOver(store), "x").request(head(query));
    expect(answer?.status).toBe(400);
    expect(store.notifications).toEqual([]);
  });
});
