import { describe, expect, test } from "vitest";
import { type AtToken, awaitsPause, freshLine, pause, tokenize } from "../../../src/codec/at/line.ts";
import * as fc from "../../fast-check.ts";

function tokens(reads: readonly string[], awaitingPrompt = false): readonly AtToken[] {
  let state = freshLine;
  return reads.flatMap((text) => {
    const step = tokenize(state, Buffer.from(text, "latin1"), awaitingPrompt);
    state = step.state;
    return step.tokens;
  });
}

describe("AT line tokenizer", () => {
  test.each<[string, string[], boolean, AtToken[]]>([
    [
      "lines and empty lines",
      ["\r\n+CSQ: 1,2\r\n\r\nOK\r\n"],
      false,
      [
        { kind: "line", text: "+CSQ: 1,2" },
        { kind: "line", text: "OK" },
      ],
    ],
    [
      "LF alone",
      ["OK\nRING\n"],
      false,
      [
        { kind: "line", text: "OK" },
        { kind: "line", text: "RING" },
      ],
    ],
    [
      "echo, then CR CR LF",
      ["AT+CSQ\r\r\nOK\r\n"],
      false,
      [
        { kind: "line", text: "AT+CSQ" },
        { kind: "line", text: "OK" },
      ],
    ],
    ["prompt without line end", ["\r\n> "], true, [{ kind: "prompt" }]],
    ["prompt without space before a line end", ["\r\n>\r\n"], true, [{ kind: "prompt" }]],
    ["prompt with line end, not awaited", ["\r\n> \r\n"], false, [{ kind: "prompt" }]],
    [
      "numeric result followed by more",
      ["0\rRING\r\n"],
      false,
      [
        { kind: "numeric", code: 0 },
        { kind: "line", text: "RING" },
      ],
    ],
    ["number with CR LF in two reads", ["1\r", "\n"], false, [{ kind: "line", text: "1" }]],
    ["number with CR CR LF", ["1\r", "\r", "\n"], false, [{ kind: "line", text: "1" }]],
    [
      "noise before a line",
      ["\0\0RDY\r\n"],
      false,
      [
        { kind: "garbage", text: "\0\0" },
        { kind: "line", text: "RDY" },
      ],
    ],
    ["noise alone", ["\0\xff\xfe\r\n"], false, [{ kind: "garbage", text: "\0\xff\xfe" }]],
    [
      "echoed body",
      ["0011AA\x1a\r\n+CMGS: 1\r\n"],
      false,
      [
        { kind: "line", text: "0011AA\x1a" },
        { kind: "line", text: "+CMGS: 1" },
      ],
    ],
    ["two prompts' worth of text", ["> > "], true, [{ kind: "prompt" }, { kind: "prompt" }]],
  ])("%s", (_, reads, awaiting, expected) => {
    expect(tokens(reads, awaiting)).toEqual(expected);
  });

  test("a pause decides what a lone number and a lone > are", () => {
    for (const [text, token] of [
      ["4\r", { kind: "numeric", code: 4 }],
      [">", { kind: "prompt" }],
      ["> ", { kind: "prompt" }],
    ] as const) {
      const { state } = tokenize(freshLine, Buffer.from(text), false);
      expect(awaitsPause(state)).toBe(true);
      expect(pause(state).tokens).toEqual([token]);
    }
    expect(awaitsPause(tokenize(freshLine, Buffer.from("+CSQ: 1"), false).state)).toBe(false);
  });

  test("a space that comes after its prompt was told belongs to it", () => {
    const told = pause(tokenize(freshLine, Buffer.from(">"), true).state).state;
    expect(tokenize(told, Buffer.from(" \r\nOK\r\n"), false).tokens).toEqual([{ kind: "line", text: "OK" }]);
  });

  test("gives the same tokens however the stream is cut", () => {
    const piece = fc.constantFrom("\r\n", "\r", "\n", "OK", "+CSQ: 1,2", "> ", "\0", "\xff", "\x1a", "17", "RING");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        expect(tokens([...text])).toEqual(tokens([text]));
      }),
    );
  });

  test("noise without line ends is bounded", () => {
    const chunk = "x".repeat(70_000);
    expect(tokens([chunk, chunk, chunk])).toEqual([{ kind: "garbage", text: chunk + chunk + chunk }]);
  });
});
