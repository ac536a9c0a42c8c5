import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { adminAnswerOctets, originForm, scriptKindOf } from "../../../src/codec/gp/admin-http.ts";
import { ChunkedDecoder } from "../../../src/codec/gp/chunked.ts";
import { type HttpRequest, RequestReader } from "../../../src/codec/gp/request-reader.ts";
import { isResponseScript, splitScript } from "../../../src/codec/gp/script-body.ts";
import { capduObject, expandedScript, parseScript } from "../../../src/codec/ota/script.ts";
import { parseScriptResponse } from "../../../src/codec/ota/script-response.ts";
import * as fc from "../../fast-check.ts";
import { scp81Vectors } from "./vectors.ts";

const limits = { headOctets: 8192, bodyOctets: 65536 };

function read(stream: string | Uint8Array, step = Number.POSITIVE_INFINITY): HttpRequest[] {
  const octets = typeof stream === "string" ? Buffer.from(stream, "latin1") : stream;
  const reader = new RequestReader(limits);
  const requests: HttpRequest[] = [];
  for (let at = 0; at < octets.length; at += step) {
    for (const event of reader.push(octets.subarray(at, Math.min(octets.length, at + step)))) {
      if (event.kind === "request") requests.push(event.request);
    }
  }
  return requests;
}

/** The same requests however the stream is cut. */
function readAnyhow(stream: string): HttpRequest[] {
  const whole = read(stream);
  for (const step of [1, 2, 3, 7]) {
    expect(read(stream, step).map(({ head, body }) => ({ head, body: toHex(body) }))).toEqual(
      whole.map(({ head, body }) => ({ head, body: toHex(body) })),
    );
  }
  return whole;
}

const hex = (text: string) => Buffer.from(text, "hex").toString("latin1");
const script = hex("AF80230290000000");

describe("the request reader", () => {
  const withBody = (head: string, body = script) => `POST /a HTTP/1.1\r\n${head}\r\n\r\n${body}`;

  it.each([
    ["header names in lower case", "content-length: 8"],
    ["no space after the colon", "Content-Length:8"],
    ["spaces before and behind the colon and at the end", "Content-Length  :   8  "],
    ["a length twice", "Content-Length: 8\r\nContent-Length: 8"],
    ["a length twice in one line", "Content-Length: 8, 8"],
    ["control characters in values", "X-A: \x01b\x02\r\nContent-Length: 8"],
    ["folded values", "X-A: b\r\n  c\r\nContent-Length: 8"],
    ["bare LF in the head", "X-A: b\nContent-Length: 8"],
  ])("takes %s", (_, head) => {
    const [request] = readAnyhow(withBody(head));
    expect(toHex(request?.body ?? new Uint8Array())).toBe("AF80230290000000");
  });

  it.each([
    ["a space behind the size", `8 \r\n${script}\r\n0\r\n\r\n`],
    ["an extension", `8;a=b\r\n${script}\r\n0;c\r\n\r\n`],
    ["leading zeros", `0000000000000008\r\n${script}\r\n00\r\n\r\n`],
    ["bare LF", `8\n${script}\n0\n\n`],
    ["no line end behind the last chunk", `8\r\n${script}\r\n0\r\n`],
    ["trailers", `8\r\n${script}\r\n0\r\nX-A: 1\r\n\r\n`],
  ])("takes chunks with %s and the request behind them", (_, body) => {
    const stream = `POST /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nContent-Length: 99\r\n\r\n${body}`;
    const requests = readAnyhow(`${stream}POST /b HTTP/1.1\r\n\r\n`);
    expect(requests.map(({ head }) => head.uri)).toEqual(["/a", "/b"]);
    expect(toHex(requests[0]?.body ?? new Uint8Array())).toBe("AF80230290000000");
  });

  it.each([
    ["trailing spaces", "POST /a HTTP/1.1  \r\n\r\n", "/a"],
    ["no leading slash", "POST a HTTP/1.1\r\n\r\n", "a"],
    ["spaces in the URI", "POST /a b c HTTP/1.1\r\n\r\n", "/a b c"],
    ["absolute form", "POST https://h:1/a?b HTTP/1.1\r\n\r\n", "https://h:1/a?b"],
    ["lower case", "post /a http/1.0\r\n\r\n", "/a"],
    ["blank lines before it", "\r\n\n\r\nPOST /a HTTP/1.1\r\n\r\n", "/a"],
  ])("takes a request line with %s", (_, stream, uri) => {
    const [request] = readAnyhow(stream);
    expect(request?.head).toMatchObject({ method: "POST", uri });
  });

  it("swallows a last chunk behind a request without body", () => {
    const requests = readAnyhow("POST /a HTTP/1.1\r\n\r\n0\r\nPOST /b HTTP/1.1\r\n\r\n0\r\n\r\n");
    expect(requests.map(({ head }) => head.uri)).toEqual(["/a", "/b"]);
  });

  it("joins a second header block that came along", () => {
    const [request] = read(`POST /a HTTP/1.1\r\nHost: h\r\n\r\nX-A: 1\r\nContent-Length: 8\r\n\r\n${script}`);
    expect(request?.head.headers.get("x-a")).toEqual(["1"]);
    expect(request?.body.length).toBe(8);
  });

  it("says when the card waits for 100 Continue", () => {
    const reader = new RequestReader(limits);
    const events = reader.push(Buffer.from(withBody("Content-Length: 8\r\nExpect: 100-continue", "")));
    expect(events).toEqual([{ kind: "continue" }]);
    expect(reader.push(Buffer.from(script, "latin1"))).toHaveLength(1);
  });

  it.each([
    ["lengths that differ", withBody("Content-Length: 8\r\nContent-Length: 9")],
    ["a length that is not a number", withBody("Content-Length: -8")],
    ["another transfer coding", withBody("Transfer-Encoding: gzip, chunked")],
    ["a body above the limit", withBody("Content-Length: 65537")],
    ["a chunk above the limit", withBody("Transfer-Encoding: chunked", "10001\r\n")],
    ["a head above the limit", `POST /${"a".repeat(8192)}`],
    ["a header line without colon", withBody("abc")],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\n"],
    ["no HTTP", "\x16\x03\x01\x00\x00\r\n\r\n"],
    ["endless trailers", `POST /a HTTP/1.1\r\n\r\n${"a: b\r\n".repeat(2000)}`],
  ])("refuses %s", (_, stream) => {
    for (const step of [1, 1000]) expect(() => read(stream, step)).toThrow(GatewayError);
  });

  it("answers random octets with catalogued errors only, in time", () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom("POST ", "/a", " HTTP/1.1", "\r\n", "\n", ":", "Content-Length: 3", "0\r\n", " ", "chunked"),
      fc.constantFrom("Transfer-Encoding: chunked\r\n\r\n", "POST /a HTTP/1.1\r\n", "ffffffff", "1\r\nx\r\n"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (pieces, step) => {
        try {
          read(pieces.join(""), step);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("stays linear on hostile lines", () => {
    const big = new RequestReader({ headOctets: 1 << 16, bodyOctets: 1 });
    const started = performance.now();
    expect(() => big.push(Buffer.from(`POST${" ".repeat(60_000)}x\r\n\r\n`))).toThrow(GatewayError);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("the chunked decoder", () => {
  it.each(scp81Vectors.chunked)("$name", ({ rawHex, bodyHex }) => {
    const raw = fromHex(rawHex);
    for (const step of [1, 2, 5, raw.length]) {
      const decoder = new ChunkedDecoder(1000);
      for (let at = 0; at < raw.length; at += step) decoder.push(raw.subarray(at, at + step));
      expect(decoder.done).toBe(true);
      expect(toHex(decoder.body())).toBe(bodyHex);
    }
  });

  it.each(scp81Vectors.chunked_reject)("refuses: $name", ({ rawHex }) => {
    expect(() => new ChunkedDecoder(1000).push(fromHex(rawHex))).toThrow(GatewayError);
  });
});

describe("script bodies", () => {
  it.each(scp81Vectors.response_script)("$name: is a response", ({ hex, executed, rapdus }) => {
    const response = parseScriptResponse(fromHex(hex));
    if (response.format === "compact") throw new Error("not compact");
    expect(response.answers.map(({ data, sw }) => toHex(data) + sw.toString(16).toUpperCase())).toEqual(rapdus);
    expect(response.count ?? response.answers.length).toBe(executed);
    expect(isResponseScript(fromHex(hex))).toBe(true);
  });

  it.each(scp81Vectors.response_reject)("$name: is none", ({ hex }) => {
    expect(isResponseScript(fromHex(hex))).toBe(false);
  });

  it.each(scp81Vectors.command_script)("$name: is built, and cut at command boundaries", ({ hex, apdus, definite }) => {
    const format = definite ? "expanded-definite" : "expanded-indefinite";
    expect(
      toHex(
        expandedScript(
          apdus.map((apdu) => capduObject(fromHex(apdu))),
          format,
        ),
      ),
    ).toBe(hex);
    const largest = Math.max(0, ...apdus.map((apdu) => apdu.length / 2));
    const parts = splitScript(fromHex(hex), largest + 8);
    expect(parts.every((part) => part.length <= largest + 8)).toBe(true);
    const read = parts.map(parseScript);
    expect(read.every((part) => part.format === format)).toBe(true);
    expect(read.flatMap(({ objects }) => objects.map(({ value }) => toHex(value)))).toEqual(apdus);
  });

  it("says which command alone is larger than the buffer", () => {
    expect(() => splitScript(fromHex("AE80220580CA005A00220680CA005A00FF0000"), 11)).toThrow(/command 2/);
  });
});

describe("answers", () => {
  const body = fromHex("AE80220580CA005A000000");
  it("carry the headers of Amendment B and no others", () => {
    const answer = {
      status: 200,
      nextUri: "/gsma/adminagent?s=7Q3&n=1",
      script: { kind: "gp", target: "A0000005591010FFFFFFFF8900001300", body },
    } as const;
    const { octets } = adminAnswerOctets(answer, "chunked", 1024);
    expect(Buffer.from(octets).toString("latin1")).toBe(
      "HTTP/1.1 200 OK\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\n" +
        "X-Admin-Next-URI: /gsma/adminagent?s=7Q3&n=1\r\n" +
        "Content-Type: application/vnd.globalplatform.card-content-mgt;version=1.0\r\n" +
        "X-Admin-Targeted-Application: //aid/A000000559/1010FFFFFFFF8900001300\r\n" +
        `Transfer-Encoding: chunked\r\n\r\nb\r\n${Buffer.from(body).toString("latin1")}\r\n0\r\n\r\n`,
    );
    expect(adminAnswerOctets({ status: 204 }, "chunked", 1024).head).toBe(
      "HTTP/1.1 204 No Content\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\n\r\n",
    );
  });

  it("keep chunks below their limit", () => {
    const answer = { status: 200, script: { kind: "gp", body: new Uint8Array(2500) } } as const;
    const text = Buffer.from(adminAnswerOctets(answer, "chunked", 1000).octets).toString("latin1");
    expect(text.match(/\r\n(3e8|1f4|0)\r\n/g)).toEqual(["\r\n3e8\r\n", "\r\n3e8\r\n", "\r\n1f4\r\n", "\r\n0\r\n"]);
  });

  it("know absolute URIs and content types", () => {
    expect(originForm("https://admin.host/uri?x")).toBe("/uri?x");
    expect(originForm("https://admin.host")).toBe("/");
    expect(originForm("/uri")).toBe("/uri");
    expect(scriptKindOf("Application/vnd.etsi.scp.response-data; version=1.0")).toEqual({
      kind: "etsi",
      direction: "response",
    });
  });
});
