import { createECDH, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSession } from "../../../simulators/euicc/card-core.ts";
import { testKeys } from "../../../simulators/euicc/domains/certificate.ts";
import {
  deriveKeys,
  publicPoint,
  sharedSecret,
  signDeterministically,
  verifySignature,
} from "../../../simulators/euicc/domains/elliptic.ts";
import { acceptCertificate, establishKeys, role } from "../../../simulators/euicc/domains/key-establishment.ts";
import {
  externalAuthenticate,
  initializeUpdate,
  openCommand,
  sealedTlv,
  tlvHead,
} from "../../../simulators/euicc/domains/scp03.ts";
import { readDgis } from "../../../simulators/euicc/domains/store-data.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { aesBlock, aesCbc, aesCmac } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { bench } from "./terminal.ts";

/** Published test entities: SM-SR and SM-DP certificates under the test CI, with their private keys. */
const certSr =
  "7F2181CA9305010203040542062B06010401825F20072B0601040182029501885F2404204912317319C80102C9149166240FEB8315EBE712F989B370AC73077A8CB47F4946B041044A372C2CEB5C58C026524B48060BC1960C3DBED4248620542BDED4E0E7419520CD07E1099259F8E22ABA7282595347E0AF40823047C5766571A1DFEAF24F943DF001005F3740A146FE2129CBCC786ADDDDCAC3549F0B7207C209CE15A40F2D605CE2AE6E18D2F6F67F31EEE668944409CB609460563CA394A92EF08BAAFDF97C853E6DA8D085";
const certDp =
  "7F2181CA9305010203040642062B06010401825F20072B0601040182019501885F2404204912317319C80101C9149166240FEB8315EBE712F989B370AC73077A8CB47F4946B041048400C52D8CE1B3B5595039E5AFAD4687A0390E4EEE752CF0DF1BF8A01A5886B691112D69769B36708583F069A90DAB74F9DB0C85F146066F59EA6236A26D337EF001005F3740DA250BC89BC9831CC7073D71FA78B865E21348A26A5BCB414A36C38B70DC2DCBAF86B060DE63690D09B1CB4CE92BC1BD66DEA009A562CBABF12120A59A38C391";
const skSr = fromHex("0F5E90C1B3BDD57C45AE3366348816EBCF6E83D6D8CB76D9F5DF5AE9EBA01BBD");
const skDp = fromHex("7264D5480BD10E002D1E195F41DAEB323E92D3A0ACADF1B18E333B8DCD689B4A");
const eskSr = fromHex("D9DBEECB7521F834AFB9EBE6268BC08AD1871C67EE44EBF1201397D4C35B053F");
const challenge = fromHex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF");
/** A whole package, the first of the vectors. */
function vectorPackage(): Uint8Array {
  const { vectors } = JSON.parse(readFileSync(new URL("../../vectors/es8.json", import.meta.url), "utf8"));
  const found: unknown = vectors.find(({ id }: { id: string }) => id === "package-small").package;
  return fromHex(String(found));
}

const a6 = (kvn: string) => `A615900203099501108001888101108201018301${kvn}9100`;

describe("key establishment", () => {
  it("derives the worked example's SCP80 keys and receipt", () => {
    const state = createEuiccState();
    const pending = acceptCertificate(state, fromHex(certSr), role.smSr, () => challenge);
    const block = fromHex(
      `3A0217${a6("02")}7F494104AF3EA868DC6861EA35893B3B1FDC0BBAF893CE6A6E8E95BE3EBB580734C51F7181BD7A89166DC3612C844BADEAE8FF96969B5779579112BE73D3E248BB49E6775F3740ACB5B2178A7462DC851FEBA1F20458F8304787EE575C319D47101D666DEA4B20E30833568B145F7ADF85009BB2F06F12C9E0F86D9A36A7B31D2A4A7D82E5CCD2`,
    );
    const made = establishKeys(state, pending, readDgis(block) ?? [], () => challenge);
    expect(made.keySet).toMatchObject({ kvn: 2, type: "SCP80", cntr: "0000000000" });
    expect(made.keySet.keys.map(({ value }) => value)).toEqual([
      "579E11A6386045240ABE3F6B503187A0",
      "50F5D400C699661C11FFFDA22071815A",
      "B2AC0C584F1EA936687F2872E63CFC8B",
    ]);
    expect(toHex(made.response)).toBe("86101DEDF2209DDED03656B3A79F92D6942C");
  });

  it("refuses the wrong role, a damaged certificate, a damaged signature and a point off the curve", () => {
    const state = createEuiccState();
    const accept = (certificate: string, wanted: number) => () =>
      acceptCertificate(state, fromHex(certificate), wanted, () => challenge);
    expect(accept(certDp, role.smSr)).toThrow("6A80");
    expect(accept(`${certSr.slice(0, -2)}00`, role.smSr)).toThrow("6982");
    const pending = acceptCertificate(state, fromHex(certSr), role.smSr, () => challenge);
    const off = concatBytes(Uint8Array.of(4), new Uint8Array(64).fill(7));
    const signed = concatBytes(fromHex(`3A0217${a6("02")}7F4941`), off, fromHex("008510"), challenge);
    const block = concatBytes(
      fromHex(`3A0217${a6("02")}7F4941`),
      off,
      fromHex("5F3740"),
      signDeterministically(skSr, signed),
    );
    expect(() => establishKeys(state, pending, readDgis(block) ?? [], () => challenge)).toThrow("6982");
    block[block.length - 1] = (block.at(-1) ?? 0) ^ 1;
    expect(() => establishKeys(state, pending, readDgis(block) ?? [], () => challenge)).toThrow("6982");
  });

  it("runs on the card: ISD-R set over two STORE DATA, challenge used once, receipt checked from outside", async () => {
    const { card, state, terminal } = bench();
    await terminal.start();
    const target = card.application();
    if (!target) throw new Error("a card has an ISD-R");
    const run = (apdu: string) => runOne(card, target, apdu);
    expect(run(`80E20900D13A01CE${certDp}00`)).toBe("6A80");
    expect(run("80E28901033A020000")).toBe("6985");
    const rc = run(`80E20900D13A01CE${certSr}00`);
    expect(rc).toMatch(/^8510.{32}9000$/);
    const head = `3A0217${a6("03")}7F4941${toHex(publicPoint(eskSr))}`;
    const signature = toHex(signDeterministically(skSr, fromHex(`${head}0085${rc.slice(2, 36)}`)));
    const answer = run(`80E28901A1${head}5F3740${signature}00`);
    const material = deriveKeys(sharedSecret(eskSr, publicPoint(testKeys.ecasdPrivate)), fromHex("108810"), 64);
    expect(answer).toBe(`8610${toHex(aesCmac(material.slice(0, 16), fromHex(a6("03"))))}9000`);
    expect(state.isdR.keySets.find(({ kvn }) => kvn === 3)?.keys[0]?.value).toBe(toHex(material.slice(16, 32)));
    expect(run(`80E28901A1${head}5F3740${signature}00`)).toBe("6985");
  });

  it("agrees with node's own ECDH and verifies what it signs", () => {
    const other = createECDH("prime256v1");
    other.setPrivateKey(skDp);
    expect(toHex(publicPoint(skDp))).toBe(toHex(new Uint8Array(other.getPublicKey())));
    const message = createHash("sha256").update("anything").digest();
    expect(verifySignature(publicPoint(skDp), message, signDeterministically(skDp, message))).toBe(true);
  });
});

function runOne(
  card: ReturnType<typeof bench>["card"],
  target: NonNullable<ReturnType<typeof card.application>>,
  apdu: string,
): string {
  const octets = apdu.length / 2;
  const length = octets < 0x80 ? octets.toString(16).padStart(2, "0") : `81${octets.toString(16)}`;
  const answer = toHex(card.runRemote(target, card.openRemote(target), fromHex(`AE8022${length}${apdu}0000`)));
  const long = answer.slice(6, 8) === "81";
  return answer.slice(long ? 10 : 8, -4);
}

const scp03Set = () => ({
  kvn: 0x30,
  type: "SCP03" as const,
  cntr: "000000",
  ccLength: 8 as const,
  keys: [
    "1F9BDCC29AAC9CB13DB9031D5828CE7D",
    "1E9C32586CA0EF405B88B3FF81AD3256",
    "EBCA8AF4D8937E94DA0AE08F473B8F7D",
  ].map((value, i) => ({ id: i + 1, type: "AES" as const, value })),
});

describe("SCP03 in APDUs", () => {
  it("personalises an ISD-P over SMS scripts to its own TAR: SD data, token key, connectivity", () => {
    const { card, state } = bench();
    card.powerOn();
    const [, profile] = state.profiles;
    const target = card.application(profile?.aid);
    if (!profile || !target) throw new Error("the fixture has two profiles");
    profile.isdpKeySets = [scp03Set()];
    const run = (apdu: string) => runOne(card, target, apdu);
    const { session: host } = initializeUpdate(scp03Set(), fromHex(profile.aid), fromHex("0102030405060708"));
    expect(run("84E2880000")).toBe("6985");
    expect(run("80E288000400700142")).toBe("6982");
    expect(run("8050300008010203040506070800")).toMatch(/^0{20}300370.*0000019000$/);
    let chain: Uint8Array = new Uint8Array(16);
    let counter = 0;
    const mac = (input: Uint8Array) => {
      chain = aesCmac(host.sMac, concatBytes(chain, input));
      return chain.slice(0, 8);
    };
    const authenticate = concatBytes(fromHex("8482330010"), host.hostCryptogram);
    expect(run(toHex(concatBytes(authenticate, mac(authenticate))))).toBe("9000");
    const send = (header: string, clear: string) => {
      const data = fromHex(clear);
      const padded = new Uint8Array((Math.floor(data.length / 16) + 1) * 16);
      padded.set(data);
      padded[data.length] = 0x80;
      const block = new Uint8Array(16);
      counter += 1;
      block[15] = counter;
      const ciphered = aesCbc(host.sEnc, aesBlock(host.sEnc, block), padded, "encipher");
      const command = concatBytes(fromHex(header), Uint8Array.of(ciphered.length + 8), ciphered);
      return run(toHex(concatBytes(command, mac(command))));
    };
    expect(send("84E28800", "0070075F20044F544131")).toMatch(/^.{16}9000$/);
    expect(profile.sdData).toEqual({ "5F20": "4F544131" });
    const token = fromHex("202122232425262728292A2B2C2D2E2F");
    const dek = fromHex("EBCA8AF4D8937E94DA0AE08F473B8F7D");
    const wrapped = toHex(aesCbc(dek, new Uint8Array(16), token, "encipher"));
    const check = toHex(aesBlock(token, new Uint8Array(16).fill(1)).slice(0, 3));
    expect(send("84D80001", `70881110${wrapped}03${check}`)).toMatch(/9000$/);
    expect(profile.isdpKeySets.find(({ kvn }) => kvn === 0x70)?.keys[0]?.value).toBe(toHex(token));
    expect(send("84D80001", `70881110${wrapped}03000000`)).toMatch(/9485$/);
    expect(send("84E28800", "3A070CA00A060891683152102253F2")).toMatch(/9000$/);
    expect(profile.connectivity).toEqual({ A0: "060891683152102253F2" });
    expect(run("84E28800081122334455667788")).toBe("6982");
    expect(send("84E28800", "3A0603810107")).toBe("6985");
  });
});

describe("SCP03t", () => {
  it("follows the worked example from INITIALIZE UPDATE to the sealed response", () => {
    const aid = fromHex("A0000005591010FFFFFFFF8900001300");
    const { response, session } = initializeUpdate(scp03Set(), aid, fromHex("0102030405060708"));
    expect(toHex(response)).toBe("00000000000000000000300370F51179A69C1741A367FF6640FD828C1A000001");
    expect(toHex(session.sEnc)).toBe("0BEEBD445BBBF5447ECF7F410E19954B");
    expect(externalAuthenticate(session, 0x33, fromHex("851133"), fromHex("C8F54E94BFC724BD7068E0C159A5086C"))).toBe(
      true,
    );
    expect(toHex(session.chain)).toBe("7068E0C159A5086CFBAF1BC3BA2B0060");
    const data = fromHex("90F69F00C2FF19A7A522BEEB5A6A53E09BF052BB2C51E7AC");
    expect(toHex(openCommand(session, tlvHead(0x86, data.length), data) ?? new Uint8Array(0))).toBe("A003800101");
    expect(toHex(sealedTlv(session, fromHex("3007A0053003800100")))).toBe(
      "86186B83CC8FF6D7A99C22A583EA9CFD4DF20C2CD55473C88B84",
    );
  });

  it("loads a profile package in pieces, reads ICCID and IMSI from it and leaves the profile disabled", async () => {
    const { card, state, terminal } = bench();
    await terminal.start();
    const isdR = card.application();
    if (!isdR) throw new Error("a card has an ISD-R");
    expect(
      runOne(
        card,
        isdR,
        "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C00006C904810203700000",
      ),
    ).toBe("009000");
    const profile = state.profiles.at(-1);
    const target = card.application(profile?.aid);
    if (!profile || !target) throw new Error("the ISD-P was just made");
    profile.isdpKeySets = [scp03Set()];
    profile.state = "personalized";
    const { session: host } = initializeUpdate(scp03Set(), fromHex(profile.aid), fromHex("0102030405060708"));
    const context = card.openRemote(target);
    const run = (body: string) => toHex(card.runRemote(target, context, fromHex(`AE80${body}0000`)));
    expect(run("840A30000102030405060708")).toMatch(/^AF808420/);
    const mac = aesCmac(host.sMac, concatBytes(new Uint8Array(16), fromHex("851133"), host.hostCryptogram));
    expect(run(`851133${toHex(host.hostCryptogram)}${toHex(mac.slice(0, 8))}`)).toBe("AF8085000000");
    let chain = mac;
    const seal = (piece: Uint8Array, n: number) => {
      const padded = new Uint8Array((Math.floor(piece.length / 16) + 1) * 16);
      padded.set(piece);
      padded[piece.length] = 0x80;
      const counter = new Uint8Array(16);
      counter[15] = n;
      const ciphered = aesCbc(host.sEnc, aesBlock(host.sEnc, counter), padded, "encipher");
      chain = aesCmac(host.sMac, concatBytes(chain, tlvHead(0x86, ciphered.length + 8), ciphered));
      return toHex(tlvBytes(0x86, ciphered, chain.slice(0, 8)));
    };
    const bytes = vectorPackage();
    expect(run(seal(bytes.slice(0, 20), 1))).toBe("AF8086000000");
    expect(run(seal(bytes.slice(20), 2))).toMatch(/^AF808618.{48}0000$/);
    expect(profile).toMatchObject({ state: "disabled", iccid: "8900012846614985534", imsi: "001013738860848" });
    const good = seal(bytes, 3);
    expect(run(good.slice(0, -1) + (good.endsWith("0") ? "1" : "0"))).toBe("AF809F4601020000");
    expect(run(seal(bytes, 4))).toBe("AF809F4601020000");
  });

  it("needs keys, a channel and whole lengths", () => {
    const { card, state } = bench();
    card.powerOn();
    const profile = state.profiles[1];
    const target = card.application(profile?.aid);
    if (!profile || !target) throw new Error("the fixture has two profiles");
    const context = card.openRemote(target);
    const run = (body: string) => toHex(card.runRemote(target, context, fromHex(`AE80${body}0000`)));
    expect(run("8602AAAA")).toBe("AF809F4601020000");
    expect(run("840230AA")).toBe("AF809F4401010000");
    expect(run("840A3F000102030405060708")).toBe("AF809F4401030000");
    expect(openSession({ files: undefined }, "remote").domain).toBeUndefined();
  });
});

describe("the ECASD certificate", () => {
  it("is signed by the simulated manufacturer over everything before the signature and names the EID", () => {
    const { ecasd, eid } = createEuiccState();
    const [outer] = readTlvs(fromHex(ecasd.certificate));
    const parts = readTlvs(outer?.value ?? new Uint8Array(0));
    const signature = parts.find(({ tag }) => tag === 0x5f37);
    const signed = outer?.value.subarray(0, signature?.offset) ?? new Uint8Array(0);
    expect(verifySignature(publicPoint(testKeys.eumPrivate), signed, signature?.value ?? new Uint8Array(0))).toBe(true);
    expect(toHex(parts.find(({ tag }) => tag === 0x5f20)?.value ?? new Uint8Array(0))).toBe(eid);
    expect(parts.map(({ tag }) => tag)).toEqual([0x93, 0x42, 0x5f20, 0x95, 0x5f24, 0x45, 0x73, 0x7f49, 0x5f37]);
  });
});
