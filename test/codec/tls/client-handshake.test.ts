import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { type ClientHandshake, ClientHandshakeListener } from "../../../src/codec/tls/client-handshake.ts";
import * as fc from "../../fast-check.ts";

/** The hello of an SGP.02 card as its vendor's bench recorded it, random left out. */
const cardHello = fromHex(
  `160303003801000034 0303${"5A".repeat(32)}00 0006 00AE00A800B0 0100 0005 0001000102`.replaceAll(" ", ""),
);
const identity = Buffer.from("8001028110");
const exchange = concatBytes(fromHex("1603030010" + "1000000C" + "000A"), identity);

function hear(octets: Uint8Array, step: number): ClientHandshake[] {
  const listener = new ClientHandshakeListener();
  const heard: ClientHandshake[] = [];
  for (let at = 0; at < octets.length; at += step) heard.push(...listener.push(octets.subarray(at, at + step)));
  return heard;
}

describe("the listener to a client's handshake", () => {
  it.each([1, 2, 7, 1000])("hears a card's hello and its PSK identity, %i octets at a time", (step) => {
    const heard = hear(concatBytes(cardHello, exchange, fromHex("140303000101")), step);
    expect(heard).toMatchObject([
      {
        kind: "hello",
        hello: { version: 0x0303, cipherSuites: [0x00ae, 0x00a8, 0x00b0], maxFragment: 1024, extensions: [1] },
      },
      { kind: "key-exchange", pskIdentity: new Uint8Array(identity) },
    ]);
  });

  it("hears a message that is spread over records", () => {
    const body = cardHello.subarray(5);
    const spread = [...body].map((octet) => Uint8Array.of(0x16, 3, 1, 0, 1, octet));
    expect(hear(concatBytes(...spread), 1000)).toMatchObject([{ kind: "hello" }]);
  });

  it("gives up on what is no handshake, and says nothing more", () => {
    const listener = new ClientHandshakeListener();
    expect(listener.push(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toEqual([]);
    expect(listener.over).toBe(true);
    expect(listener.push(cardHello)).toEqual([]);
  });

  it("holds no more than a handshake may have", () => {
    const listener = new ClientHandshakeListener();
    for (let i = 0; i < 30; i++) listener.push(concatBytes(fromHex("1603030400"), new Uint8Array(1024).fill(1)));
    expect(listener.over).toBe(true);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(cardHello.length - 1),
        fc.integer({ min: 1, max: 9 }),
        (noise, at, step) => {
          const mutated = cardHello.slice();
          mutated.set(noise.subarray(0, mutated.length - at), at);
          hear(mutated, step);
          hear(concatBytes(fromHex("16030300"), noise), step);
        },
      ),
    );
  });
});
