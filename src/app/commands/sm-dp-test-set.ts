import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { FileStateStore } from "../../../simulators/euicc/state-store.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { ecCurves, p256 } from "../../codec/euicc/ec-curve.ts";
import { type Eid, parseEid } from "../../codec/euicc/eid.ts";
import { type EcPrivateKey, ecPrivateKeyPem, newEcKey } from "../../crypto/certificates/ec-key.ts";
import { keyIdentifier } from "../../crypto/certificates/issue.ts";
import { newTestPki } from "../../crypto/certificates/test-pki.ts";
import { SmDpConfig } from "../config/sm-dp.ts";

/** Validity of the certificates of a test set. */
const validityMs = 10 * 365.25 * 86_400_000;

/**
 * Certificates and keys of a CI, a manufacturer and an SM-DP in an existing folder; the simulated eUICCs of these state
 * files, which are created if missing, trust them afterwards. @throws api.usage for another curve
 */
export function makeTestSet(
  path: string,
  cards: readonly string[],
  curveName: string,
): { file: string; eid: string }[] {
  const curve = ecCurves.find(({ name }) => name.toLowerCase() === curveName.toLowerCase());
  if (curve === undefined || (curve.name !== "P-256" && curve.name !== "brainpoolP256r1"))
    throw new GatewayError("api.usage", "--curve must be P-256 or brainpoolP256r1", { detail: { field: "curve" } });
  const now = Date.now();
  const random = (octets: number) => new Uint8Array(randomBytes(octets));
  const pki = newTestPki({ curve, validFrom: now - 86_400_000, validTo: now + validityMs, random });
  const put = (name: string, text: string) => writeFileSync(join(path, name), text);
  put("ci.pem", pem(pki.ci.certificate));
  put("eum.pem", pem(pki.eum.certificate));
  put("sm-dp.7f21", `${toHex(pki.smDp.certificate)}\n`);
  put("sm-sr.7f21", `${toHex(pki.smSr.certificate)}\n`);
  const keys: readonly (readonly [string, EcPrivateKey])[] = [
    ["ci.key", pki.ci.key],
    ["eum.key", pki.eum.key],
    ["sm-dp.key", pki.smDp.key],
    ["sm-sr.key", pki.smSr.key],
  ];
  for (const [name, key] of keys) writeSecret(join(path, name), ecPrivateKeyPem(key));
  return cards.map((file) => {
    const store = new FileStateStore(file);
    const state = store.load() ?? createEuiccState();
    const eid: Eid = parseEid(state.eid);
    const key = newEcKey(curve);
    const openssl = curve.openssl === "brainpoolP256r1" ? ("brainpoolP256r1" as const) : ("prime256v1" as const);
    state.ecasd = {
      privateKey: toHex(key.scalar.reveal()),
      certificate: toHex(pki.ecasd({ eid, key })),
      ciPublicKey: toHex(pki.ci.key.point),
      ciKeyId: toHex(keyIdentifier(pki.ci.key)),
      curve: openssl,
      ciCurve: openssl,
    };
    store.save(state);
    return { file, eid: state.eid };
  });
}

/** Name of the SM-DP of `daemon --simulate`, and of the folder of its test set. */
const simulated = "simulated-sm-dp";

/**
 * The SM-DP that the eUICC of `daemon --simulate` trusts: its test set is made when it is missing, together with the
 * certificate of the card. `made`: the EIS of the card is another one than before.
 */
export function simulatedSmDp(state: string, card: string): { readonly config: SmDpConfig; readonly made: boolean } {
  const folder = resolve(state, simulated);
  const made = !existsSync(folder);
  if (made) {
    // The folder gets its name last: a set that the card does not trust is not taken for a complete one.
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true, mode: 0o700 });
    makeTestSet(fresh, [resolve(state, card)], p256.name);
    renameSync(fresh, folder);
  }
  return { config: SmDpConfig.parse({ name: simulated, ...filesOf(folder) }), made };
}

/** The files of a test set, as the configuration names them. */
export function filesOf(folder: string) {
  return {
    certificate: join(folder, "sm-dp.7f21"),
    key: `file:${join(folder, "sm-dp.key")}`,
    ci: join(folder, "ci.pem"),
    eums: [join(folder, "eum.pem")],
  };
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Writes a file that its owner alone may read. */
export function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
