import { describe, expect, it } from "vitest";
import { FramePrinter } from "../../../src/face/cli/trace-text.ts";
import type { TracedFrame } from "../../../src/face/cli/traced-frame.ts";
import { enableEnvelope } from "../../explain/worked.ts";

const at = Date.UTC(2026, 0, 31, 12, 0, 0, 5);
const terminal = { out: process.stdout, err: process.stderr, fancy: false, json: false };

type Given = Partial<TracedFrame> & Pick<TracedFrame, "kind" | "dir">;

function printed(frames: readonly Given[], link = "reader A"): string[] {
  const lines: string[] = [];
  const printer = new FramePrinter(terminal, (text) => void lines.push(...text.trimEnd().split("\n")));
  for (const [seq, frame] of frames.entries()) printer.take({ seq, at, link, ...frame });
  printer.flush();
  return lines;
}

const apdu = (command: string, answer: string): Given[] => [
  { kind: "apdu", dir: "out", hex: command },
  { kind: "apdu", dir: "in", hex: answer },
];

describe("frames for people", () => {
  it("a command and its answer share a line, their octets stand below", () => {
    expect(printed(apdu("801200000B", "D0098103010104820281829000"))).toEqual([
      "12:00:00.005 <> reader A FETCH -> REFRESH (UICC reset)",
      "                > 801200000B",
      "                < D0098103010104820281829000",
    ]);
  });

  it.each([
    ["801400000C810301050082028281830100", "9000", "TERMINAL RESPONSE ok, to SET UP EVENT LIST -> ok"],
    ["00A4040407A0000000871002", "613D", "SELECT ADF.USIM -> 61 octets available"],
    ["80F2010C00", "9000", "STATUS -> ok"],
    ["0020000108000000000000000000", "63C2", "VERIFY PIN1 -> 63C2 verification failed, 2 tries left"],
    [
      "80E28800153A03124F10A0000005591010FFFFFFFF890000130000",
      "6985",
      "EnableProfile ISD-P 000013 -> 6985 the profile is not in state Disabled",
    ],
    [
      enableEnvelope,
      "910B",
      "ENVELOPE SMS-PP download, from 0123, SMS 1/1, command packet TAR 000001 (ISD-R), ciphered -> ok, a proactive command is pending (910B)",
    ],
  ])("%s", (command, answer, words) => {
    expect(printed(apdu(command, answer))[0]).toBe(`12:00:00.005 <> reader A ${words}`);
  });

  it("reads the identity out of the file that was selected", () => {
    const lines = printed([...apdu("00A40004022FE2", "6119"), ...apdu("00B000000A", "988842173746655846F19000")]);
    expect(lines.filter((line) => line.startsWith("12"))[1]).toContain(
      "READ BINARY of EF.ICCID -> 8988247173645685641",
    );
  });

  it("takes the answer of GET RESPONSE as that of the command before it", () => {
    const lines = printed([...apdu(`0088008122${"00".repeat(34)}`, "6135"), ...apdu("00C0000004", "AABB9000")]);
    expect(lines.join("\n")).toContain("GET RESPONSE -> authentication answer");
  });

  it("shows a command that gets no answer, and keeps links apart", () => {
    const lines: string[] = [];
    const printer = new FramePrinter(terminal, (text) => void lines.push(text));
    printer.take({ seq: 1, at, link: "A", kind: "apdu", dir: "out", hex: "80F2000C00" });
    printer.take({ seq: 2, at, link: "B", kind: "apdu", dir: "out", hex: "801200000B" });
    printer.take({ seq: 3, at, link: "A", kind: "apdu", dir: "in", hex: "9000" });
    printer.flush();
    expect(lines[0]).toContain("<> A STATUS -> ok");
    expect(lines[1]).toContain("-> B FETCH");
  });

  it("tells what a short message carries, with the packet's security below", () => {
    const lines = printed([{ kind: "tpdu", dir: "out", hex: enableEnvelope.slice(42) }]);
    expect(lines[0]).toContain("SMS-DELIVER from 0123, SMS 1/1, command packet TAR 000001 (ISD-R), ciphered");
    expect(lines.join("\n")).toContain("SPI       1639  CC, ciphered, counter must be higher");
  });

  it("tells a packet's facts and a script's commands", () => {
    const script = "AA26220580CAFF2100221D80F24002174F10A0000005591010FFFFFFFF89000013005C034F9F7000";
    const lines = printed([
      {
        kind: "packet",
        dir: "out",
        facts: { tar: "000001", cntr: 258, spi: "1639", kic: "12", kid: "12", segments: 1, transmission: 2 },
      },
      { kind: "script", dir: "out", hex: script },
      {
        kind: "packet",
        dir: "in",
        facts: { tar: "000001", cntr: 258, status: 9, statusName: "TAR unknown", authenticated: false },
      },
    ]);
    const text = lines.join("\n");
    expect(text).toContain(
      "command packet TAR 000001 CNTR 0000000102, SPI 1639, KIc 12, KID 12, 1 SMS, transmission 2",
    );
    expect(text).toContain("1  audit: GET DATA, card resources");
    expect(text).toContain("2  audit: GET STATUS of ISD-P 000013");
    expect(text).toContain("response packet TAR 000001 CNTR 0000000102, 09 TAR unknown, not authenticated");
  });

  it("names a session trigger and where it leads", () => {
    const hex = "811D831B8419350103390205784704036170633C030201BB3E0521C0000201";
    expect(printed([{ kind: "script", dir: "out", hex }])[0]).toMatch(/session trigger: SCP81 session to 192\.0\.2\.1/);
  });

  it("says that something was hidden", () => {
    const lines = printed([{ kind: "apdu", dir: "out", hex: `0020000108${"00".repeat(8)}`, facts: { hidden: "pin" } }]);
    expect(lines[0]).toContain("[hidden: pin]");
  });

  it("shows text protocols by their lines", () => {
    expect(printed([{ kind: "at", dir: "out", text: "AT+CSQ" }])).toEqual(["12:00:00.005 -> reader A at AT+CSQ"]);
  });
});
