import { setImmediate } from "node:timers/promises";
import type { Element } from "@xmldom/xmldom";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { octetText } from "../../base/octet-text.ts";
import { refuseForeignContent, withoutKeyValues } from "../../codec/eis/content.ts";
import { eisDocuments } from "../../codec/eis/documents.ts";
import { type EisDescription, ecasdCertificate, eisElement, readEis } from "../../codec/eis/read.ts";
import { updateEis, type WrittenEis, writeEis } from "../../codec/eis/write.ts";
import { writeSmsrTemplates, writeTemplates } from "../../codec/euicc/templates.ts";
import { clearKeySet } from "../../crypto/eis-keys.ts";
import { checkEisTrust, type EisTrust, type TrustAnchors, unproved } from "../../crypto/eis-trust.ts";
import type { KeySetInfo } from "../model/key-set.ts";
import type { Target } from "../model/target.ts";
import { withoutLogins } from "../targets/connectivity.ts";
import { addressingOf } from "../targets/eis.ts";
import { factsIn } from "../targets/eis-facts.ts";
import { describedTarget, type TargetDescription } from "../targets/target-import.ts";
import type { ImportOptions, ImportOutcome, Targets } from "../targets/targets.ts";

/** Options of an import. */
interface EisImport extends TrustAnchors {
  /** Key that the key values are wrapped with; absent when they are in clear. */
  readonly transportKey?: Uint8Array;
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
    const keySets = read.isdR.keySets.map((set) => clearKeySet(set, how.transportKey, warnings));
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
    const ecasd = ecasdCertificate(facts.get("ecasd"));
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
  return { eid: read.eid, element, ...withoutUndefined({ ecasd: ecasdCertificate(read.ecasd) }) };
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
    settings: octetText(settings),
    reach,
    profiles: target.esimProfiles.map(({ connectivity, ...profile }) =>
      connectivity === undefined ? profile : { ...profile, connectivity: writeTemplates(withoutLogins(connectivity)) },
    ),
    ...(Object.keys(addressing).length === 0 ? {} : { smsr: writeSmsrTemplates(addressing) }),
    withheldKeySets: keySets.map(({ type, kvn, cntr, tars }) => ({ type, kvn, cntr, tars })),
  };
}
