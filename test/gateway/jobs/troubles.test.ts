import { describe, expect, it } from "vitest";
import { octetText } from "../../../src/base/octet-text.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, benchWith, euicc } from "../bench.ts";

const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditStatus" } as const;

describe("a job when things go wrong", () => {
  it("sends the same octets again when no answer comes, and tells a lost answer from work not done", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { dropPor: true } }));
    const { bench, card, link } = ready;
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 200 },
      origin: cli,
    });
    await bench.until(async () => (link.submitted.length >= 1 ? true : undefined));
    card.misbehaviour.dropPor = false;
    const ended = await bench.ended(job.id);
    expect(ended).toMatchObject({
      state: "failed",
      error: { code: "packet.answer-lost", executed: "unknown" },
    });
    const octets = new Set(link.submitted.map((sms) => Buffer.from(sms.userData).toString("hex")));
    expect(octets.size).toBe(1);
    expect(link.submitted.length).toBeGreaterThan(1);
  });

  it("repeats harmless work under a new counter when asked to", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { dropPor: true } }));
    const { bench, card, link } = ready;
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 200, onAnswerLost: "repeat" },
      origin: cli,
    });
    await bench.until(async () => (link.submitted.length >= 1 ? true : undefined));
    card.misbehaviour.dropPor = false;
    expect(await bench.ended(job.id)).toMatchObject({ state: "done" });
    const packets = await bench.store.read((r) => r.packets.ofJob(job.id));
    expect(packets).toHaveLength(2);
    expect(new Set(packets.map((packet) => packet.cntr)).size).toBe(2);
  });

  it("gives up after its retransmissions when the card stays silent", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { dropPor: true } }));
    const { bench, card, link } = ready;
    const job = await bench.run({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 100 },
      origin: cli,
    });
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", executed: "unknown", detail: { transmissions: 3 } },
    });
    expect(link.submitted).toHaveLength(3);
  });

  it("moves its counter up when the card is ahead", async () => {
    await using bench = await Bench.open();
    await bench.gateway.start();
    const card = euicc();
    const set = card.state.isdR.keySets[0];
    await bench.add(card);
    if (set !== undefined) Object.assign(set, { cntr: "0000000014" });
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli });
    expect(job).toMatchObject({ state: "done" });
    const packets = await bench.store.read((r) => r.packets.ofJob(job.id));
    expect(packets.map((packet) => packet.state)).toEqual(["abandoned", "answered"]);
    expect(packets[1]?.cntr).toBeGreaterThan(0x14);
  });

  it("never takes a PoR with a bad checksum for an answer", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { porMac: true } }));
    const { bench, card } = ready;
    const job = await bench.run({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 100 },
      origin: cli,
    });
    expect(job.state).toBe("failed");
    expect(job.result).toBeUndefined();
  });

  it("tells a script error from a transport error and keeps what the card said", async () => {
    await using ready = await benchWith();
    const { bench, card } = ready;
    const enabled = card.state.profiles[0]?.aid;
    const job = await bench.run({
      target: card.state.eid,
      work: { kind: "es5", function: "deleteProfile", params: { aid: enabled } },
      origin: cli,
    });
    expect(job).toMatchObject({
      state: "failed",
      error: { code: "job.script", detail: { sw: "6985" } },
      result: { por: { status: 0 } },
    });
  });

  it("waits for a link and goes on when it comes back", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    link.up = false;
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    await bench.until(async () =>
      (await bench.gateway.jobs.get(job.id)).note?.includes("switched off") ? true : undefined,
    );
    link.up = true;
    bench.gateway.links.changed(link.id);
    expect(await bench.ended(job.id, 5000)).toMatchObject({ state: "done" });
  });

  it("cancels a job that waits, once", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { dropPor: true } }));
    const { bench, card, link } = ready;
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 60_000 },
      origin: cli,
    });
    await bench.until(async () => (link.submitted.length >= 1 ? true : undefined));
    expect(await bench.gateway.jobs.cancel(job.id)).toMatchObject({
      state: "cancelled",
      error: { executed: "unknown" },
    });
    await expect(bench.gateway.jobs.cancel(job.id)).rejects.toMatchObject({ code: "job.state" });
    await expect(bench.gateway.jobs.cancel("job_nope")).rejects.toMatchObject({ code: "job.unknown" });
  });

  it("lets a job expire when nothing carries it", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    link.up = false;
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 300 });
    expect(job).toMatchObject({ state: "expired" });
  });

  it("runs the jobs of one target one after the other, in order", async () => {
    await using ready = await benchWith();
    const { bench, card } = ready;
    const jobs = await Promise.all(
      Array.from({ length: 10 }, () => bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli })),
    );
    const ended = await Promise.all(jobs.map(({ job }) => bench.ended(job.id)));
    expect(ended.every((job) => job.state === "done")).toBe(true);
    const times = ended.sort((a, b) => a.seq - b.seq).map((job) => job.endedAt ?? 0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("rolls back when the profile gets no service, and says so", async () => {
    await using ready = await benchWith(euicc({ misbehaviour: { refuseAttach: true } }));
    const { bench, card } = ready;
    const before = card.state.profiles[0]?.aid;
    const job = await bench.run({
      target: card.state.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid: card.state.profiles[1]?.aid } },
      origin: cli,
    });
    expect(job.state).toBe("done");
    await bench.until(
      async () =>
        (await bench.store.read((r) => r.profileSwitches.ofJob(job.id)))?.at === "rolled-back" ? true : undefined,
      25_000,
    );
    const { target } = await bench.targets.show(card.state.eid);
    expect(target.esimProfiles.find((profile) => profile.state === "enabled")?.aid).toBe(before);
  }, 30_000);

  it("carries a packet secured upstream octet by octet and hands the answer back as it is", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    // Enable script of the documented test card, SPI 1639, CNTR 1.
    const userData =
      "027000003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98";
    const job = await bench.run({
      target: card.state.eid,
      work: readWork({ kind: "packet", userData: [userData], protocolId: 0x7f, dataCoding: 0xf6 }),
      origin: { face: "upstream" },
    });
    expect(job.state).toBe("done");
    expect(
      Buffer.from(link.submitted[0]?.userData ?? [])
        .toString("hex")
        .toUpperCase(),
    ).toBe(userData);
    expect(octetText(job.result?.data)?.startsWith("027100")).toBe(true);
  });
});

describe("a gateway after a restart", () => {
  it("finishes what was open and uses no counter twice", async () => {
    const card = euicc({ misbehaviour: { dropPor: true } });
    const first = await Bench.open();
    await first.gateway.start();
    const link = await first.add(card);
    const { job } = await first.gateway.jobs.submit({
      target: card.state.eid,
      work: audit,
      request: { answerTimeoutMs: 60_000, onAnswerLost: "repeat" },
      origin: cli,
    });
    await first.until(async () => (link.submitted.length >= 1 ? true : undefined));
    await first.close();
    card.misbehaviour.dropPor = false;
    await using second = await Bench.open(first.folder);
    await second.gateway.start();
    await second.add(card, "reader B");
    expect(await second.ended(job.id)).toMatchObject({ state: "done" });
    const packets = await second.store.read((r) => r.packets.ofJob(job.id));
    expect(new Set(packets.map((packet) => packet.cntr)).size).toBe(packets.length);
  });
});
