import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { documentedEid as eid, eventually, Product, program, usesProgram } from "./product.ts";

usesProgram();

const otherKeys = [
  { id: 1, value: "0123456789ABCDEF0123456789ABCDEF" },
  { id: 2, value: "FEDCBA9876543210FEDCBA9876543210" },
];

describe("exit codes", () => {
  it("is 2 for what the command line does not know", async () => {
    await using product = new Product();
    const lines = [
      ["bogus"],
      ["reader", "bogus"],
      ["reader"],
      [],
      ["reader", "list", "--bogus"],
      ["job", "show"],
      ["job", "list", "--limit", "many"],
      ["es5", "auditEid"],
      ["decode", "--as", "bogus", "00"],
    ];
    for (const args of lines) {
      const { code, stdout, stderr } = await product.run(args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(stderr).not.toBe("");
    }
  });

  it("is 2 with an error object for --json, and the help of the command is named without it", async () => {
    await using product = new Product();
    for (const args of [["bogus"], ["reader"], ["es5", "auditEid"], ["job", "list", "--limit", "many"]]) {
      const { code, stdout, stderr } = await product.run([...args, "--json"]);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: "api.usage" } });
    }
    const { stderr } = await product.run(["es5", "auditEid"]);
    expect(stderr).toMatch(/^api\.usage: required option '-t, --target <target>' not specified\n/);
    expect(stderr).toContain("(see otagate es5 auditEid --help)");
  });

  it("is 2 for files and addresses that cannot be used, named with the flag and the reason", async () => {
    await using product = new Product();
    const folder = product.folder;
    for (const [args, message] of [
      [["--url", "daemon.example", "job", "list"], "--url: 'daemon.example' must be a URL"],
      [["--url", "ftp://daemon.example/", "job", "list"], "--url: 'ftp://daemon.example/' must be a URL"],
      [["campaign", "start", "--file", folder], `--file: ${folder} cannot be read: it is a folder`],
      [["connectivity", "set", eid, "--file", "none.json"], "--file: none.json cannot be read: no such file or folder"],
      [["trace", "export", "-o", "none/x"], "--output: none/x cannot be written: no such file or folder"],
      [["trace", "export", "--kind", "apdus"], "'apdus' is not a kind of frame; did you mean 'apdu'?"],
      [["trace", "export", "--since", "5y"], "--since: must be a date"],
      [["store", "prune"], "give --jobs, --events or --audit"],
      [["store", "prune", "--jobs", "1s"], "It must be at least 1h"],
      [["smsc", "hash-password"], "standard input is empty"],
    ] as const) {
      const { code, stdout, stderr } = await product.run([...args]);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(stderr).toContain(message);
    }
    const state = product.file("no-folder", "");
    const unusable = await product.run(["job", "list"], { env: { OTAGATE_STATE: state } });
    expect(unusable).toMatchObject({
      code: 7,
      stderr: expect.stringContaining(`the store in ${state} cannot be used`),
    });
  });

  it("comes with advice where to find what does not exist", async () => {
    await using product = new Product();
    for (const [args, advice] of [
      [["target", "show", "nope"], "(list the targets with `otagate target list`)"],
      [["card", "info", "nope"], "(list the links with `otagate reader list`, `modem list` or `smsc list`)"],
    ] as const) {
      const { code, stderr } = await product.run([...args]);
      expect({ code, advice: stderr.trimEnd().split("\n").at(-1) }).toEqual({ code: 3, advice });
      const asJson = await product.run([...args, "--json"]);
      expect(Object.keys(JSON.parse(asJson.stderr).error)).toEqual(["code", "message", "detail"]);
    }
  });

  it("is 0 for help and version, on standard output", async () => {
    await using product = new Product();
    for (const args of [["--help"], ["--version"], ["job", "list", "--help"], ["help", "reader"]]) {
      const { code, stdout, stderr } = await product.run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toBe("");
    }
  });

  it("is 3 for what does not exist, 7 for a key version that is not known", async () => {
    await using product = new Product();
    await product.daemon(["--simulate"]);
    for (const args of [
      ["job", "show", "job_none"],
      ["job", "watch", "job_none"],
      ["target", "show", "none"],
      ["card", "info", "no such reader"],
      ["es5", "auditEid", "-t", "none"],
    ])
      expect({ args, code: (await product.run(args)).code }).toEqual({ args, code: 3 });
    expect((await product.run(["es5", "auditEid", "-t", eid, "--kvn", "9"])).code).toBe(7);
  });

  it("is 5 without a daemon at the address, or without a reader", async () => {
    await using product = new Product();
    const unreachable = await product.run(["reader", "list", "--url", "http://127.0.0.1:9", "--json"]);
    expect(unreachable.code).toBe(5);
    expect(JSON.parse(unreachable.stderr)).toMatchObject({ error: { code: "api.unreachable" } });
    const none = await product.run(["card", "info"]);
    expect(none.code).toBe(5);
    expect(none.stderr).toMatch(/doctor/);
  });

  it("is 4 for what a card refuses, 6 for a card that does not answer", async () => {
    const fast = { envelopeAnswerTimeoutMs: 500, retransmissions: 0 };
    await using product = new Product({ readers: { enabled: false }, scp81: { enabled: false }, sms: fast });
    await product.daemon(["--simulate"]);
    const unknownProfile = ["es5", "disableProfile", "-t", eid, "--aid", "A0000005591010FFFFFFFF8900007700"];
    expect((await product.run(unknownProfile)).code).toBe(4);
    const wrongKeys = { kvn: 1, type: "SCP80", algorithm: "AES", keys: otherKeys };
    await product.api.post("/v1/targets", { eid, keySets: [wrongKeys] });
    const mute = await product.run(["es5", "auditEid", "-t", eid]);
    expect(mute).toMatchObject({ code: 6, stdout: expect.stringContaining("packet.no-answer") });
  });

  it("is 6 when the watch or the job's validity ends first", async () => {
    await using product = new Product();
    await product.daemon();
    await product.api.post("/v1/targets", { eid, keySets: [{ kvn: 1, keys: otherKeys }] });
    const watched = await product.run(["es5", "auditEid", "-t", eid, "--timeout", "0.5"]);
    expect(watched.code).toBe(6);
    expect(watched.stderr).toMatch(/continues in the daemon; to stop it: otagate job cancel job_/);
    const expired = await product.run(["es5", "auditEid", "-t", eid, "--validity", "1"]);
    expect(expired).toMatchObject({ code: 6, stdout: expect.stringContaining("EXPIRED") });
  });

  it("is 130 when interrupted, and leaves a daemon's job alone", async () => {
    await using product = new Product();
    await product.daemon();
    await product.api.post("/v1/targets", { eid, keySets: [{ kvn: 1, keys: otherKeys }] });
    const watched = await product.run(["es5", "auditEid", "-t", eid], {
      started: (child) => child.stderr?.once("data", () => child.kill("SIGINT")),
    });
    expect(watched).toMatchObject({ code: 130, signal: null });
    expect(watched.stderr).toMatch(/job (job_\w+) continues in the daemon; to stop it: otagate job cancel \1/);
    const jobs = (await product.run(["job", "list", "--json"])).json<{ state: string }[]>();
    expect(jobs).toMatchObject([{ state: expect.stringMatching(/queued|waiting/) }]);
  });

  it("is 130 when interrupted without a daemon, and frees the state folder", async () => {
    await using product = new Product();
    await product.run(["target", "import", product.file("eis.json", { eid, keySets: [{ kvn: 1, keys: otherKeys }] })]);
    const watched = await product.run(["es5", "auditEid", "-t", eid], {
      started: (child) => child.stderr?.once("data", () => child.kill("SIGINT")),
    });
    expect(watched.code).toBe(130);
    expect(watched.stderr).toMatch(/job (job_\w+) stays in the store: .*; to stop it: otagate job cancel \1/);
    expect((await product.run(["target", "show", eid])).code).toBe(0);
  });
});

describe("bad configuration", () => {
  it.each([
    ["an unknown key", "reeders:\n  enabled: true\n", "unknown key 'reeders'; did you mean 'readers'?"],
    ["an unknown key inside", "sms:\n  orginator: '1'\n", "unknown key 'sms.orginator'; did you mean 'originator'?"],
    ["a value of a wrong kind", "readers:\n  enabled: maybe\n", "readers.enabled"],
    ["no YAML", "readers:\n  enabled: [true\nlog: {}\n", "(line 3) is not valid YAML"],
  ])("names %s", async (_, yaml, message) => {
    await using product = new Product();
    const path = product.file("bad.yaml", yaml);
    for (const args of [["reader", "list"], ["daemon"]]) {
      const { code, stdout, stderr } = await product.run(["--config", path, ...args]);
      expect({ code, stdout }).toEqual({ code: 7, stdout: "" });
      expect(stderr).toContain(path);
      expect(stderr).toContain(message);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    const doctor = await product.run(["--config", path, "doctor", "--json"]);
    expect(doctor.code).toBe(7);
    expect(doctor.json<{ findings: unknown[] }>().findings).toContainEqual(
      expect.objectContaining({ what: "configuration", verdict: "bad" }),
    );
  });

  it("names a file that is not there, and a master key that cannot be read", async () => {
    await using product = new Product();
    const missing = await product.run(["--config", "/nowhere/otagate.yaml", "reader", "list"]);
    expect(missing).toMatchObject({ code: 7, stderr: expect.stringContaining("/nowhere/otagate.yaml") });
    const path = product.file("key.yaml", "masterKey: env:OTAGATE_NO_SUCH_KEY\n");
    const key = await product.run(["--config", path, "target", "list"]);
    expect(key).toMatchObject({ code: 7, stderr: expect.stringContaining("env:OTAGATE_NO_SUCH_KEY") });
  });
});

describe("output", () => {
  it("ends quietly when nobody reads any more", async () => {
    await using product = new Product();
    const line = `${JSON.stringify({ apdus: ["00A40004023F00"] })}\n`;
    for (const args of [
      ["script", "encode", "--jsonl"],
      ["decode", "--full"],
    ]) {
      const child = product.spawn(args);
      let complaint = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        complaint += chunk.toString();
      });
      child.stdin?.on("error", () => undefined);
      child.stdout?.once("data", () => child.stdout?.destroy());
      child.stdin?.end((args[0] === "decode" ? "D009810301210082028102\n" : line).repeat(20_000));
      const [code] = await once(child, "exit");
      expect({ args, code, complaint }).toEqual({ args, code: 0, complaint: "" });
    }
  });

  it("has no colour in pipes, and none on a terminal that says NO_COLOR", async ({ skip }) => {
    await using product = new Product();
    const sequence = String.fromCharCode(27);
    expect((await product.run(["doctor"])).stdout).not.toContain(sequence);
    const onTerminal = (environment: string) => {
      const command = `${environment} ${process.execPath} ${program} doctor`;
      return spawnSync("script", ["-qec", command, "/dev/null"], { env: product.env, encoding: "utf8" });
    };
    const plain = onTerminal("NO_COLOR=1");
    if (plain.error !== undefined) skip("the program script is not installed");
    expect(plain.stdout).toContain("better-sqlite3");
    expect(plain.stdout).not.toContain(sequence);
    expect(onTerminal("TERM=xterm").stdout).toContain(sequence);
  });

  it("answers ten thousand lines of scp80 wrap in order, bad ones among them", async () => {
    await using product = new Product();
    const good = {
      spi: "1621",
      kic: "12",
      kid: "12",
      tar: "000001",
      kic_key: otherKeys[0]?.value,
      kid_key: otherKeys[1]?.value,
      payload: "AA0A220880F24002024F0000",
    };
    const lines = Array.from({ length: 10_000 }, (_, index) =>
      index % 1000 === 999
        ? index % 2000 === 999
          ? "{"
          : JSON.stringify({ ...good, id: index, spi: "16" })
        : JSON.stringify({ ...good, id: index, cntr: index.toString(16).padStart(10, "0") }),
    );
    const { code, stdout } = await product.run(["scp80", "wrap", "--jsonl"], { input: `${lines.join("\n")}\n` });
    expect(code).toBe(0);
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toHaveLength(10_000);
    expect(answers.filter((answer) => answer.error !== undefined)).toHaveLength(10);
    expect(answers[4321]).toMatchObject({ id: 4321, packet: expect.stringMatching(/^[0-9A-F]+$/) });
    expect(new Set(answers.map((answer) => answer.packet)).size).toBeGreaterThan(9980);
  });

  it("answers line by line, so that a peer can wait for each answer", async () => {
    await using product = new Product();
    const child = product.spawn(["script", "encode", "--jsonl"]);
    let heard = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    for (const id of [1, 2]) {
      child.stdin?.write(`${JSON.stringify({ id, apdus: ["00A40004023F00"] })}\n`);
      await eventually(async () => heard.includes(`"id":${id}`) || undefined);
    }
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).toBe(130);
  });
});
