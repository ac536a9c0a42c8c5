import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { chunkedParts } from "../../src/codec/gp/admin-http.ts";
import { pskIdentityText } from "../../src/codec/gp/psk-identity.ts";
import { explain } from "../../src/explain/explain.ts";
import { nodes, part, textOf } from "./worked.ts";

const of = (...parts: readonly (string | Uint8Array)[]) =>
  explain(
    Uint8Array.from(Buffer.concat(parts.map((one) => (typeof one === "string" ? Buffer.from(one, "latin1") : one)))),
  );
const hex = (text: string) => of(fromHex(text));
const record = (type: string, body: string, version = "0303") =>
  `${type}${version}${(body.length / 2).toString(16).padStart(4, "0")}${body}`;
const message = (type: string, body: string) => `${type}${(body.length / 2).toString(16).padStart(6, "0")}${body}`;

const identity = pskIdentityText({
  eid: "89001012012341234012345678901224",
  aid: "A0000005591010FFFFFFFF8900000100",
  kid: 1,
  kvn: 0x40,
});
const asHex = (text: string) => Buffer.from(text, "latin1").toString("hex").toUpperCase();
const exchange = message("10", `${identity.length.toString(16).padStart(4, "0")}${asHex(identity)}`);

describe("TLS records", () => {
  it("name version, suites and fragment length of a ClientHello", () => {
    const found = hex(
      "1603030036010000320303A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF00000400AE008C010000050001000102",
    );
    expect(found.type).toBe("tls");
    expect(found.node.value).toBe(
      "ClientHello (TLS 1.2; PSK_WITH_AES_128_CBC_SHA256, PSK_WITH_AES_128_CBC_SHA; max_fragment_length 1024)",
    );
    expect(part(found, "extension 0001").value).toBe("max_fragment_length 1024");
  });

  it("name suite and fragment length of a ServerHello, and what follows it in its record", () => {
    const hello = message("02", `0303${"A1".repeat(32)}0000AE0000050001000102`);
    const found = hex(record("16", `${hello}${message("0E", "")}`));
    expect(found.node.value).toBe(
      "ServerHello (TLS 1.2; PSK_WITH_AES_128_CBC_SHA256; max_fragment_length 1024), ServerHelloDone",
    );
  });

  it("name the PSK identity of a ClientKeyExchange, of an eUICC and any other", () => {
    expect(hex(record("16", exchange)).node.value).toContain(
      "ClientKeyExchange (PSK identity EID 89001012012341234012345678901224, SCP81 key set 40, key 1 (PSK))",
    );
    const other = message("10", `0004${asHex("card")}`);
    expect(hex(record("16", other)).node.value).toContain('PSK identity "card"');
  });

  it("read a whole flight: exchange, ChangeCipherSpec and the ciphered Finished", () => {
    const found = hex(`${record("16", exchange)}${record("14", "01")}${record("16", "A1".repeat(64))}`);
    expect(found.node.value).toMatch(/^ClientKeyExchange .*; ChangeCipherSpec; handshake, ciphered$/);
  });

  it.each([
    ["1503030002022A", "alert: fatal, bad_certificate"],
    ["15030300020100", "alert: warning, close_notify"],
    ["15030300020273", "alert: fatal, unknown_psk_identity"],
    ["15030300020228", "alert: fatal, handshake_failure"],
    [record("17", "A1".repeat(48)), "application data, ciphered"],
    [record("17", "A1".repeat(48), "0301"), "application data, ciphered"],
    [record("14", "01"), "ChangeCipherSpec"],
  ])("%s: %s", (octets, words) => {
    const found = hex(octets);
    expect(found.type).toBe("tls");
    expect(found.node.value).toBe(words);
  });

  it("read what a suite without cipher leaves in clear", () => {
    const found = hex(record("17", asHex("POST /x HTTP/1.1\r\nHost: a\r\n\r\n")));
    expect(found.node.value).toBe("application data: HTTP request POST /x");
  });

  it("say how much of a record that is cut is here", () => {
    const found = hex(record("17", "A1".repeat(48)).slice(0, 60));
    expect(found.node.value).toBe("application data, ciphered, the first 25 of 48 octets");
  });
});

const type = "application/vnd.globalplatform.card-content-mgt";
const script = fromHex("AE80221A80E28800153A03124F10A0000005591010FFFFFFFF89000013000000");
const verify = fromHex("AE80220D00200001083731393337313933" + "0000");

describe("HTTP", () => {
  it("reads a card's POST with the headers of Amendment B in words", () => {
    const found = of(
      "POST /gsma/adminagent HTTP/1.1\r\nHost: 127.0.0.1\r\n",
      "X-Admin-Protocol: globalplatform-remote-admin/1.0\r\n",
      "X-Admin-From: //se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100\r\n\r\n",
    );
    expect(found.type).toBe("http");
    expect(found.node.value).toBe(
      "HTTP request POST /gsma/adminagent, from EID 89001012012341234012345678901224, ISD-R",
    );
  });

  it("reads the script in an answer, and whom it is for", () => {
    const found = of(
      `HTTP/1.1 200 OK\r\nX-Admin-Next-URI: /next\r\nContent-Type: ${type};version=1.0\r\n`,
      "X-Admin-Targeted-Application: //aid/A000000559/1010FFFFFFFF8900001300\r\n",
      `Content-Length: ${script.length}\r\n\r\n`,
      script,
    );
    expect(found.node.value).toContain(
      "HTTP answer 200 OK, to ISD-P 000013, next URI /next, EnableProfile ISD-P 000013",
    );
    expect(part(found, "AID (4F)").offset).toBeGreaterThan(200);
  });

  it("puts chunks together before it reads them", () => {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type};version=1.0\r\nTransfer-Encoding: chunked\r\n\r\n`;
    for (const size of [1, 7, 100]) {
      const found = of(head, ...chunkedParts(script, size));
      expect(found.node.value).toContain("EnableProfile ISD-P 000013");
      expect([...nodes(found.node)].filter(({ error }) => error !== undefined)).toEqual([]);
    }
  });

  it("reads the answer of a card, its status and one message behind the other", () => {
    const found = of(
      "POST /n HTTP/1.1\r\nX-Admin-Script-Status: ok\r\nX-Admin-Resume: true\r\n",
      `Content-Type: ${type}-response;version=1.0\r\nContent-Length: 9\r\n\r\n`,
      fromHex("AF80230290000000 00".replace(" ", "")),
      "HTTP/1.1 204 No Content\r\n\r\n",
    );
    expect(found.node.value).toContain("script status ok, resumes");
    expect(found.node.value).toContain("; HTTP answer 204 No Content");
  });

  it("says what is missing of a body", () => {
    const found = of(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 99\r\n\r\n`, script);
    expect(textOf(found)).toContain(`${script.length} of 99 octets of the body are here`);
  });

  it("hides PINs in bodies and chunks, whatever the content type says, and logins in headers", () => {
    for (const content of [type, "text/plain"]) {
      for (const size of [5, 9, 100]) {
        const found = of(
          `HTTP/1.1 200 OK\r\nAuthorization: Basic aHVudGVyMjI=\r\nContent-Type: ${content}\r\nTransfer-Encoding: chunked\r\n\r\n`,
          ...chunkedParts(verify, size),
        );
        expect(JSON.stringify(found)).not.toContain("3731393337313933");
        expect(JSON.stringify(found)).not.toContain("aHVudGVyMjI=");
      }
    }
  });
});
