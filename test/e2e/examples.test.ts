import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { kicHex, kidHex } from "../explain/worked.ts";
import { printedExamples } from "../scripts/printed-examples.ts";
import { Product, program, usesProgram } from "./product.ts";

usesProgram();

/** What is printed and not run here, and why; everything else is. */
const left: readonly (readonly [RegExp, string])[] = [
  [/…/, "an ellipsis stands for something else"],
  [/otagate (daemon|demo|sim |run |download |sm-dp )/, "runs on, or has tests of its own"],
  [/profile (build|personalize) |profile\.der/, "is run with its files by the tests of profile packages"],
  [/trace follow|(job|event) watch|--wait|--timeout/, "waits for something"],
  [/card (info|apdu)|reader reset|modem:?(\w*) ?(show|reset|power|probe|at rack1 AT)|modem:rack1/, "needs hardware"],
  [/smsc (show|rebind|test)|upstream dead/, "needs a peer"],
  [/ (es5|script send|target trigger|target audit|campaign start) /, "needs a card"],
  [/_01[Jjk]|session (show|close)/, "names something that is not in this store"],
  [/eis\.(json|xml)|fleet\.json|ci\.pem|my-modem\.json|tonight\.yaml/, "needs a file of its own"],
];

const isLeft = (line: string) => left.some(([pattern]) => pattern.test(line));
const printed = await printedExamples();
const lines = [...new Set(printed.map(({ line }) => line.replace(/^npx /, "")).filter((line) => !isLeft(line)))];

/** Removals come last: examples are about things that are there. */
const inOrder = [...lines.filter((line) => !/ remove /.test(line)), ...lines.filter((line) => / remove /.test(line))];

const eid = "89001012012341234012345678901224";

describe("every example of help, README.md and docs that needs neither hardware nor peers works as printed", () => {
  let product: Product;

  beforeAll(async () => {
    product = new Product({ readers: { enabled: false }, scp81: { enabled: false }, retention: { jobs: "90d" } });
    product.file("keys.csv", `eid,kvn,algorithm,kic,kid,cntr\n${eid},01,AES,${kicHex},${kidHex},0000000001\n`);
    product.file("packets.jsonl", '{"id":1}\n');
    product.file("captured.txt", "# a PoR\n027100000B0A00000100000004D20000\n");
    const { vectors } = JSON.parse(readFileSync(join(packageRoot, "test", "vectors", "es8.json"), "utf8"));
    const profile: string = vectors.find((one: { id: string }) => one.id === "package-small").package;
    product.file("operator-a.hex", profile);
    for (const name of ["operator-a.der", "template.der"])
      writeFileSync(join(product.folder, name), Buffer.from(profile, "hex"));
    product.file("kic.hex", kicHex);
    product.file("kid.hex", kidHex);
    expect(await product.run(["target", "import", "keys.csv"])).toMatchObject({ code: 0 });
    expect(await product.run(["target", "set", eid, "--name", "bench-1", "--tag", "lab"])).toMatchObject({ code: 0 });
  });

  afterAll(async () => product[Symbol.asyncDispose]());

  it.each(inOrder)("%s", (line) => {
    const env = { ...product.env, KIC: kicHex, KID: kidHex, PASSWORD: "a password" };
    const command = line.replace(/(^|\| )otagate /g, `$1"${process.execPath}" "${program}" `);
    const { status, stderr } = spawnSync("sh", ["-c", command], { cwd: product.folder, env, encoding: "utf8" });
    // What is written to a file is counted on standard error, and a former name is reported there; no help is.
    const expected = /^\d+ frames in .*\n|^`procedure list` is deprecated .*\n/;
    expect({ status, stderr: stderr.replace(expected, "") }).toEqual({ status: 0, stderr: "" });
  });

  it("leaves out only what a reason stands for, and each reason is needed", () => {
    expect(inOrder.length).toBeGreaterThan(40);
    for (const [pattern, reason] of left) {
      expect({ reason, used: printed.some(({ line }) => pattern.test(line)) }).toEqual({ reason, used: true });
    }
  });
});
