import { createCipheriv } from "node:crypto";
import { cmac } from "@noble/ciphers/aes.js";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import { initializeUpdateCommand, readInitializeUpdate } from "../../../src/codec/gp/initialize-update.ts";
import { confirmsKeys, putKeyCommand, readPutKeyAnswer } from "../../../src/codec/gp/put-key.ts";
import {
  externalAuthenticate,
  type SecureChannel,
  type SecurityLevel,
  securityLevels,
  unwrapAnswer,
  unwrapCommand,
  wrapCommand,
} from "../../../src/crypto/scp03/apdu-channel.ts";
import { acceptHandshake, type ChannelOffer, predictHandshake } from "../../../src/crypto/scp03/handshake.ts";
import { wrapAesKey } from "../../../src/crypto/scp03/wrap-key.ts";
import { errorCode } from "../../codec/mutated.ts";
import { type Es8Vector, es8Vectors } from "../../es8-vectors.ts";

const offerOf = (vector: Pick<Es8Vector<"scp03">, "kvn" | "enc" | "mac" | "host_challenge" | "aid">): ChannelOffer => ({
  kvn: vector.kvn,
  keys: { enc: new Secret(vector.enc), mac: new Secret(vector.mac) },
  hostChallenge: vector.host_challenge,
  aid: vector.aid,
});

function levelOf(octet: number): SecurityLevel {
  const found = securityLevels.find((one) => one === octet);
  if (found === undefined) throw new Error(`no level ${octet}`);
  return found;
}

describe.each(es8Vectors("scp03"))("the session $id", (vector) => {
  const offer = offerOf(vector);
  const [update, authenticate, ...commands] = vector.steps;
  if (update === undefined || authenticate === undefined) throw new Error("the vector has no handshake");
  const handshake = acceptHandshake(offer, readInitializeUpdate(update.response.slice(0, -2), 8));

  it("begins with both challenges, which the host can predict", () => {
    expect(toHex(initializeUpdateCommand(offer.kvn, offer.hostChallenge))).toBe(toHex(update.command));
    expect(handshake.challengePredictable).toBe(true);
    expect(handshake.sequence).toBe(vector.sequence);
    expect(toHex(handshake.session.sEnc.reveal())).toBe(vector.s_enc);
    expect(toHex(handshake.session.sMac.reveal())).toBe(vector.s_mac);
    expect(toHex(handshake.session.sRmac.reveal())).toBe(vector.s_rmac);
    const predicted = predictHandshake(offer, vector.sequence);
    expect(predicted.session.hostCryptogram).toEqual(handshake.session.hostCryptogram);
    expect(predicted.session.cardCryptogram).toEqual(handshake.session.cardCryptogram);
  });

  it("secures every command and opens every answer", () => {
    const opened = externalAuthenticate(handshake, levelOf(vector.level));
    expect(toHex(opened.octets)).toBe(toHex(authenticate.command));
    let channel = opened.channel;
    expect(toHex(channel.chain)).toBe(toHex(authenticate.chain ?? new Uint8Array()));
    for (const one of commands) {
      const sent = wrapCommand(channel, one.plain ?? new Uint8Array());
      expect(toHex(sent.octets)).toBe(toHex(one.command));
      expect(toHex(sent.channel.chain)).toBe(toHex(one.chain ?? new Uint8Array()));
      expect(sent.channel.counter).toBe(one.counter);
      const seen = unwrapCommand(channel, one.command);
      expect(toHex(seen.octets)).toBe(toHex(one.plain ?? new Uint8Array()));
      expect(seen.channel.chain).toEqual(sent.channel.chain);
      channel = sent.channel;
      const { data, sw } = unwrapAnswer(channel, one.response);
      expect(toHex(concatBytes(data, Uint8Array.of(sw >> 8, sw & 0xff)))).toBe(
        toHex(one.response_plain ?? new Uint8Array()),
      );
    }
  });

  it("loads the key of PUT KEY", () => {
    const putKey = commands.find(({ name }) => name.startsWith("PUT KEY"));
    const key = wrapAesKey(new Secret(vector.new_key), new Secret(vector.dek));
    expect(toHex(putKeyCommand(0x70, 1, [key]))).toBe(toHex(putKey?.plain ?? new Uint8Array()));
    const answer = putKey?.response_plain?.slice(0, -2) ?? new Uint8Array();
    expect(readPutKeyAnswer(answer)).toEqual({ kvn: 0x70, kcvs: [key.kcv.slice()].map((kcv) => new Uint8Array(kcv)) });
    expect(confirmsKeys(answer, 0x70, [key])).toBe(true);
    expect(confirmsKeys(answer, 0x71, [key])).toBe(false);
  });
});

/** SCP03 again, with other primitives: a CMAC in JavaScript and single blocks of node:crypto. */
function reference(key: Uint8Array, constant: number, bits: number, context: Uint8Array): Uint8Array {
  const round = (count: number) =>
    cmac(concatBytes(new Uint8Array(11), Uint8Array.of(constant, 0, bits >> 8, bits & 0xff, count), context), key);
  return concatBytes(round(1), round(2)).slice(0, bits / 8);
}
const ecb = (key: Uint8Array, block: Uint8Array) =>
  new Uint8Array(
    createCipheriv(`aes-${key.length * 8}-ecb`, key, null)
      .setAutoPadding(false)
      .update(block),
  );
const cbc = (key: Uint8Array, iv: Uint8Array, clear: Uint8Array) =>
  new Uint8Array(
    createCipheriv(`aes-${key.length * 8}-cbc`, key, iv)
      .setAutoPadding(false)
      .update(clear),
  );

describe.each([8, 16] as const)("against other primitives, with %i octets", (size) => {
  it.each([16, 24, 32])("and keys of %i octets", (octets) => {
    const fill = (count: number, start: number) => Uint8Array.from({ length: count }, (_, i) => (start + i * 7) & 0xff);
    const [enc, mac] = [fill(octets, 1), fill(octets, 90)];
    const hostChallenge = fill(size, 33);
    const aid = fromHex("A0000005591010FFFFFFFF8900001300");
    const offer = { kvn: 0x30, keys: { enc: new Secret(enc), mac: new Secret(mac) }, hostChallenge, aid };
    const challenge = reference(enc, 0x02, size * 8, concatBytes(Uint8Array.of(0x01, 0x02, 0x03), aid));
    const context = concatBytes(hostChallenge, challenge);
    const [sEnc, sMac, sRmac] = [
      reference(enc, 0x04, octets * 8, context),
      reference(mac, 0x06, octets * 8, context),
      reference(mac, 0x07, octets * 8, context),
    ];
    const handshake = predictHandshake(offer, 0x010203);
    expect(handshake.session.cardCryptogram).toEqual(reference(sMac, 0x00, size * 8, context));
    expect(handshake.session.hostCryptogram).toEqual(reference(sMac, 0x01, size * 8, context));
    const opened = externalAuthenticate(handshake, 0x33);
    const first = fromHex(`84823300${toHex(Uint8Array.of(2 * size))}${toHex(handshake.session.hostCryptogram)}`);
    let chain: Uint8Array = cmac(concatBytes(new Uint8Array(16), first), sMac);
    expect(opened.octets).toEqual(concatBytes(first, chain.slice(0, size)));
    const sent = wrapCommand(opened.channel, fromHex("80E28800040070AABB00"));
    const padded = fromHex("0070AABB800000000000000000000000");
    const counter = fromHex("00000000000000000000000000000001");
    const cipher = cbc(sEnc, ecb(sEnc, counter), padded);
    const covered = concatBytes(fromHex("84E28800"), Uint8Array.of(16 + size), cipher);
    chain = cmac(concatBytes(chain, covered), sMac);
    expect(sent.octets).toEqual(concatBytes(covered, chain.slice(0, size), Uint8Array.of(0)));
    const data = fromHex("112233800000000000000000000000");
    const block = concatBytes(data, Uint8Array.of(0));
    const top = fromHex("80000000000000000000000000000001");
    const answered = cbc(sEnc, ecb(sEnc, top), block);
    const answerMac = cmac(concatBytes(chain, answered, fromHex("9000")), sRmac).slice(0, size);
    const clear = unwrapAnswer(sent.channel, concatBytes(answered, answerMac, fromHex("9000")));
    expect({ ...clear, data: toHex(clear.data) }).toEqual({ data: "112233", sw: 0x9000, authentic: true });
  });
});

describe("a host", () => {
  const vector = es8Vectors("scp03").find(({ id }) => id === "level-33");
  if (vector === undefined) throw new Error("no vector level-33");
  const offer = offerOf(vector);
  const update = vector.steps[0]?.response.slice(0, -2) ?? new Uint8Array();
  const channel = externalAuthenticate(acceptHandshake(offer, readInitializeUpdate(update, 8)), 0x33).channel;
  const sent = wrapCommand(channel, fromHex("80CA00E000")).channel;
  const changed = (octets: Uint8Array, at: number) => octets.map((octet, index) => (index === at ? octet ^ 1 : octet));

  it("refuses a card that does not have the keys", () => {
    for (const at of [13, 20, 21, 28]) {
      const answer = readInitializeUpdate(changed(update, at), 8);
      expect(errorCode(() => acceptHandshake(offer, answer))).toBe("crypto.authentication");
    }
    const other = { ...offer, keys: { ...offer.keys, enc: new Secret(new Uint8Array(16)) } };
    // The cryptogram is of the MAC key alone; the prediction needs the right ENC key, too.
    expect(acceptHandshake(other, readInitializeUpdate(update, 8)).challengePredictable).toBe(false);
  });

  it("notices a sequence or an AID that does not belong to the challenge", () => {
    const answer = readInitializeUpdate(update, 8);
    expect(acceptHandshake(offer, { ...answer, sequence: 1 }).challengePredictable).toBe(false);
    const isdR = { ...offer, aid: fromHex("A0000005591010FFFFFFFF8900000100") };
    expect(acceptHandshake(isdR, answer).challengePredictable).toBe(false);
    const { sequence: _, ...random } = answer;
    expect(acceptHandshake(offer, random).challengePredictable).toBeUndefined();
  });

  it("refuses other protocols and other lengths", () => {
    expect(errorCode(() => acceptHandshake(offer, { ...readInitializeUpdate(update, 8), scp: 2 }))).toBe(
      "crypto.algorithm",
    );
    expect(errorCode(() => readInitializeUpdate(update, 16))).toBe("codec.length");
    expect(errorCode(() => readInitializeUpdate(update.slice(0, 28), 8))).toBe("codec.length");
    expect(errorCode(() => predictHandshake({ ...offer, hostChallenge: new Uint8Array(9) }, 1))).toBe("crypto.key");
  });

  it("refuses an answer whose MAC is missing or wrong", () => {
    const answer = wrapCommand(channel, vector.steps[2]?.plain ?? new Uint8Array()).channel;
    const response = vector.steps[2]?.response ?? new Uint8Array();
    expect(unwrapAnswer(answer, response)).toMatchObject({ sw: 0x9000, authentic: true });
    for (let at = 0; at < response.length; at++)
      expect(errorCode(() => unwrapAnswer(answer, changed(response, at)))).toBe("crypto.authentication");
    expect(errorCode(() => unwrapAnswer(answer, fromHex("9000")))).toBe("crypto.authentication");
    expect(errorCode(() => unwrapAnswer(answer, fromHex("AABB9000")))).toBe("crypto.authentication");
    expect(errorCode(() => unwrapAnswer(answer, fromHex("90")))).toBe("codec.truncated");
  });

  it("takes a bare error word as what it is: not authenticated", () => {
    expect(unwrapAnswer(sent, fromHex("6982"))).toEqual({ data: new Uint8Array(), sw: 0x6982, authentic: false });
  });

  it("keeps the logical channel of a command out of the MAC", () => {
    const [basic, third] = ["80CA00E000", "83CA00E000"].map((one) => wrapCommand(channel, fromHex(one)));
    expect(toHex(third?.octets ?? new Uint8Array()).slice(0, 2)).toBe("87");
    expect(third?.channel.chain).toEqual(basic?.channel.chain);
    expect(errorCode(() => wrapCommand(channel, fromHex("C0CA00E000")))).toBe("crypto.algorithm");
  });

  it("refuses data that do not fit one command", () => {
    const most = (channelOf: SecureChannel, octets: number) =>
      errorCode(() =>
        wrapCommand(channelOf, concatBytes(fromHex("80E28800"), Uint8Array.of(octets), new Uint8Array(octets))),
      );
    expect(most(channel, 239)).toBe("none");
    expect(most(channel, 240)).toBe("codec.length");
    expect(most({ ...channel, level: 0x11 }, 247)).toBe("none");
    expect(most({ ...channel, level: 0x11 }, 248)).toBe("codec.length");
  });

  it("shows no keys", () => {
    const handshake = predictHandshake(offer, 1);
    const text = JSON.stringify({ handshake, channel });
    for (const key of [handshake.session.sEnc, handshake.session.sMac, handshake.session.sRmac])
      expect(text).not.toContain(toHex(key.reveal()));
    expect(text).toContain("[secret]");
  });

  it("reads nothing from a recorded command that was changed", () => {
    const command = vector.steps[2]?.command ?? new Uint8Array();
    for (const at of [1, 2, 3, 5, 20, 28])
      expect(errorCode(() => unwrapCommand(channel, changed(command, at)))).toBe("crypto.authentication");
    expect(errorCode(() => unwrapCommand(channel, fromHex("80CA00E000")))).toBe("crypto.authentication");
  });
});

describe("PUT KEY", () => {
  const dek = new Secret(new Uint8Array(16).fill(3));

  it("has one value for each key and marks that there are several", () => {
    const keys = [1, 2, 3].map((octet) => wrapAesKey(new Secret(new Uint8Array(16).fill(octet)), dek));
    const command = putKeyCommand(0x31, 1, keys, { replaces: 0x30 });
    expect(toHex(command.subarray(0, 6))).toBe("80D830814631");
    expect(command).toHaveLength(5 + 1 + 3 * 23 + 1);
    expect(readPutKeyAnswer(concatBytes(Uint8Array.of(0x31), ...keys.map(({ kcv }) => kcv))).kcvs).toHaveLength(3);
  });

  it("completes a key of 24 octets to whole blocks", () => {
    const key = wrapAesKey(new Secret(new Uint8Array(24).fill(9)), dek);
    expect(key.encrypted).toHaveLength(32);
    expect(toHex(putKeyCommand(0x31, 1, [key])).slice(0, 18)).toBe("80D800012831882118");
  });
});
