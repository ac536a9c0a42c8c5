import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentedEid as eid, eventually, Product, usesProgram } from "./product.ts";

usesProgram();

interface Job {
  readonly id: string;
  readonly state: string;
  readonly work: { readonly function?: { readonly name: string } };
  readonly result?: { readonly commands: readonly { readonly sw: string }[] };
}

let product: Product;

beforeAll(async () => {
  product = new Product();
  await product.daemon(["--simulate"]);
});
afterAll(() => product[Symbol.asyncDispose]());

/** The same command for people and for programs; both must succeed. */
async function both<T>(...args: string[]): Promise<{ text: string; value: T }> {
  const [people, programs] = await Promise.all([product.run(args), product.run([...args, "--json"])]);
  expect(people, args.join(" ")).toMatchObject({ code: 0 });
  expect(programs, args.join(" ")).toMatchObject({ code: 0 });
  return { text: people.stdout, value: programs.json<T>() };
}

describe("commands on a daemon with a simulated eUICC", () => {
  it("lists the reader and shows the card in it", async () => {
    const [list, info] = await Promise.all([
      both<{ id: string; card: { eid: string } }[]>("reader", "list"),
      both<{ card: { eid: string; iccid: string } }>("card", "info"),
    ]);
    expect(list.text).toMatch(/^READER +STATE +ICCID/);
    expect(list.value).toMatchObject([{ id: "sim:euicc-1", card: { eid } }]);
    expect(info.text).toContain(eid);
    expect(info.value.card.iccid).toMatch(/^89\d+$/);
  });

  it("exchanges APDUs with the card, and ends with 4 when the card refuses one", async () => {
    const good = await both<{ sw: string }[]>("card", "apdu", "00A40004023F00");
    expect(good.text).toMatch(/^> 00A40004023F00\n< .*9000|61/);
    const refused = await product.run(["card", "apdu", "00A40004026F99", "--json"]);
    expect(refused.code).toBe(4);
    expect(refused.json()).toMatchObject([{ sw: "6A82" }]);
  });

  it("resets the card in a reader", async () => {
    const { value } = await both<{ up: boolean }>("reader", "reset");
    expect(value).toMatchObject({ id: "sim:euicc-1" });
    await eventually(async () => {
      const { items } = await product.api.get<{ items: { up: boolean }[] }>("/v1/links");
      return items.every((link) => link.up) || undefined;
    });
  });

  it("lists and shows targets without key values", async () => {
    const [list, shown] = await Promise.all([
      both<{ eid: string }[]>("target", "list"),
      both<{ eid: string; keySets: unknown[] }>("target", "show", eid),
    ]);
    expect(list.value).toMatchObject([{ eid }]);
    expect(shown.value.keySets.length).toBeGreaterThan(0);
    for (const text of [list.text, shown.text, JSON.stringify(shown.value)])
      expect(text.toUpperCase()).not.toContain("000102030405060708090A0B0C0D0E0F");
  });

  it("names a target, finds it by its name and tag, and removes another one", async () => {
    expect(await product.run(["target", "set", eid, "--name", "bench-1", "--tag", "lab"])).toMatchObject({ code: 0 });
    const { value } = await both<{ name: string }[]>("target", "list", "--tag", "lab");
    expect(value).toMatchObject([{ name: "bench-1", eid }]);
    expect((await product.run(["target", "show", "bench-1"])).code).toBe(0);
    const other = await product.run(["target", "add", "--iccid", "8944501234567890123", "--name", "spare", "--json"]);
    expect(other.code).toBe(0);
    const removed = await product.run(["target", "remove", "spare", "--json"]);
    expect(removed.json()).toEqual({ removed: "spare" });
    expect((await product.run(["target", "show", "spare"])).code).toBe(3);
  });

  it.each(["auditStatus", "auditResources", "auditEid", "auditKeys", "auditCounter"])("audits by %s", async (name) => {
    const { text, value } = await both<Job>("es5", name, "-t", eid);
    expect(text).toMatch(new RegExp(`^DONE ${name} job_`));
    expect(text).toContain("PoR        00 PoR OK");
    expect(value).toMatchObject({ state: "done", work: { function: { name } } });
  });

  it("sends a script of several APDUs and shows the answer to each", async () => {
    const { text, value } = await both<Job>("script", "send", "-t", eid, "80F24002024F0000", "80CA005A00");
    expect(value).toMatchObject({ state: "done" });
    expect(value.result?.commands).toHaveLength(2);
    expect(text).toContain("9000");
  });

  it("switches profiles: job, notification and target agree", async () => {
    const before = await product.run(["card", "info", "--json"]);
    const target = (await product.run(["target", "show", eid, "--json"])).json<{
      esimProfiles: { aid: string; state: string }[];
    }>();
    const second = target.esimProfiles.find((one) => one.state === "disabled");
    const job = await product.run(["es5", "enableProfile", "-t", eid, "--aid", second?.aid ?? "", "--trace"]);
    expect(job).toMatchObject({ code: 0 });
    expect(job.stderr).toMatch(/ENVELOPE/);
    expect(job.stderr).toMatch(/command packet TAR 000001/);
    const confirmed = await eventually(async () => {
      const list = await product.run(["notification", "list", "--json"]);
      return list.json<{ confirmation: string }[]>().find((one) => one.confirmation === "confirmed");
    });
    expect(confirmed).toMatchObject({ eid, verified: true });
    expect((await product.run(["notification", "list", "-t", eid])).stdout).toContain("confirmed");
    const after = await product.run(["card", "info", "--json"]);
    expect(after.json<{ card: { iccid: string } }>().card.iccid).not.toBe(
      before.json<{ card: { iccid: string } }>().card.iccid,
    );
    const shown = await product.run(["target", "show", eid, "--json"]);
    const enabled = shown.json<typeof target>().esimProfiles.find((one) => one.state === "enabled");
    expect(enabled?.aid).toBe(second?.aid);
  });

  it("refuses what the card refuses with its status word and 4", async () => {
    const job = await product.run(["es5", "deleteProfile", "-t", eid, "--aid", "A0000005591010FFFFFFFF8900007700"]);
    expect(job.code).toBe(4);
    expect(job.stdout).toMatch(/FAILED deleteProfile/);
    expect(job.stdout).toMatch(/6[0-9A-F]{3}/);
  });

  it("lists, shows, watches and cancels jobs", async () => {
    const { value: jobs } = await both<Job[]>("job", "list", "--limit", "3");
    expect(jobs).toHaveLength(3);
    const [last] = jobs;
    const shown = await both<Job>("job", "show", last?.id ?? "");
    expect(shown.value.id).toBe(last?.id);
    expect(await product.run(["job", "watch", last?.id ?? ""])).toMatchObject({ code: last?.state === "done" ? 0 : 4 });
    const absent = "89001012012341234012345678901323";
    const eis = { eid: absent, keySets: [keySet] };
    await product.api.post("/v1/targets", eis);
    const detached = await product.run(["es5", "auditEid", "-t", absent, "--detach", "--json"]);
    const { id } = detached.json<Job>();
    const watched = await product.run(["job", "watch", id, "--timeout", "1"]);
    expect(watched).toMatchObject({ code: 6 });
    const cancelled = await product.run(["job", "cancel", id, "--json"]);
    expect(cancelled.json()).toMatchObject({ id, state: "cancelled" });
    expect((await product.run(["job", "cancel", id])).code).toBe(1);
    expect((await product.run(["job", "watch", id])).code).toBe(1);
    await product.run(["target", "remove", absent]);
  });

  it("follows traces as JSON lines and exports what passed as pcap and JSON lines", async () => {
    const follower = product.spawn(["trace", "follow", "--json"]);
    let heard = "";
    follower.stdout?.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    await eventually(async () => {
      await product.run(["card", "apdu", "00A40004023F00"]);
      return heard.includes("00A40004023F00") || undefined;
    });
    for (const line of heard.trim().split("\n").slice(0, -1)) expect(JSON.parse(line)).toHaveProperty("kind");
    const ended = new Promise((resolve) => follower.once("exit", (code) => resolve(code)));
    follower.kill("SIGINT");
    expect([0, 130]).toContain(await ended);
    const lines = await product.run(["trace", "export"]);
    expect(lines.code).toBe(0);
    for (const line of lines.stdout.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("dir");
    expect(lines.stdout).not.toMatch(/000102030405060708090A0B0C0D0E0F/i);
    const pcap = product.file("trace.pcap", "");
    expect(await product.run(["trace", "export", "--format", "pcap", "-o", pcap])).toMatchObject({ code: 0 });
  });

  it("lists the last events, and prints new ones until it has enough", async () => {
    const { value: events } = await both<{ seq: number; type: string }[]>("event", "list", "--type", "job.*");
    expect(events.length).toBeGreaterThan(1);
    expect(events.every(({ type }) => type.startsWith("job."))).toBe(true);
    const [{ seq } = { seq: 0 }] = events;
    const watched = await product.run(["event", "watch", "--after", String(seq), "--count", "2", "--json"]);
    const lines = watched.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([seq + 1, seq + 2]);
    const text = await product.run(["event", "watch", "--after", String(seq - 1), "--count", "1"]);
    expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^${seq} .* job\\.`)) });
    const far = await product.run(["event", "watch", "--after", "999999999"]);
    expect(far).toMatchObject({ code: 2, stderr: expect.stringContaining("after") });
  });

  it("lists sessions, SMSC accounts, modems and hardware profiles", async () => {
    const [sessions, smsc, modems, profiles] = await Promise.all([
      both<{ items: unknown[] }>("session", "list"),
      both("smsc", "list"),
      both<unknown[]>("modem", "list"),
      both<{ name: string }[]>("hardware-profile", "list"),
    ]);
    expect(sessions.text).toContain("the SCP81 server is off");
    expect(smsc.text).toContain("no SMSC accounts");
    expect(modems.value).toEqual([]);
    expect(profiles.value.length).toBeGreaterThan(5);
  });

  it("looks at the machine", async () => {
    const { text, value } = await both<{ findings: { what: string; verdict: string }[] }>("doctor");
    expect(text).toContain("better-sqlite3");
    expect(value.findings).toContainEqual(expect.objectContaining({ what: "daemon", verdict: "good" }));
  });
});

const keySet = {
  kvn: 1,
  type: "SCP80",
  algorithm: "AES",
  keys: [
    { id: 1, value: "0123456789ABCDEF0123456789ABCDEF" },
    { id: 2, value: "FEDCBA9876543210FEDCBA9876543210" },
  ],
};

describe("target import", () => {
  const one = "89001012012341234012345678901422";
  const csvHead = "eid,name,kvn,algorithm,kic,kid,cntr,tags";
  const keys = "00112233445566778899AABBCCDDEEFF,FFEEDDCCBBAA99887766554433221100";

  it("takes JSON, one or a list, and CSV, and says what it added or replaced", async () => {
    const json = product.file("keys.json", [{ eid: one, name: "from-json", keySets: [keySet] }]);
    const added = await product.run(["target", "import", json]);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^added tgt_/) });
    const csv = product.file("keys.csv", `${csvHead}\n${one},from-csv,1,AES,${keys},7,lab\n`);
    const replaced = await product.run(["target", "import", csv]);
    expect(replaced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^changed tgt_/) });
    const shown = await product.run(["target", "show", one, "--json"]);
    expect(shown.json()).toMatchObject({ name: "from-csv", keySets: [{ kvn: 1, algorithm: "AES", cntr: 7 }] });
    const piped = await product.run(["target", "import", "-"], { input: JSON.stringify({ eid: one, keySets: [] }) });
    expect(piped.code).toBe(0);
    await product.run(["target", "remove", one]);
  });

  it.each([
    [
      "a key that is no hexadecimal",
      `${csvHead}\n${one},x,1,AES,ZZ112233445566778899AABBCCDDEEFF,FFEEDDCCBBAA99887766554433221100,0,\n`,
      /line 2.*(kic|keys|value)/i,
    ],
    ["a counter that is not a number", `${csvHead}\n${one},x,1,AES,${keys},soon,\n`, /line 2.*cntr/i],
    [
      "an EID of a wrong length on the third line",
      `${csvHead}\n${one},x,1,AES,${keys},0,\n8900,y,1,AES,${keys},0,\n`,
      /line 3.*eid/i,
    ],
    ["a column it does not know", `eid,color\n${one},red\n`, /color/],
  ])("names line and field of %s, and adds nothing", async (_, text, message) => {
    const refused = await product.run(["target", "import", product.file("bad.csv", text)]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).not.toMatch(/00112233445566778899/);
    expect((await product.run(["target", "show", one])).code).toBe(3);
  });

  it("names the field of bad JSON, and a file that is missing or no JSON", async () => {
    const field = await product.run([
      "target",
      "import",
      product.file("bad.json", [{ eid: one, keySets: [{ kvn: 300 }] }]),
    ]);
    expect(field).toMatchObject({ code: 2, stderr: expect.stringMatching(/keySets.*kvn/) });
    const broken = await product.run(["target", "import", product.file("broken.json", "[{")]);
    expect(broken).toMatchObject({ code: 2, stderr: expect.stringContaining("broken.json") });
    const missing = await product.run(["target", "import", "/nowhere/eis.json"]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("/nowhere/eis.json") });
  });

  it("adds a target with keys from files, and refuses a key of a wrong length", async () => {
    const kic = product.file("kic.hex", "00112233445566778899AABBCCDDEEFF\n");
    const kid = product.file("kid.hex", "FFEEDDCCBBAA99887766554433221100\n");
    const args = ["target", "add", "--eid", one, "--kic", `@${kic}`, "--kid", `@${kid}`];
    const added = await product.run([...args, "--json"]);
    expect(added.json()).toMatchObject({ created: true, target: { eid: one } });
    await product.run(["target", "remove", one]);
    const short = await product.run(["target", "add", "--eid", one, "--kic", "0011", "--kid", `@${kid}`]);
    expect(short.code).toBe(2);
    expect(short.stderr).toMatch(/key/i);
  });
});
