import { setImmediate } from "node:timers/promises";
import type { Element } from "@xmldom/xmldom";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { refuseForeignContent, withoutKeyValues } from "../../codec/eis/content.ts";
import { eisDocuments } from "../../codec/eis/documents.ts";
import { type EisDescription, type EisKeySet, eisElement, readEis } from "../../codec/eis/read.ts";
import { updateEis, type WrittenEis, writeEis } from "../../codec/eis/write.ts";
import { writeSmsrTemplates, writeTemplates } from "../../codec/euicc/templates.ts";
import { checkEisTrust, type EisTrust, type TrustAnchors, unproved } from "../../crypto/eis-trust.ts";
import { aesKcv, unwrapKeyValue } from "../../crypto/transport-key.ts";
import type { KeySetInfo } from "../model/key-set.ts";
import type { Target } from "../model/target.ts";
import { withoutLogins } from "../targets/connectivity.ts";
import { addressingOf } from "../targets/eis.ts";
import { factsIn } from "../targets/eis-facts.ts";
import { describedTarget, type TargetDescription } from "../targets/target-import.ts";
import type { ImportOptions, ImportOutcome, Targets } from "../targets/targets.ts";

/** Options of an import. */
interface EisImport extends TrustAnchors {
  /** Key that the key values are wrapped with, hexadecimal; absent when they are in clear. */
  readonly transportKey?: string;
}

/** An EIS that was read, with warnings. */
interface ReadDocument extends TargetDescription {
  readonly warnings: readonly string[];
}

/** Import, export and verification of SGP.02 EIS documents. */
export class EisRecords {
  readonly #targets: Targets;

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /**
   * Imports each EIS of an XML document. With a certificate of the manufacturer or its issuer, the signatures must
   * verify. All EISs are stored or none.
   * @throws target.invalid, target.exists, crypto.signature, crypto.key
   */
  async importXml(text: string, how: EisImport, options: ImportOptions = {}): Promise<ImportOutcome[]> {
    for (const document of eisDocuments(text)) if (document === undefined) await setImmediate();
    const read: ReadDocument[] = [];
    for (const document of eisDocuments(text)) {
      await setImmediate();
      if (document === undefined) continue;
      read.push(await this.#read(eisElement(document), how));
    }
    return this.#take(read, options);
  }

  async #take(documents: readonly ReadDocument[], options: ImportOptions): Promise<ImportOutcome[]> {
    const outcomes = await this.#targets.importAll(documents, options);
    return outcomes.map((outcome, index) => ({
      ...outcome,
      warnings: [...outcome.warnings, ...(documents[index]?.warnings ?? [])],
    }));
  }

  async #read(element: Element, how: EisImport): Promise<ReadDocument> {
    const read = readEis(element);
    await setImmediate();
    const trust = checkEisTrust(ofDescription(read, element), how);
    for (const { what, why } of unproved(trust, how))
      throw new GatewayError("crypto.signature", `${read.eid}: ${why}`, { detail: { field: "xml", check: what } });
    refuseForeignContent(element);
    const warnings: string[] = [];
    const keySets = read.isdR.keySets.map((set) => clearKeys(set, how.transportKey, warnings));
    const signature = trust.checks.find(({ what }) => what === "eis-by-eum");
    if (signature !== undefined && signature.result !== "good") {
      const { why, result } = signature;
      warnings.push(`the EIS is ${result === "bad" ? "not correctly signed" : "not checked"}: ${why}`);
    }
    const shape = describedTarget({ ...read, isdR: { ...read.isdR, keySets } });
    return { shape, xml: withoutKeyValues(element), warnings };
  }

  /** The EIS of a target as it is now, never with key values. @throws target.unknown */
  async export(reference: string, format: "xml" | "json"): Promise<string> {
    const { target, keySets } = await this.#targets.show(reference);
    if (format === "json") return `${JSON.stringify(asJson(target, keySets), undefined, 2)}\n`;
    const facts = factsOf(target);
    const original = facts.get("xml");
    const written = asWritten(target, keySets);
    return typeof original === "string" ? updateEis(original, written) : writeEis(written);
  }

  /** The certificates of a target's eUICC and how far they are verified. @throws target.unknown, crypto.signature */
  async certificates(reference: string, anchors: TrustAnchors): Promise<EisTrust> {
    const { target } = await this.#targets.show(reference);
    const facts = factsOf(target);
    const xml = facts.get("xml");
    const element = typeof xml === "string" ? eisElement(xml) : undefined;
    const certificate = new Map(Object.entries(facts.get("ecasd") ?? {})).get("certificate");
    const ecasd = typeof certificate === "string" ? octetsOf(certificate) : undefined;
    return checkEisTrust(
      {
        eid: target.eid ?? "",
        ...withoutUndefined({ element, ecasd }),
      },
      anchors,
    );
  }
}

function ofDescription(read: EisDescription, element: Element) {
  const { ecasd } = read;
  const certificate =
    typeof ecasd === "object" && ecasd !== null && "certificate" in ecasd ? ecasd.certificate : undefined;
  const octets = typeof certificate === "string" ? octetsOf(certificate) : undefined;
  return { eid: read.eid, element, ...withoutUndefined({ ecasd: octets }) };
}

function octetsOf(text: string): Uint8Array | undefined {
  try {
    return fromHex(text);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** A key set with its values in clear, verified against their check values, ready to be imported. */
function clearKeys(set: EisKeySet, transportKey: string | undefined, warnings: string[]) {
  const { kvn, type, cntr } = set;
  const keys = set.keys.map(({ id, type: keyType, value, kcv }) => {
    const at = `Isd-r.Keyset ${kvn}.Key ${id}`;
    const given = octetsOf(value);
    if (given === undefined)
      throw new GatewayError("target.invalid", `${at}: must be hexadecimal`, { detail: { field: at } });
    const clear = transportKey === undefined ? given : unwrapKeyValue(given, fromHex(transportKey));
    const fits = [16, 24, 32].includes(clear.length) && keyType === "88";
    if (kcv !== undefined && fits && toHex(aesKcv(clear)) !== kcv.toUpperCase())
      warnings.push(`${at}: its check value is wrong`);
    return { id, type: keyType, value: toHex(clear) };
  });
  return { kvn, type, ...withoutUndefined({ cntr }), keys };
}

function factsOf(target: Target): ReadonlyMap<string, unknown> {
  return new Map(typeof target.eis === "object" && target.eis !== null ? Object.entries(target.eis) : []);
}

function asWritten(target: Target, keySets: readonly KeySetInfo[]): WrittenEis {
  return {
    eid: target.eid ?? "",
    profiles: target.esimProfiles,
    facts: Object.fromEntries(factsOf(target)),
    keySets: keySets.filter((set) => set.tars.length === 0).map(({ type, kvn, cntr }) => ({ type, kvn, cntr })),
  };
}

/** The description for an import: key sets are listed without values, logins of access points are omitted. */
function asJson(target: Target, keySets: readonly KeySetInfo[]): unknown {
  const { xml: _, smsr: __, ...facts } = factsIn(target.eis);
  const { eid, name, kind, iccid, imsi, msisdn, tags, settings, reach } = target;
  const addressing = withoutLogins(addressingOf(target));
  return {
    ...facts,
    eid,
    name,
    kind,
    iccid,
    imsi,
    msisdn,
    tags,
    settings,
    reach,
    profiles: target.esimProfiles.map(({ connectivity, ...profile }) =>
      connectivity === undefined ? profile : { ...profile, connectivity: writeTemplates(withoutLogins(connectivity)) },
    ),
    ...(Object.keys(addressing).length === 0 ? {} : { smsr: writeSmsrTemplates(addressing) }),
    withheldKeySets: keySets.map(({ type, kvn, cntr, tars }) => ({ type, kvn, cntr, tars })),
  };
}
