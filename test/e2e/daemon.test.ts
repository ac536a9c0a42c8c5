import { existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { documentedEid as eid, eventually, Product, usesProgram } from "./product.ts";

usesProgram();

const socketOf = (product: Product) => join(product.state, "otagate.sock");

describe("the daemon", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("ends by %s with 0 and takes its socket along", async (signal) => {
    await using product = new Product();
    const daemon = await product.daemon();
    expect(statSync(socketOf(product)).mode & 0o777).toBe(0o600);
    expect(statSync(product.state).mode & 0o777).toBe(0o700);
    expect(await daemon.stop(signal)).toBe(0);
    expect(existsSync(socketOf(product))).toBe(false);
    for (const line of daemon.log.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
  });

  it("refuses to share a state folder with another one", async () => {
    await using product = new Product();
    const first = await product.daemon();
    const second = await product.run(["daemon"]);
    expect(second).toMatchObject({ code: 7, stderr: expect.stringContaining("store.locked") });
    expect((await product.run(["reader", "list"])).code).toBe(0);
    expect(first.child.exitCode).toBe(null);
  });

  it("replaces the socket of a daemon that died", async () => {
    await using product = new Product();
    const first = await product.daemon(["--simulate"]);
    expect(await first.stop("SIGKILL")).toBe("SIGKILL");
    expect(existsSync(socketOf(product))).toBe(true);
    expect((await product.run(["target", "list"])).code).toBe(0);
    await product.daemon(["--simulate"]);
    const list = await product.run(["target", "list", "--json"]);
    expect(list.json()).toMatchObject([{ eid }]);
  });

  it("starts over a file where its socket belongs", async () => {
    await using product = new Product();
    await (await product.daemon()).stop();
    writeFileSync(socketOf(product), "");
    await product.daemon();
    expect((await product.run(["reader", "list"])).code).toBe(0);
  });

  it("goes on with open jobs after kill -9", async () => {
    await using product = new Product();
    const first = await product.daemon();
    const card = createEuiccState();
    await product.api.post("/v1/targets", {
      eid,
      isdR: {
        keySets: card.isdR.keySets.filter((set) => set.type === "SCP80").map(({ kvn, keys }) => ({ kvn, keys })),
      },
    });
    const order = { target: eid, work: { kind: "es5", function: "auditStatus" } };
    const { id } = await product.api.post<{ id: string }>("/v1/jobs", order);
    await first.stop("SIGKILL");
    await product.daemon(["--simulate"]);
    const done = await eventually(async () => {
      const job = await product.api.get<{ state: string; endedAt?: number }>(`/v1/jobs/${id}`);
      return job.endedAt === undefined ? undefined : job;
    }, 30_000);
    expect(done.state).toBe("done");
  });

  it("works under another state folder when told to", async () => {
    await using product = new Product();
    const state = join(product.folder, "elsewhere");
    await product.daemon(["--simulate", "--state", state]);
    const list = await product.run(["reader", "list", "--json"], { env: { OTAGATE_STATE: state } });
    expect(list.json()).toMatchObject([{ id: "sim:euicc-1", up: true }]);
  });

  it("never logs a key, at any level", async () => {
    await using product = new Product({
      log: { level: "debug" },
      readers: { enabled: false },
      scp81: { enabled: false },
    });
    const daemon = await product.daemon(["--simulate"]);
    await product.run(["es5", "auditStatus", "-t", eid]);
    await product.run([
      "target",
      "import",
      product.file("bad.json", { eid, keySets: [{ kvn: 1, keys: [{ id: 1, value: "C0FFEEC0FFEE" }] }] }),
    ]);
    await daemon.stop();
    const secrets = createEuiccState().isdR.keySets.flatMap((set) => set.keys.map((key) => key.value));
    for (const secret of [...secrets, "C0FFEEC0FFEE"]) expect(daemon.log.toUpperCase()).not.toContain(secret);
  });
});

describe("commands without a daemon", () => {
  it("work in their own process, one after the other, on the same state", async () => {
    await using product = new Product({
      readers: { enabled: false },
      scp81: { enabled: false },
      simulate: { euiccs: ["card.json"] },
    });
    const card = createEuiccState();
    const file = product.file("eis.json", {
      eid,
      isdR: { keySets: card.isdR.keySets.map(({ kvn, type, keys }) => ({ kvn, type, keys })) },
    });
    expect((await product.run(["target", "import", file])).code).toBe(0);
    const audit = await product.run(["es5", "auditStatus", "-t", eid, "--trace"]);
    expect(audit).toMatchObject({ code: 0, stdout: expect.stringContaining("PoR OK") });
    expect(audit.stderr).toContain("ENVELOPE");
    const again = await product.run(["es5", "auditStatus", "-t", eid, "--json"]);
    expect(again.json()).toMatchObject({ state: "done", packets: [{ cntr: 2 }] });
    expect(existsSync(socketOf(product))).toBe(false);
  });

  it("are not misled by a foreign server at the socket's place that does not speak HTTP", async () => {
    await using product = new Product();
    await product.run(["target", "list"]);
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("hello\n");
    });
    await new Promise<void>((resolve) => server.listen(socketOf(product), resolve));
    const listed = await product.run(["target", "list"]);
    expect(listed).toMatchObject({ code: 5, stderr: expect.stringContaining("api.unreachable") });
    server.close();
  });
});
