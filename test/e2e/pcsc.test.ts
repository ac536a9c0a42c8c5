import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportEis, exportMnoKeySets } from "../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { PcscLab, pcscLabProblem } from "../../simulators/pcsc-lab.ts";
import type { VpcdCard } from "../../simulators/vpcd.ts";
import { PlainUicc } from "./plain-uicc.ts";
import { eventually, Product, usesProgram } from "./product.ts";

usesProgram();

const problem = pcscLabProblem();
if (problem !== undefined) console.warn(`skipped: the product behind pcscd (${problem})`);

interface Link {
  readonly id: string;
  readonly up: boolean;
  readonly reason?: string;
  readonly card?: { readonly iccid?: string; readonly eid?: string; readonly imsi?: string };
  readonly target?: string;
}

interface Job {
  readonly error?: { readonly code: string; readonly message: string };
  readonly state: string;
  readonly packets: readonly { readonly cntr: number; readonly userData: readonly string[] }[];
  readonly result: {
    readonly por: { readonly status: number; readonly authenticated: boolean };
    readonly commands: readonly { readonly data: string; readonly sw: string }[];
    readonly executed: number;
  };
}

describe.skipIf(problem !== undefined)("the product behind pcscd", () => {
  const euicc = new SimulatedEuicc({ state: createEuiccState({ seed: "e2e euicc" }) });
  const uiccState = createEuiccState({ seed: "e2e uicc", settings: { rfmMinimumSecurity: "none" } });
  const eid = euicc.state.eid;
  const iccid = uiccState.profiles[0]?.iccid ?? "";
  let lab: PcscLab;
  let product: Product;
  let euiccSlot: VpcdCard;

  beforeAll(async () => {
    lab = await PcscLab.start();
    euiccSlot = lab.insert(0, euicc);
    lab.insert(1, new PlainUicc(new SimulatedEuicc({ state: uiccState })));
    product = new Product({ readers: { socket: lab.socket, client: "socket" }, scp81: { enabled: false } });
  });

  afterAll(async () => {
    await product?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const links = async () => (await product.run(["reader", "list", "--json"])).json<Link[]>();
  const linkOf = (all: readonly Link[], card: string) => all.find((one) => one.card?.iccid === card);
  const enabledIccid = () => euicc.state.profiles.find((one) => one.state === "enabled")?.iccid ?? "";

  it("works without a daemon: readers, cards, import and audit", async () => {
    // The virtual cards come into their readers while this test begins.
    const all = await eventually(async () => {
      const now = await links();
      return now.length === 2 && now.every((one) => one.card?.iccid !== undefined) ? now : undefined;
    });
    expect(linkOf(all, enabledIccid())).toMatchObject({ up: true, card: { eid } });
    expect(linkOf(all, iccid)?.card?.eid).toBe(undefined);
    const info = await product.run(["card", "info", linkOf(all, iccid)?.id ?? "", "--json"]);
    expect(info.json<Link>()).toMatchObject({ card: { iccid } });
    const several = await product.run(["card", "info"]);
    expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining("several readers") });
    expect(await product.run(["target", "import", product.file("eis.json", exportEis(euicc.state))])).toMatchObject({
      code: 0,
    });
    const audit = await product.run(["es5", "auditStatus", "-t", eid, "--json"]);
    expect(audit.json<Job>()).toMatchObject({ state: "done", result: { por: { status: 0, authenticated: true } } });
  });

  it("stays with a switch to its confirmation without a daemon, or leaves it for later", async () => {
    const [first, second] = euicc.state.profiles.map((one) => ({ aid: one.aid, iccid: one.iccid }));
    interface Switched {
      readonly id: string;
      readonly state: string;
      readonly procedure: { readonly id: string; readonly at: string };
    }
    const enable = await product.run(["es5", "enableProfile", "-t", eid, "--aid", second?.aid ?? "", "--json"]);
    expect(enable.json<Switched>()).toMatchObject({ state: "done", procedure: { at: "confirmed" } });
    expect(enable).toMatchObject({ code: 0, stderr: expect.stringMatching(/job job_[0-9a-z]{26} accepted/) });
    expect(enabledIccid()).toBe(second?.iccid);
    const args = ["es5", "disableProfile", "-t", eid, "--aid", second?.aid ?? "", "--until", "accepted", "--json"];
    const left = await product.run(args);
    expect(left).toMatchObject({ code: 0 });
    const { id, procedure } = left.json<Switched>();
    const waited = await product.run(["switch", "wait", procedure.id.slice(0, -8)]);
    expect(waited).toMatchObject({ code: 0, stdout: expect.stringContaining("confirmed after") });
    const watched = await product.run(["job", "watch", id.slice(4, -6), "--until", "confirmed", "--json"]);
    expect(watched).toMatchObject({ code: 0 });
    expect(watched.json()).toMatchObject({ id, procedure: { at: "confirmed" } });
    expect(enabledIccid()).toBe(first?.iccid);
    const listed = (await product.run(["switch", "list", "--json"])).json<{ at: string }[]>();
    expect(listed.map(({ at }) => at)).toEqual(["confirmed", "confirmed"]);
    expect((await product.run(["procedure", "list"])).stdout).toContain("confirmed");
  });

  it("switches profiles and back by way of a daemon", async () => {
    await product.daemon();
    const [first, second] = euicc.state.profiles.map((one) => ({ aid: one.aid, iccid: one.iccid }));
    for (const [fn, expected] of [
      ["enableProfile", second?.iccid],
      ["disableProfile", first?.iccid],
    ] as const) {
      const job = await product.run(["es5", fn, "-t", eid, "--aid", second?.aid ?? "", "--json"]);
      expect(job.json<Job>()).toMatchObject({ state: "done", result: { commands: [{ sw: "9000" }] } });
      await eventually(async () => linkOf(await links(), expected ?? ""));
      await eventually(async () => {
        const list = await product.run(["notification", "list", "-t", eid, "--limit", "1", "--json"]);
        const [last] = list.json<{ confirmation: string; verified: boolean }[]>();
        return last?.confirmation === "confirmed" && last.verified ? last : undefined;
      });
    }
  });

  describe("a plain UICC", () => {
    const select = (file: string) => `00A4000402${file}`;
    const readIccid = "00B000000A";
    const nibbles = iccid.padEnd(20, "F").replace(/(.)(.)/g, "$2$1");

    beforeAll(async () => {
      const keySets = (exportMnoKeySets(uiccState, iccid) ?? []).map(({ kvn, type, keys, cntr }) => ({
        kvn,
        type,
        algorithm: keys[0]?.type,
        keys,
        cntr,
        tars: ["B00010"],
      }));
      const file = product.file("uicc.json", [{ iccid, name: "uicc", keySets }]);
      expect(await product.run(["target", "import", file])).toMatchObject({ code: 0 });
    });

    const send = async (kvn: number, spi: string, apdus: readonly string[], format: string) => {
      const args = [
        "script",
        "send",
        "-t",
        "uicc",
        "--tar",
        "B00010",
        "--kvn",
        String(kvn),
        "--spi",
        spi,
        "--timeout",
        "10",
      ];
      const ended = await product.run([...args, "--format", format, ...apdus, "--json"]);
      return { code: ended.code, job: ended.json<Job>() };
    };

    it.each([
      ["two-key 3DES, PoR by DELIVER-REPORT", 1, "1619"],
      ["two-key 3DES, PoR by SUBMIT", 1, "1639"],
      ["AES, PoR by DELIVER-REPORT", 2, "1619"],
      ["AES, PoR by SUBMIT", 2, "1639"],
      ["three-key 3DES, PoR by DELIVER-REPORT", 3, "1619"],
      ["CC without ciphering, PoR with CC", 1, "1209"],
      ["CC without ciphering under AES, PoR by SUBMIT", 2, "1229"],
      ["RC instead of CC, PoR with RC", 1, "1105"],
      ["RC and ciphering under AES, PoR by SUBMIT", 2, "1525"],
      ["no check of the PoR", 2, "1601"],
    ])("reads EF.ICCID by remote file management: %s", async (_, kvn, spi) => {
      const { code, job } = await send(kvn, spi, [select("3F00"), select("2FE2"), readIccid], "compact");
      expect(job.error).toBe(undefined);
      expect({ code, state: job.state, por: job.result.por.status }).toEqual({ code: 0, state: "done", por: 0 });
      expect(job.result.commands.at(-1)).toMatchObject({ data: nibbles, sw: "9000" });
    });

    it.each([
      [1, "1619"],
      [2, "1639"],
    ])("takes a command of three short messages (key set %i, SPI %s)", async (kvn, spi) => {
      const apdus = [select("3F00"), ...Array.from({ length: 40 }, () => select("2FE2")), readIccid];
      const { job } = await send(kvn, spi, apdus, "compact");
      expect(job.packets[0]?.userData).toHaveLength(3);
      expect(job).toMatchObject({ state: "done", result: { executed: 42 } });
      expect(job.result.commands.at(-1)).toMatchObject({ data: nibbles, sw: "9000" });
    });

    it.each(["expanded-definite", "expanded-indefinite"])("answers each command of an %s script", async (format) => {
      const { job } = await send(2, "1639", [select("3F00"), select("2FE2"), readIccid], format);
      expect(job.result.commands).toHaveLength(3);
      expect(job.result.commands.at(-1)).toMatchObject({ data: nibbles, sw: "9000" });
    });

    it("refuses a file that is not there: 4, with the status word of the card", async () => {
      const { code, job } = await send(2, "1639", [select("3F00"), select("6F99"), readIccid], "compact");
      expect(code).toBe(4);
      expect(job.result.commands.at(-1)).toMatchObject({ sw: "6A82" });
    });

    it("has no answer to a key version that it does not know", async () => {
      expect(
        (await product.run(["script", "send", "-t", "uicc", "--tar", "B00010", "--kvn", "7", readIccid])).code,
      ).toBe(7);
    });
  });

  it("says that the card is gone, and takes it back", async () => {
    const { id } = linkOf(await links(), enabledIccid()) ?? { id: "" };
    await euiccSlot.eject();
    const empty = await eventually(async () => (await links()).find((one) => one.id === id && !one.up));
    expect(empty.card).toBe(undefined);
    const refused = await product.run(["card", "apdu", "00A40004023F00", "-r", id]);
    expect(refused.code).toBe(5);
    euiccSlot = lab.insert(0, euicc);
    await eventually(async () => linkOf(await links(), enabledIccid()));
    expect((await product.run(["es5", "auditEid", "-t", eid])).code).toBe(0);
  });

  it("outlives the death of pcscd and goes on when it is back", async () => {
    await lab.stopService("SIGKILL");
    await eventually(async () => ((await links()).every((one) => !one.up) ? true : undefined));
    const refused = await product.run(["card", "apdu", "00A40004023F00", "-r", "Virtual"]);
    expect([3, 5]).toContain(refused.code);
    const waiting = await product.run(["es5", "auditEid", "-t", eid, "--detach", "--json"]);
    const { id } = waiting.json<{ id: string }>();
    await lab.startService();
    await eventually(async () => linkOf(await links(), enabledIccid()), 30_000);
    const done = await product.run(["job", "watch", id, "--timeout", "60", "--json"]);
    expect(done.json<Job>().state).toBe("done");
  });
});
