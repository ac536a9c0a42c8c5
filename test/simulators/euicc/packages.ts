import { readFileSync } from "node:fs";
import type { ProfileState } from "../../../simulators/euicc/card-state.ts";
import { initializeUpdate } from "../../../simulators/euicc/domains/scp03.ts";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { emptyProfile } from "../../../simulators/euicc/fixture.ts";
import type { Misbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import { aesBlock, aesCbc, aesCmac } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { runScript } from "./terminal.ts";

/** The elements of a profile package, each with its tag and length. */
export function packageElements(bytes: Uint8Array): Uint8Array[] {
  return readTlvs(bytes).map(({ offset, valueOffset, value }) => bytes.subarray(offset, valueOffset + value.length));
}

/** A package of the vectors. */
export function vectorPackage(id: string): Uint8Array {
  const { vectors } = JSON.parse(readFileSync(new URL("../../vectors/es8.json", import.meta.url), "utf8"));
  const found: unknown = vectors.find((vector: { id: string }) => vector.id === id)?.package;
  return fromHex(String(found));
}

function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array((Math.floor(bytes.length / 16) + 1) * 16);
  out.set(bytes);
  out[bytes.length] = 0x80;
  return out;
}

/** What a download showed from outside. */
interface Downloaded {
  readonly profile: ProfileState;
  /** EUICCResponse, "" when none came. */
  readonly response: string;
  /** Whether its R-MAC was right. */
  readonly authentic: boolean;
}

/** Downloads a package to a new ISD-P with keys, in blocks of 500 octets. */
export function download(card: SimulatedEuicc, bytes: Uint8Array, faults: Misbehaviour = {}): Downloaded {
  const aid = `A0000005591010FFFFFFFF89${(0x40 + card.state.profiles.length).toString(16).padStart(6, "0").toUpperCase()}00`;
  const keySet = {
    kvn: 0x30,
    type: "SCP03" as const,
    cntr: "000000",
    ccLength: 8 as const,
    keys: [1, 2, 3].map((id) => ({ id, type: "AES" as const, value: byteRow(id) })),
  };
  const fresh: ProfileState = { ...emptyProfile(aid, undefined), state: "personalized", isdpKeySets: [keySet] };
  card.state.profiles.push(fresh);
  const run = runScript(card, aid);
  Object.assign(card.misbehaviour, faults);
  try {
    return { profile: fresh, ...send(run, bytes, structuredClone(keySet), fromHex(aid)) };
  } finally {
    for (const name of ["loadFails", "loadSilent", "loadMac", "loadAborts"] as const) delete card.misbehaviour[name];
  }
}

const byteRow = (octet: number) => octet.toString(16).padStart(2, "0").repeat(16);

function send(
  run: (body: string) => string,
  bytes: Uint8Array,
  keySet: Parameters<typeof initializeUpdate>[0],
  aid: Uint8Array,
): Pick<Downloaded, "response" | "authentic"> {
  const { session } = initializeUpdate(keySet, aid, new Uint8Array(8));
  const head = concatBytes(fromHex("851133"), session.hostCryptogram);
  let chain = aesCmac(session.sMac, concatBytes(new Uint8Array(16), head));
  run(`AE80840A3000${"00".repeat(8)}${toHex(head)}${toHex(chain.subarray(0, 8))}0000`);
  for (let at = 0, n = 1; at < bytes.length; at += 500, n++) {
    const block = new Uint8Array(16);
    block[15] = n;
    const ciphered = aesCbc(
      session.sEnc,
      aesBlock(session.sEnc, block),
      padded(bytes.subarray(at, at + 500)),
      "encipher",
    );
    const start = tlvBytes(0x86, ciphered, new Uint8Array(8)).subarray(0, -ciphered.length - 8);
    chain = aesCmac(session.sMac, concatBytes(chain, start, ciphered));
    const answer = fromHex(run(`AE80${toHex(concatBytes(start, ciphered, chain.subarray(0, 8)))}0000`)).subarray(2, -2);
    if (answer.length <= 4) continue;
    const sealed = answer.subarray(2, -8);
    const mac = aesCmac(session.sRmac, concatBytes(chain, answer.subarray(0, 2), sealed)).subarray(0, 8);
    block[0] = 0x80;
    const clear = toHex(aesCbc(session.sEnc, aesBlock(session.sEnc, block), sealed, "decipher"));
    return { response: clear.replace(/80(?:00)*$/, ""), authentic: equalBytes(mac, answer.subarray(-8)) };
  }
  return { response: "", authentic: true };
}
