import { once } from "node:events";
import { PassThrough, Readable, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { answerLines } from "../../../src/face/cli/jsonl.ts";
import { answerTo } from "../../../src/face/cli/operations/operation.ts";
import { scriptDecode } from "../../../src/face/cli/operations/script.ts";
import { wrap } from "../../../src/face/cli/operations/wrap.ts";
import { run, runLines } from "./run-commands.ts";

const key = "00112233445566778899AABBCCDDEEFF";
const flags = ["--spi", "1639", "--kic", "12", "--kid", "12", "--kic-key", key, "--kid-key", key];
const command = { spi: "1639", kic: "12", kid: "12", kic_key: key, kid_key: key, tar: "000001", payload: "AA00" };

function lines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("an operation from flags", () => {
  it("shows people what it did, with names", async () => {
    const made = await run(["scp80", "wrap", ...flags, "--tar", "000001", "--cntr", "0000000001", "--payload", "AA00"]);
    expect(made.code).toBe(0);
    const userData = /tp_ud 1\s+([0-9A-F]+)/.exec(made.stdout)?.[1] ?? "";
    const opened = await run(["scp80", "unwrap", userData, "--kic-key", key, "--kid-key", key]);
    expect(opened.stdout).toContain("PoR always by SMS-SUBMIT");
    expect(opened.stdout).toMatch(/data\s+AA00/);
  });

  it("takes keys from the environment and from files", async () => {
    const secret = ["--spi", "1639", "--kic", "12", "--kid", "12", "--kic-key", "env:KIC", "--kid-key", "file:/kid"];
    const made = await run(["scp80", "wrap", ...secret, "--tar", "000001", "--payload", "AA00", "--json"], [], {
      env: { KIC: key },
      readText: () => `${key}\n`,
    });
    const [answer] = await runLines(["scp80", "wrap"], [command]);
    expect(JSON.parse(made.stdout).packet).toBe(answer?.packet);
  });

  it("says which secret is not there", async () => {
    const missing = await run(["scp80", "wrap", "--kic-key", "env:NOTHING"]);
    expect(missing).toMatchObject({ code: 7, stderr: expect.stringContaining("env:NOTHING") });
    const unreadable = await run(["scp80", "unwrap", "--kid-key", "file:/none", "--json"], [], {
      readText: () => {
        throw new Error("ENOENT");
      },
    });
    expect(JSON.parse(unreadable.stdout)).toMatchObject({ error: { code: "config.secret" } });
  });

  it("ends with one line on stderr and the exit code of the error", async () => {
    const ended = await run(["tpdu", "decode", "0401"]);
    expect(ended.stdout).toBe("");
    expect(ended.stderr.split("\n")).toHaveLength(2);
    expect(ended.stderr).toMatch(/^codec\.\w+: .*offset \d+/);
    expect(ended.code).toBe(1);
    const usage = await run(["scp80", "wrap", "--spi", "16"]);
    expect(usage.code).toBe(2);
  });

  it("gives the error as JSON when JSON was asked for", async () => {
    const ended = await run(["script", "decode", "AA05", "--json"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "codec.truncated", class: "format", offset: 2 } });
  });

  it("names status words, data coding and delivery status", async () => {
    expect((await run(["script", "decode", "AB070101016A88", "--response"])).code).toBe(1);
    expect((await run(["script", "decode", "AB0780010123026A88"])).stdout).toContain("referenced data not found");
    expect((await run(["tpdu", "decode", "00D500"])).stdout).toContain("data download error");
    expect((await run(["tpdu", "encode", '{"type":"SMS-SUBMIT","tp_da":"123","tp_da_toa":"81"}'])).stdout).toContain(
      "0100038121F3000000",
    );
    expect((await run(["envelope", "0401", "--cla", "A0"])).stdout).toContain("A0C200000AD1088202");
    expect((await run(["script", "encode", "00A40004023F00", "--object", "83=01"])).stdout).toContain(
      "AA0C830101220700A40004023F00",
    );
  });
});

describe("JSON lines", () => {
  it("answers every line, bad ones too, and hands any id back", async () => {
    const bad = '{"kic_key":"00112233", oops}\n[1]\n"text"\n\n   \n';
    const ended = await run(
      ["scp80", "wrap", "--jsonl"],
      [
        `${JSON.stringify({ id: 7, ...command })}\n${bad}${JSON.stringify({ id: { deep: true }, ...command, tar: "00" })}\n`,
        JSON.stringify({ id: "last", ...command, kic_key: null }),
      ],
    );
    const answers = lines(ended.stdout);
    expect(answers).toEqual([
      expect.objectContaining({ id: 7, cpl: 24 }),
      { error: expect.objectContaining({ code: "api.usage", class: "input", message: "line 2 is not valid JSON" }) },
      { error: expect.objectContaining({ message: "line 3 is not a JSON object" }) },
      { error: expect.objectContaining({ message: "line 4 is not a JSON object" }) },
      {
        id: { deep: true },
        error: expect.objectContaining({ code: "api.usage", message: expect.stringMatching(/^tar: /) }),
      },
      { id: "last", error: expect.objectContaining({ code: "crypto.key", class: "key" }) },
    ]);
    expect(ended.stdout).not.toContain("00112233");
  });

  it("reads lines that arrive in pieces, characters cut in two included", async () => {
    const line = Buffer.from(`${JSON.stringify({ id: "größer", ...command })}\n`);
    const pieces = [...line].map((octet) => Buffer.of(octet));
    const ended = await run(["scp80", "wrap", "--jsonl"], pieces);
    expect(lines(ended.stdout)).toEqual([expect.objectContaining({ id: "größer" })]);
  });

  it("answers a peer that waits for one answer before it sends the next line", async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const done = answerLines(input, output, (line) => answerTo(wrap, line));
    for (const id of [1, 2, 3]) {
      input.write(`${JSON.stringify({ id, ...command })}\n`);
      const [chunk] = await once(output, "data");
      expect(JSON.parse(String(chunk)).id).toBe(id);
    }
    input.end();
    expect(await done).toEqual({ lines: 3, errors: 0 });
  });

  it("waits for a slow reader instead of piling answers up", async () => {
    let held = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        held += chunk.length;
        most = Math.max(most, held);
        setImmediate(() => {
          held -= chunk.length;
          done();
        });
      },
    });
    const text = `${JSON.stringify(command)}\n`.repeat(2000);
    await answerLines(Readable.from([text]), slow, (line) => answerTo(wrap, line));
    expect(most).toBeLessThan(300_000);
  });

  it("stops when the reader goes away", async () => {
    const gone = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error("EPIPE"));
      },
    });
    const endless = Readable.from(
      (function* () {
        for (;;) yield `${JSON.stringify(command)}\n`;
      })(),
    );
    const count = await answerLines(endless, gone, (line) => answerTo(wrap, line));
    expect(count.lines).toBeLessThan(10_000);
  });

  it("skips a line of absurd length and goes on", async () => {
    const chunks = function* () {
      for (let i = 0; i < 6; i++) yield "x".repeat(1_000_000);
      yield `\n${JSON.stringify({ id: 1, ...command })}\n`;
    };
    const ended = await run(["scp80", "wrap", "--jsonl"], chunks());
    expect(lines(ended.stdout)).toEqual([
      { error: expect.objectContaining({ code: "api.usage" }) },
      expect.objectContaining({ id: 1 }),
    ]);
  });

  it("keeps memory flat over 100,000 lines", async () => {
    const line = `${JSON.stringify({ id: 1, data: "AB1780010223029000230E321E73B3B3B9B814A9B2D6E69000" })}\n`;
    const chunk = line.repeat(100);
    let peak = 0;
    const chunks = (function* () {
      for (let i = 0; i < 1000; i++) {
        if (i % 100 === 99) peak = Math.max(peak, process.memoryUsage().heapUsed);
        yield chunk;
      }
    })();
    let octets = 0;
    const sink = new Writable({
      write(part: Buffer, _encoding, done) {
        octets += part.length;
        done();
      },
    });
    const before = process.memoryUsage().heapUsed;
    const count = await answerLines(Readable.from(chunks), sink, (value) => answerTo(scriptDecode, value));
    expect(count).toEqual({ lines: 100_000, errors: 0 });
    expect(octets).toBeGreaterThan(10_000_000);
    expect(peak - before).toBeLessThan(150_000_000);
  }, 120_000);
});

describe("unwrap", () => {
  it("says that a checksum would verify without the header", async () => {
    const [strict, lenient] = await runLines(
      ["scp80", "unwrap"],
      [false, true].map((wanted) => ({
        spi: "0229",
        kic: "12",
        kid: "12",
        kid_key: "11223344556677889910111213141516",
        cc_len: 8,
        tp_ud: "027100001C12000001000000000000004E5E7F1321DC968BAB0780010123029000",
        lenient: wanted,
      })),
    );
    expect(strict).toMatchObject({ error: { class: "cc" }, cc_variant: "without-udh" });
    expect(lenient).toMatchObject({ status: 0, cc_variant: "without-udh", data: "AB0780010123029000" });
  });

  it("reads captured responses with the status word of the ENVELOPE behind them", async () => {
    const [answer] = await runLines(
      ["scp80", "unwrap"],
      [
        {
          spi: "1601",
          kic: "12",
          kid: "12",
          tp_ud: "02710000140A000001000000022B0000AF80230300900000009000",
        },
      ],
    );
    expect(answer).toMatchObject({
      status: 0,
      tar: "000001",
      cntr: "000000022B",
      trailing_sw: "9000",
      format: "expanded-indefinite",
      decoded: { number_of_commands: null, responses: [{ data: "00", sw: "9000" }] },
    });
  });

  it("opens the worked examples of an eUICC's traffic", async () => {
    const keys = { kic_key: "000102030405060708090A0B0C0D0E0F", kid_key: "101112131415161718191A1B1C1D1E1F" };
    const [enable, por, twoParts, captured] = await runLines(
      ["scp80", "unwrap"],
      [
        {
          ...keys,
          tp_ud:
            "027000003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98",
        },
        {
          ...keys,
          spi: "1639",
          kic: "12",
          kid: "12",
          tp_ud: "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9",
        },
        {
          ...keys,
          tp_ud: [
            "050003110202D77AA5559BDFFE757364FEFC67CB9DBFC05ADF9B7FA26FFE9293A38BB71FDB9DC148CF5F95DFAF225FE6EEADEEF22D8B7725D39807B0428C20CE9BA1D6FBA5F101F6D0FAE35D710D54A0F46F50810C4D97A859970546ABD40C11DCB3E243B1FA90CBA0AA871B4F2940550AB44D99C025068333696641",
            "070003110201700000F815163912120000011301E04CCBF6F238DDC19DF8B87CEB8497417AA52337A911977655F9FC4FE325392425CACACCE4E51A17355946F86EA13FB2FB110C654417E53B00B4A6BF953D4287A8A77BD206C529EE8F80294204E10A4161C572A9EBEEFC8C414586660FE9F21AB91311289F18B37E7BC99D78025395253093883FAC3D52E1",
          ],
        },
        {
          kic_key: "11223344556677889910111213141516",
          kid_key: "11223344556677889910111213141516",
          tp_ud:
            "02700000681516011212000001C836F23F58FBCE75A624C39BE2A6140729A06031E204DA2179BD3B4A70AEBC0F43C219774AC6B43FE0FB8001FE9B5A7F866591FD660BD6B8A88F04D516D58EBAB2D4B012B4ADDA61F7B3508E9FF6815B2CAC6D953B94EA152D81225C276DCC09",
        },
      ],
    );
    expect(enable).toMatchObject({
      cntr: "0000000001",
      pcntr: 4,
      format: "expanded-definite",
      rc_cc: "FCFB0A8AC91D3012",
    });
    expect(por).toMatchObject({
      status: 0,
      rc_cc: "BDFB56922DFC9BB6",
      decoded: { responses: [{ data: "", sw: "9000" }] },
    });
    expect(twoParts).toMatchObject({ cntr: "0000000005", pcntr: 4, rc_cc: "F3811CCF6F6F3FE8" });
    expect(captured).toMatchObject({ tar: "000001", spi: "1601", format: null });
  });

  it("reads the notification of an eUICC, which is not ciphered and has no counter", async () => {
    const [answer] = await runLines(
      ["scp80", "unwrap"],
      [
        {
          kid_key: "101112131415161718191A1B1C1D1E1F",
          tp_ud:
            "027000004D1502001012000001000000000000 5BA230D66B9D4492 E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014081122334455667788",
        },
      ],
    );
    expect(answer).toMatchObject({
      kind: "command",
      spi: "0200",
      rc_cc: "5BA230D66B9D4492",
      format: "notification",
      decoded: { eid: "89001012012341234012345678901224", type: 2, sequence: 1 },
    });
  });
});
