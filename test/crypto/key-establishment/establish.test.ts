import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import { aidFromOctets } from "../../../src/codec/euicc/aid.ts";
import { certificateRole, GpCertificate } from "../../../src/codec/euicc/certificate.ts";
import { ecCurve, p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import {
  KeyControl,
  keyControl,
  keyEstablishmentSigned,
  sharedInformation,
} from "../../../src/codec/euicc/key-establishment.ts";
import { certificateBlocks, keyBlocks } from "../../../src/codec/euicc/key-establishment-commands.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import { capduObject, expandedScript } from "../../../src/codec/ota/script.ts";
import {
  ecPrivateKey,
  newEcKey,
  publicKeyObject,
  sharedSecret,
  verifyEcdsa,
} from "../../../src/crypto/certificates/ec-key.ts";
import {
  deriveKeySet,
  type Establishment,
  isReceipt,
  secondStep,
  x963,
} from "../../../src/crypto/key-establishment/establish.ts";
import { type Es8Vector, es8Vectors } from "../../es8-vectors.ts";

const isdR = "A0000005591010FFFFFFFF8900000100";

/** The host's side of a vector, from its inputs alone. */
function establishmentOf(vector: Es8Vector<"key-establishment">): Establishment {
  const { dr, host_id, sin, sdin, key_set, delete_others, curve } = vector;
  const identifiers = host_id === undefined ? undefined : { hostId: host_id, ...withoutUndefined({ sdin }) };
  return {
    control: keyControl({
      kvn: key_set.kvn,
      keyOctets: key_set.octets,
      deleteKeys: delete_others,
      derivationRandom: dr !== undefined,
      ...withoutUndefined({ identifiers }),
    }),
    ephemeral: ecPrivateKey(curve, new Secret(vector.ephemeral_private)),
    card: { curve, point: vector.ecasd_public },
    ...withoutUndefined({ sin }),
  };
}

const script = (apdus: readonly Uint8Array[], form: "expanded-indefinite" | "expanded-definite") =>
  toHex(expandedScript(apdus.map(capduObject), form));

describe.each(es8Vectors("key-establishment"))("the establishment $id", (vector) => {
  const establishment = establishmentOf(vector);
  const isdP = vector.target === isdR ? undefined : aidFromOctets(fromHex(vector.target));

  it("sends the certificate", () => {
    const install = isdP === undefined ? [] : es5Commands({ name: "installForPersonalization", sd: isdP });
    const commands = [...install, ...certificateBlocks(vector.certificate)];
    expect(commands.map(toHex)).toEqual(vector.apdus_1);
    expect(script(commands, "expanded-indefinite")).toBe(vector.script_1);
    const role = certificateRole(decode(GpCertificate, vector.certificate));
    expect(role).toBe(isdP === undefined ? "SM-SR" : "SM-DP");
  });

  it("sends the key with a signature over all that the card checks", () => {
    expect(toHex(tlvBytes(0xa6, encode(KeyControl, establishment.control)))).toBe(vector.a6);
    expect(toHex(establishment.ephemeral.point)).toBe(vector.ephemeral_public);
    const signer = ecPrivateKey(p256, new Secret(vector.signing_key));
    const step = secondStep(establishment, signer, vector.rc);
    const signed = keyEstablishmentSigned(step.control, step.ephemeralKey, vector.rc);
    expect(toHex(signed)).toBe(toHex(vector.signed));
    expect(verifyEcdsa(publicKeyObject(signer), vector.signed, step.signature)).toBe(true);
    expect(verifyEcdsa(publicKeyObject(signer), vector.signed, vector.signature)).toBe(true);
    const commands = keyBlocks({ ...step, signature: vector.signature });
    expect(commands.map(toHex)).toEqual([toHex(vector.apdu_2)]);
    expect(script(commands, "expanded-indefinite")).toBe(vector.script_2);
    expect(script(commands, "expanded-definite")).toBe(vector.script_2_sms);
  });

  it("derives the keys and the receipt", () => {
    const { receiptKey, receipt, keySet } = deriveKeySet(establishment, vector.dr);
    const secret = sharedSecret(establishment.ephemeral, establishment.card.point);
    expect(toHex(secret.reveal())).toBe(vector.shared_secret);
    const shared = sharedInformation(establishment.control, { derivationRandom: vector.dr, sin: vector.sin });
    expect(toHex(shared)).toBe(vector.shared_info);
    expect(toHex(receiptKey.reveal())).toBe(vector.receipt_key);
    expect(keySet.keys.map((key) => toHex(key.reveal()))).toEqual(vector.keys);
    expect(keySet).toMatchObject({ kvn: vector.key_set.kvn, firstId: vector.key_set.first_id });
    expect(toHex(receipt)).toBe(vector.receipt);
    expect(isReceipt({ receipt, receiptKey, keySet }, fromHex(vector.receipt))).toBe(true);
    expect(isReceipt({ receipt, receiptKey, keySet }, fromHex(vector.receipt).subarray(0, 8))).toBe(false);
  });
});

describe("a certificate of more than 251 octets", () => {
  it("takes several blocks, and the key has the next number", () => {
    const certificate = Uint8Array.from({ length: 600 }, (_, index) => index % 251);
    const blocks = certificateBlocks(certificate);
    expect(blocks.map((block) => toHex(block.subarray(0, 5)))).toEqual(["80E20900FF", "80E20901FF", "80E209025F"]);
    const data = concatBytes(...blocks.map((block) => block.subarray(5, -1)));
    expect(toHex(data)).toBe(`3A01FF0258${toHex(certificate)}`);
    const key = { control: keyControl({ kvn: 0x30 }), ephemeralKey: new Uint8Array(65), signature: new Uint8Array(64) };
    expect(keyBlocks(key, blocks.length).map((block) => toHex(block.subarray(0, 5)))).toEqual(["80E28903A1"]);
  });

  it("has the long length from 255 octets on", () => {
    expect(toHex(certificateBlocks(new Uint8Array(0xfe))[0]?.subarray(5, 9) ?? new Uint8Array())).toBe("3A01FE00");
    expect(toHex(certificateBlocks(new Uint8Array(0xff))[0]?.subarray(5, 10) ?? new Uint8Array())).toBe("3A01FF00FF");
  });
});

describe("the control template", () => {
  const a6 = (order: Parameters<typeof keyControl>[0]) => toHex(encode(KeyControl, keyControl(order)));

  it("has the parameters of the key set's use", () => {
    expect(a6({ kvn: 0x30 })).toBe("900203099501108001888101108201018301309100");
    expect(a6({ kvn: 0x3f, keyOctets: 32 })).toBe("9002030995011080018881012082010183013F9100");
    expect(a6({ kvn: 0x02 })).toBe("900203089501108001888101108201018301029100");
    expect(a6({ kvn: 0x02, derivationRandom: true })).toBe("9002030A9501108001888101108201018301029100");
    expect(a6({ kvn: 0x40 })).toBe("9002030895015C8001858101108201018301409100");
  });

  it("has every option in the order of the standard", () => {
    const order = {
      kvn: 0x31,
      deleteKeys: false,
      access: 0x02,
      keyId: 4,
      counter: fromHex("0001"),
      identifiers: { hostId: fromHex("A1A2"), sdin: fromHex("B1") },
    };
    expect(a6(order)).toBe("9002030C950110960102800188810110820104830131910200014501B18402A1A2");
  });

  it.each([0x00, 0x11, 0x20, 0x70])("is refused for the key version %i", (kvn) => {
    expect(() => keyControl({ kvn })).toThrow("cannot be established");
  });
});

describe("the shared information", () => {
  const control = keyControl({
    kvn: 0x30,
    derivationRandom: true,
    identifiers: { hostId: fromHex("A1A2"), sdin: fromHex("B1") },
  });

  it("has DR bare, then HostID, SIN and SDIN with their lengths", () => {
    const input = { derivationRandom: fromHex("D0D1"), sin: fromHex("C1C2C3") };
    expect(toHex(sharedInformation(control, input))).toBe("108810D0D102A1A203C1C2C301B1");
  });

  it("is refused when something is missing", () => {
    expect(() => sharedInformation(control, { sin: fromHex("C1") })).toThrow("DR is missing");
    expect(() => sharedInformation(control, { derivationRandom: fromHex("D0") })).toThrow("SIN is missing");
    const withoutSdin = keyControl({ kvn: 0x30, identifiers: { hostId: fromHex("A1") } });
    expect(() => sharedInformation(withoutSdin, { sin: fromHex("C1") })).toThrow("SDIN is missing");
  });
});

describe("keys of other lengths and curves", () => {
  const brainpool = ecCurve(0x03) ?? p256;

  it.each([
    { kvn: 0x30, keyOctets: 16 as const, count: 3, curve: p256 },
    { kvn: 0x30, keyOctets: 24 as const, count: 3, curve: p256 },
    { kvn: 0x30, keyOctets: 32 as const, count: 3, curve: brainpool },
    { kvn: 0x01, keyOctets: 16 as const, count: 3, curve: brainpool },
    { kvn: 0x4f, keyOctets: 32 as const, count: 1, curve: p256 },
  ])("$curve.name, KVN $kvn, $keyOctets octets: both sides derive the same", ({ kvn, keyOctets, count, curve }) => {
    const [host, card] = [newEcKey(curve), newEcKey(curve)];
    const control = keyControl({ kvn, keyOctets });
    const derived = deriveKeySet({ control, ephemeral: host, card });
    expect(derived.keySet.keys.map((key) => key.length)).toEqual(Array(count).fill(keyOctets));
    expect(derived.receiptKey.length).toBe(keyOctets);
    const mirrored = deriveKeySet({ control, ephemeral: card, card: host });
    expect(mirrored.receipt).toEqual(derived.receipt);
    const short = deriveKeySet({ control, ephemeral: host, card, receiptKeyOctets: 16 });
    expect(short.receiptKey.reveal()).toEqual(derived.receiptKey.reveal().slice(0, 16));
    const all = (one: typeof derived) => concatBytes(...one.keySet.keys.map((key) => key.reveal()));
    expect(all(short).slice(keyOctets - 16)).toEqual(all(derived).slice(0, all(derived).length - (keyOctets - 16)));
  });

  it("never appear in a text", () => {
    const derived = deriveKeySet({
      control: keyControl({ kvn: 0x30 }),
      ephemeral: newEcKey(p256),
      card: newEcKey(p256),
    });
    expect(JSON.stringify(derived)).not.toContain(toHex(derived.receiptKey.reveal()));
    expect(JSON.parse(JSON.stringify(derived)).keySet.keys).toEqual(["[secret]", "[secret]", "[secret]"]);
  });

  it("are refused for a point that is not on the curve", () => {
    const point = new Uint8Array(65).fill(4);
    const order = { control: keyControl({ kvn: 0x30 }), ephemeral: newEcKey(p256), card: { curve: p256, point } };
    expect(() => deriveKeySet(order)).toThrow("the point is not on the curve P-256");
  });
});

describe("the derivation of X9.63", () => {
  // NIST CAVS 14.1 for ANSI X9.63-2001, SHA-256: shared secret of 192 bits, key of 128 bits, without and with information.
  it("gives the published values", () => {
    const first = new Secret(fromHex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08"));
    expect(toHex(x963(first, new Uint8Array(), 16))).toBe("443024C3DAE66B95E6F5670601558F71");
    const second = new Secret(fromHex("22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d"));
    expect(toHex(x963(second, fromHex("75eef81aa3041e33b80971203d2c0c52"), 128))).toBe(
      "C498AF77161CC59F2962B9A713E2B215152D139766CE34A776DF11866A69BF2E52A13D9C7C6FC878C50C5EA0BC7B00E0DA2447CFD874F6CF92F30D0097111485500C90C3AF8B487872D04685D14C8D1DC8D7FA08BEB0CE0ABABC11F0BD496269142D43525A78E5BC79A17F59676A5706DC54D54D4D1F0BD7E386128EC26AFC21",
    );
  });
});

describe("the ephemeral key", () => {
  it("is written with its curve only on demand", () => {
    const order = { control: keyControl({ kvn: 0x30 }), ephemeral: newEcKey(p256), card: newEcKey(p256) };
    const signer = newEcKey(p256);
    expect(secondStep(order, signer, new Uint8Array(16)).ephemeralKey).toEqual(order.ephemeral.point);
    const long = secondStep(order, signer, new Uint8Array(16), "point-and-curve");
    expect(toHex(long.ephemeralKey)).toBe(`B041${toHex(order.ephemeral.point)}F00100`);
    const signed = keyEstablishmentSigned(long.control, long.ephemeralKey, new Uint8Array(16));
    expect(verifyEcdsa(publicKeyObject(signer), signed, long.signature)).toBe(true);
  });

  it("may be on another curve than the key that signs", () => {
    const curve = ecCurve(0x03) ?? p256;
    const order = { control: keyControl({ kvn: 0x30 }), ephemeral: newEcKey(curve), card: newEcKey(curve) };
    const signer = newEcKey(p256);
    const step = secondStep(order, signer, new Uint8Array(16));
    const signed = keyEstablishmentSigned(step.control, step.ephemeralKey, new Uint8Array(16));
    expect(verifyEcdsa(publicKeyObject(signer), signed, step.signature)).toBe(true);
  });
});
