import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { atrProblem } from "../../../drivers/pcsc/atr.ts";
import { answerLength, readConnectAnswer, readReaderStates, transmitTail } from "../../../drivers/pcsc/protocol.ts";
import { SocketPcscClient } from "../../../drivers/pcsc/socket-client.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex } from "../../../src/base/hex.ts";
import * as fc from "../../fast-check.ts";
import { FakePcscd, slot, states } from "./fake-pcscd.ts";

function onlyGatewayErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
  }
}

describe("octets that pcscd would never send", () => {
  it("are refused or read, never more", () => {
    const bytes = fc.uint8Array({ maxLength: 3_000 });
    fc.assert(
      fc.property(bytes, (octets) => {
        onlyGatewayErrors(() => readReaderStates(octets));
        onlyGatewayErrors(() => readConnectAnswer(octets));
        onlyGatewayErrors(() => transmitTail(octets));
        onlyGatewayErrors(() => atrProblem(octets));
      }),
    );
  });

  it("in a states answer of the right length give at most 16 readers with ATRs of at most 33 octets", () => {
    const sound = states(slot("A", { state: 0x34, atr: "3B00" }), slot("B"), slot("C", { state: 0x0c }));
    const damage = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 40 });
    fc.assert(
      fc.property(damage, (changes) => {
        const octets = Uint8Array.from(sound);
        for (const [at, value] of changes) octets[at] = value;
        onlyGatewayErrors(() => {
          const readers = readReaderStates(octets);
          expect(readers.length).toBeLessThanOrEqual(16);
          for (const { atr, name } of readers) {
            expect(atr.length).toBeLessThanOrEqual(33);
            expect(name.length).toBeLessThan(128);
          }
        });
      }),
    );
  });
});

describe("random octets on the socket", () => {
  let fake: FakePcscd;

  beforeAll(async () => {
    fake = await FakePcscd.start();
  });

  afterAll(async () => {
    await fake[Symbol.asyncDispose]();
  });

  it("end in a catalogued error within the time given", async () => {
    const answers = fc.array(fc.uint8Array({ maxLength: answerLength.connect + 40 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(3), async (octets, sound) => {
        let count = 0;
        fake.override = () => (count++ < sound ? "default" : (octets[count % 6] ?? Buffer.alloc(2_944, 0x41)));
        const client = new SocketPcscClient(fake.path);
        const work = async () => {
          await using connection = await client.connect("Reader A", { timeoutMs: 40 });
          await connection.transmit(fromHex("80F2000C00"), { timeoutMs: 40 });
        };
        const started = performance.now();
        const error = await work().then(
          () => undefined,
          (why: unknown) => why,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(GatewayError);
        expect(performance.now() - started).toBeLessThan(3_000);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the structure of an answer to reset", () => {
  it.each([
    ["3B00", true],
    ["3F00", true],
    ["3B9F96803FC7828031E073FE211B63E208A8830F900089", true],
    ["3B9F96803FC7828031E073FE211B63E208A8830F900000", true],
    ["3B02AABB", true],
    ["", false],
    ["3B", false],
    ["0000", false],
    ["3B9F96", false],
    ["3B05AABB", false],
    ["3B80808080", false],
  ])("%s", (atr, sound) => {
    expect(atrProblem(fromHex(atr)) === undefined).toBe(sound);
  });
});
