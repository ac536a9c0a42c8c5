import { describe, expect, it } from "vitest";
import { concatBytes, toHex } from "../../../src/base/hex.ts";
import { gsm7Septets, packSeptets } from "../../../src/codec/kit/gsm7.ts";
import { tpduBytes } from "../../../src/codec/sms/tpdu.ts";
import { enableEnvelope, kicHex, kidHex } from "../../explain/worked.ts";
import { run, runLines } from "./run-commands.ts";

interface Item {
  readonly type: string;
  readonly node: { readonly label: string; readonly value?: string; readonly note?: string };
}

async function items(lines: readonly string[], ...flags: string[]): Promise<Item[]> {
  const { stdout } = await run(["decode", "--json", ...flags], [lines.map((line) => `${line}\n`).join("")]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const keys = ["--kic", kicHex, "--kid", kidHex];
const packet = `${enableEnvelope.slice(enableEnvelope.indexOf("0270000038"))}`;
const por = "027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9";

describe("a line that starts with <", () => {
  it.each([
    ["an expanded script", "AE80220580CA0066000000", "<AF802304010290000000", "script-response", "2 octets; 9000"],
    [
      "a script of an ES5 function",
      "AE80221A80E28800153A03124F10A0000005591010FFFFFFFF89000013000000",
      "<- AF80230269850000",
      "script-response",
      "not in state Disabled",
    ],
    [
      "a compact script",
      "00A4000C023F0080E28800153A03124F10A0000005591010FFFFFFFF8900001300",
      "< 026985",
      "script-response",
      "not in state Disabled",
    ],
    ["an SCP03t block", "AE80840A300000112233445566770000", "<AF809F4401030000", "script-response", "not found"],
    ["a C-APDU", "80CA005A00", "<5A10890010120123412340123456789012249000", "r-apdu", "EID 8900"],
    ["a C-APDU with nothing but a status word", "80CA005A00", "<6A88", "r-apdu", "referenced data not found"],
    ["nothing", "# nothing", "<AF80230290000000", "script-response", "9000"],
    ["nothing, a PoR", "# nothing", "<027100000B0A00000100000004D200009120", "tp-ud", "not authenticated"],
  ])("answers %s", async (_, question, answer, type, words) => {
    const last = (await items([question, answer])).at(-1);
    expect(last?.type).toBe(type);
    expect(last?.node.value).toContain(words);
  });

  it("answers a packet: its SPI, counter and TAR open the PoR, and its commands read the answer", async () => {
    const last = (await items([packet, `<${por}`], ...keys)).at(-1);
    expect(last?.type).toBe("tp-ud");
    expect(last?.node.value).toContain("CNTR 0000000001, status 00 PoR OK; answer to an expanded script");
    expect(last?.node.value).not.toContain("authenticated");
  });

  it("lets several answers follow one question", async () => {
    const script = "AE80221A80E28800153A03124F10A0000005591010FFFFFFFF89000013000000";
    const answers = (await items([script, "<AF80230269850000", "<AF80230269850000"])).slice(1);
    for (const { node } of answers) expect(node.value).toContain("not in state Disabled");
  });

  it("is what --as says, if it says so", async () => {
    expect((await items(["AE80220580CA0066000000", "<AF802304010290000000"], "--as", "tlv")).at(-1)?.type).toBe("tlv");
  });
});

function messages(parts: readonly { readonly text: string; readonly dcs: 0 | 8 }[], from = "491701234567"): string[] {
  return parts.map(({ text, dcs }, index) => {
    const header = Uint8Array.of(5, 0, 3, 0x42, parts.length, index + 1);
    const septets = dcs === 0 ? gsm7Septets(text) : [];
    const body = dcs === 0 ? packSeptets(septets, 1) : new Uint8Array(Buffer.from(text, "utf16le").swap16());
    const octets = concatBytes(header, body);
    return toHex(
      tpduBytes({
        type: "SMS-DELIVER",
        noMoreMessages: true,
        loopPrevention: false,
        statusReport: false,
        userDataHeader: true,
        replyPath: false,
        originator: { toa: 0x91, number: from },
        pid: 0,
        dcs,
        scts: "2026-11-30T18:00:00+00:00",
        userData: { length: dcs === 0 ? 7 + septets.length : octets.length, octets },
      }),
    );
  });
}

describe("texts in several messages", () => {
  const said = async (lines: readonly string[]) =>
    (await items(lines)).filter(({ type }) => type === "text").map(({ node }) => node.value);

  it("are put together in any order, with @ at the end of a part and characters of the extension table", async () => {
    const [one = "", two = "", three = ""] = messages([
      { text: "Hello €wor", dcs: 0 },
      { text: "ld and @", dcs: 0 },
      { text: "12345@", dcs: 0 },
    ]);
    expect(await said([three, one, two])).toEqual(['"Hello €world and @12345@"']);
  });

  it("are put together where a character is split between two parts", async () => {
    expect(
      await said(
        messages([
          { text: "ab\uD83D", dcs: 8 },
          { text: "\uDE00cd", dcs: 8 },
        ]),
      ),
    ).toEqual(['"ab😀cd"']);
  });

  it("are told apart by their sender, and duplicates do no harm", async () => {
    const [a1 = "", a2 = ""] = messages([
      { text: "a1", dcs: 0 },
      { text: "a2", dcs: 0 },
    ]);
    const [b1 = "", b2 = ""] = messages(
      [
        { text: "b1", dcs: 0 },
        { text: "b2", dcs: 0 },
      ],
      "4930111",
    );
    expect(await said([a1, b1, b1, b2, a2])).toEqual(['"b1b2"', '"a1a2"']);
  });
});

const tlv = (tag: string, hex: string) => `${tag}${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;

describe("streams of a channel", () => {
  const hello =
    "1603030036010000320303A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF00000400AE008C010000050001000102";
  const send = (hex: string, channel = 1) => tlv("D0", `81030143018202812${channel}${tlv("B6", hex)}`);
  const received = (hex: string) => `8103014200820282818301${"00"}${tlv("B6", hex)}370100`;

  it("are put together from several SEND DATA, per channel", async () => {
    const found = await items([send(hello.slice(0, 40)), send("AABB", 2), send(hello.slice(40))]);
    expect(found.at(-1)).toMatchObject({ type: "tls", node: { note: "put together from 2 SEND DATA" } });
    expect(found.at(-1)?.node.value).toContain("ClientHello (TLS 1.2; PSK_WITH_AES_128_CBC_SHA256");
  });

  it("are put together from several RECEIVE DATA", async () => {
    const http = Buffer.from(
      "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.globalplatform.card-content-mgt;version=1.0\r\nContent-Length: 11\r\n\r\n",
    ).toString("hex");
    const all = `${http}AE80220580CA0066000000`;
    const found = await items([received(all.slice(0, 100)), received(all.slice(100, 200)), received(all.slice(200))]);
    expect(found.at(-1)).toMatchObject({ type: "http", node: { note: "put together from 3 RECEIVE DATA" } });
    expect(found.at(-1)?.node.value).toContain("GET DATA 0066");
  });
});

describe("how decode ends", () => {
  it.each([["0270000000"], ["027000"], ["--as", "tp-ud", "6F00"], ["0271003300004455667788"], ["F7"], ["182"]])(
    "%s %s %s is not 0",
    async (...args) => {
      const ended = await run(["decode", ...args.filter((arg) => arg !== undefined)]);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain("otagate:");
    },
  );

  it("is 0 where all could be read, and with --lenient where it could not", async () => {
    expect(await run(["decode", "9000", "AE80220580CA0066000000"])).toMatchObject({ code: 0, stderr: "" });
    expect(await run(["decode", "--lenient", "0270000000", "F7"])).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    ["182", 3],
    ["18 2", 4],
    ["< 18 2", 6],
    ["18zz", 2],
    ["< 18:zz", 5],
  ])("half an octet or a wrong digit in %s is named with its offset", async (line, offset) => {
    const { stderr, code } = await run(["decode"], [`${line}\n`]);
    expect(stderr).toContain(`(offset ${offset})`);
    expect(stderr).toContain("codec.text");
    expect(code).toBe(1);
  });

  it.each([
    [["scp80", "unwrap"], { tp_ud: ["182"] }],
    [["scp80", "unwrap"], { tp_ud: "182" }],
    [["scp80", "unwrap"], { packet: "182" }],
    [["scp80", "wrap"], { spi: "182" }],
    [["script", "decode"], { script: "182" }],
    [["tpdu", "decode"], { tpdu: "182" }],
  ])("operations name it alike: %s %j", async (args, line) => {
    const [answer] = await runLines(args, [line]);
    expect(answer).toMatchObject({ error: { code: "codec.text", class: "format", offset: 3 } });
    expect(JSON.stringify(answer)).toContain("odd number of hexadecimal digits");
  });
});

describe("secrets", () => {
  it("are shown only when they are asked for", async () => {
    const verify = "00200001083731393337313933";
    expect((await run(["decode", verify])).stdout).not.toContain("3731393337313933");
    expect((await run(["decode", "--secrets", verify])).stdout).toContain("3731393337313933");
  });

  it("stay hidden in what is written to and read from a file of keys, line by line and in scripts", async () => {
    const select = "00A4000C027FFF00A4000C026F08";
    const key = "C0DEC0DE";
    const lines = ["00A4000C026F08", `00D6000004${key}`, "00B0000004", `<${key}9000`];
    expect((await run(["decode"], [lines.map((line) => `${line}\n`).join("")])).stdout).not.toContain(key);
    const script = `AE80${tlv("22", "00A4000C026F08")}${tlv("22", `00D6000004${key}`)}${tlv("22", "00B0000004")}0000`;
    const answer = `<AF80230290002302900023 06${key}90000000`.replaceAll(" ", "");
    expect((await run(["decode"], [`${script}\n${answer}\n`])).stdout).not.toContain(key);
    const compact = `${select}00B0000004`;
    expect((await run(["decode"], [`${compact}\n<039000${key}\n`])).stdout).not.toContain(key);
    expect((await run(["decode"], [`00A4000C026F07\n00B0000004\n<${key}9000\n`])).stdout).toContain(key);
  });

  it("stay hidden in the blocks of a STORE DATA that goes on in the next line", async () => {
    const [first, second] = ["80E20800068010 20A1A2A3", "80E2880104C0DEC0DE"].map((hex) => hex.replaceAll(" ", ""));
    const { stdout } = await run(["decode"], [`${first}\n${second}\n`]);
    expect(stdout).not.toContain("C0DEC0DE");
  });
});
