import { afterEach, describe, expect, test } from "vitest";
import { gatewayNumber, ModemBench, type ModemBenchOptions } from "../../../scripts/modem-bench.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { ptyAvailable, ptyMissing } from "../../simulators/pty.ts";

const audit = { kind: "es5", function: "auditStatus" } as const;
const sender = { name: "A", profile: "quectel-ec25", card: { msisdn: gatewayNumber } } as const;
const holder = { name: "B", profile: "telit-le910c", card: "euicc" } as const;
const hasty = { quick: 800, store: 800, list: 1500, prompt: 800, send: 1200, card: 2000, resync: 800, pin: 800 };

const available = await ptyAvailable();
if (!available) console.warn(`skipped: ${ptyMissing}`);

describe.skipIf(!available)("jobs over modems on pseudo-terminals", () => {
  let bench: ModemBench;
  afterEach(() => bench[Symbol.asyncDispose]());

  async function open(options: Partial<ModemBenchOptions> = {}): Promise<ModemBench> {
    bench = await ModemBench.open({ modems: [sender, holder], ...options });
    await bench.ready();
    return bench;
  }

  const card = (name: string): SimulatedEuicc => {
    const { card: held } = bench.socket(name);
    if (!(held instanceof SimulatedEuicc)) throw new Error("a plain SIM");
    return held;
  };
  const job = async (work: Parameters<ModemBench["submit"]>[1], request = {}) =>
    bench.ended(await bench.submit("B", work, request));

  test("a profile switch by SMS: PoR and notification come back as MO SMS, the attach is timed", async () => {
    await open();
    const second = card("B").state.profiles[1];
    const id = await bench.submit("B", { kind: "es5", function: "enableProfile", params: { aid: second?.aid } });
    expect(await bench.ended(id)).toMatchObject({
      state: "done",
      chosen: { bearer: "sms", link: "modem:A" },
      result: { por: { status: 0 } },
    });
    const record = await bench.until(async () =>
      (await bench.store.read((r) => r.events.after(0, 1000))).find(({ type }) => type === "modem.switch"),
    );
    expect(record).toMatchObject({ job: id, data: { link: "modem:B", outcome: "attached", toIccid: second?.iccid } });
    const types = (await bench.store.read((r) => r.events.after(0, 1000))).map(({ type }) => type);
    expect(types).toContain("switch.confirmed");
  });

  test.each(["simcom-sim7600", "cinterion-els61", "quectel-bg95", "u-blox-sara-r5"])(
    "%s: a message for the card reaches it, whether or not its toolkit is on",
    async (profile) => {
      await open({ modems: [sender, { ...holder, profile }] });
      expect(await job(audit)).toMatchObject({ state: "done", result: { por: { status: 0 } } });
      expect(bench.socket("B").modem.stores.SM.used).toBe(0);
    },
  );

  test("a toolkit that is off is switched on when the configuration asks for it", async () => {
    const profile = "simcom-sim7600";
    await open({ modems: [sender, { ...holder, profile, config: { enableToolkit: true } }] });
    await bench.until(async () => (bench.link("B").describe().toolkit === "on" ? true : undefined));
    expect(bench.socket("B").modem.toolkit.inForce).toBe(true);
  });

  test("commands and answers of several segments arrive whole", async () => {
    await open();
    const apdus = Array.from({ length: 30 }, () => "80CA005A00");
    const done = await job(readWork({ kind: "script", tar: isdRTar, apdus, format: "expanded-definite" }));
    expect(done).toMatchObject({ state: "done", result: { executed: 30 } });
    const [packet] = await bench.packets(done.id);
    expect(packet?.userData.length).toBeGreaterThan(1);
    expect(packet?.response?.length).toBeGreaterThan(0);
  });

  test("delivery reports are found for every segment", async () => {
    await open();
    const done = await job(audit);
    const [packet] = await bench.packets(done.id);
    const receipts = await bench.until(async () => {
      const inbox = await bench.store.read((r) => r.inbox.list(undefined, 100));
      const found = inbox.flatMap(({ item }) => (item.kind === "receipt" ? [item] : []));
      return found.length >= (packet?.userData.length ?? 0) ? found : undefined;
    });
    expect(receipts).toMatchObject([{ reference: `${packet?.id}/1/0`, state: "delivered" }]);
  });

  test("a lost result of +CMGS: the card's answer ends the job, nothing is sent under a new counter", async () => {
    await open({ timeoutsMs: hasty });
    bench.socket("A").modem.misbehave({ loseSendResult: 1 });
    const id = await bench.submit("B", audit);
    const done = await bench.ended(id);
    bench.socket("A").modem.misbehave({ loseSendResult: 0 });
    expect(done).toMatchObject({ state: "done", result: { por: { status: 0 } } });
    expect(await bench.packets(id)).toMatchObject([{ state: "answered" }]);
    expect(card("B").state.isdR.keySets[0]).toMatchObject({ type: "SCP80" });
  });

  test("a lost result of +CMGS and a silent card: the job says that the card may have run the packet", async () => {
    await open({ timeoutsMs: hasty, answerTimeoutMs: 500 });
    card("B").misbehaviour.dropPor = true;
    bench.socket("A").modem.misbehave({ loseSendResult: 1 });
    const failed = await job(audit);
    expect(failed).toMatchObject({ state: "failed", error: { executed: "unknown" } });
    const packets = await bench.packets(failed.id);
    expect(packets).toHaveLength(1);
    expect(packets[0]?.transmissions).toBeGreaterThan(1);
  });

  test("a full memory is emptied, and the answers that waited for room arrive", async () => {
    const memory = { SM: 3, ME: 3 };
    await open({ modems: [{ ...sender, options: { memory } }, holder] });
    const { stores } = bench.socket("A").modem;
    const old = fromHex("0004A1000000006210200102034005E8329BFD06");
    for (const store of [stores.SM, stores.ME]) {
      while (!store.full) store.add({ tpdu: old, serviceCentre: "+15551000000", status: 1 });
    }
    expect(await job(audit)).toMatchObject({ state: "done" });
    await bench.until(async () => (stores.SM.used + stores.ME.used === 0 ? true : undefined));
  });

  test("the sending modem is pulled in mid-job and put back: every job ends well", async () => {
    await open({ timeoutsMs: hasty });
    const ids = await Promise.all([1, 2, 3].map(() => bench.submit("B", audit)));
    const { hotPlug: plug } = bench.socket("A");
    await plug.pull();
    await bench.until(async () => (bench.link("A").state.up ? undefined : true));
    await plug.plugIn();
    for (const id of ids) {
      expect(await bench.ended(id)).toMatchObject({ state: "done" });
      expect(await bench.packets(id)).toHaveLength(1);
    }
  });

  test.each(["A", "B"])("modem %s restarts in mid-command: the job ends well, under one counter", async (name) => {
    await open({ timeoutsMs: hasty });
    const { modem } = bench.socket(name);
    const id = await bench.submit("B", audit);
    if (name === "A") modem.misbehave({ reboot: 1 });
    else await modem.reboot();
    await bench.until(async () => (bench.link(name).state.up ? undefined : true));
    modem.misbehave({ reboot: 0 });
    expect(await bench.ended(id)).toMatchObject({ state: "done" });
    expect(await bench.packets(id)).toHaveLength(1);
  });

  test("a modem that keeps failing is quarantined with the reason, released by a reset, and the job goes on", async () => {
    const config = { quarantineAfter: 2 };
    await open({ modems: [{ ...sender, config }, holder], timeoutsMs: { ...hasty, quick: 200, resync: 300 } });
    bench.socket("A").modem.misbehave({ mute: 1 });
    const id = await bench.submit("B", audit);
    const reason = await bench.until(async () => {
      const { phase } = bench.link("A").describe() as { phase: { at: string; reason?: string } };
      return phase.at === "quarantined" ? phase.reason : undefined;
    }, 60_000);
    expect(reason).toMatch(/consecutive starts failed; the last reason: /);
    expect(bench.link("A").state).toMatchObject({ up: false });
    bench.socket("A").modem.misbehave({ mute: 0 });
    await bench.link("A").reset?.("cold");
    expect(await bench.ended(id)).toMatchObject({ state: "done" });
  }, 90_000);

  test("a message that a modem receives comes from its sender, not from the card in that modem", async () => {
    const other = { name: "C", profile: "cinterion-els61", card: "euicc" } as const;
    await open({ modems: [holder, other] });
    const { msisdn } = card("B").state.profiles.find(({ state }) => state === "enabled") ?? {};
    const to = card("C").state.profiles.find(({ state }) => state === "enabled")?.msisdn;
    const submitted = await bench.link("B").bearer?.submit(
      {
        reference: "r",
        to: to ?? "",
        userData: fromHex("00E1"),
        userDataHeader: true,
        protocolId: 0,
        dataCoding: 4,
        moreToCome: false,
        receipt: false,
      },
      AbortSignal.timeout(5_000),
    );
    expect(submitted).toMatchObject({ at: "accepted" });
    const event = await bench.until(async () =>
      (await bench.store.read((r) => r.events.after(0, 1000))).find(({ type }) => type === "message.received"),
    );
    const owner = await bench.store.read((r) => r.targets.resolve(bench.socket("B").eid));
    expect(event).toMatchObject({ target: owner?.id, data: { link: "modem:C", from: msisdn } });
  });

  describe.each([
    ["+CCHO and +CGLA", "cinterion-els61"],
    ["+CSIM", "huawei-me909s"],
  ])("the card inside over %s", (_way, profile) => {
    const ecasd = "A0000005591010FFFFFFFF8900000200";

    test("answers APDUs on a channel of its own, beside the running modem", async () => {
      await open({ modems: [sender, { ...holder, profile }] });
      const data = await bench.link("B").withCard?.(async (transmit) => {
        const opened = await transmit(fromHex("0070000001"));
        const channel = opened.data[0] ?? 0;
        await transmit(Uint8Array.of(channel, 0xa4, 4, 0, 16, ...fromHex(ecasd), 0));
        const answer = await transmit(Uint8Array.of(0x80 | channel, 0xca, 0, 0x5a, 0));
        await transmit(Uint8Array.of(0, 0x70, 0x80, channel));
        return toHex(answer.data);
      });
      expect(data).toBe(`5A10${bench.socket("B").eid}`);
    });

    test("takes ENVELOPE, and the modem serves what the card asks for then", async () => {
      await open({ modems: [sender, { ...holder, profile }] });
      const before = bench.socket("B").modem.sessions.size;
      const sw = await bench.link("B").withCard?.(async (transmit) => {
        // Location status: normal service.
        const answer = await transmit(fromHex("80C200000CD60A990103820282811B0100".slice(0, 34)));
        return answer.sw;
      });
      expect(sw).toBeTypeOf("number");
      expect(sw === undefined ? 0 : sw >> 8).toBeOneOf([0x90, 0x91]);
      expect(bench.socket("B").modem.sessions.size).toBe(before);
    });
  });
});
