import type { Element } from "@xmldom/xmldom";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { type EisDescription, type EisKeySet, eisElements, readEis, withoutKeyValues } from "../codec/eis/read.ts";
import { updateEis, type WrittenEis, writeEis } from "../codec/eis/write.ts";
import { checkEisTrust, type EisTrust, type TrustAnchors } from "../crypto/eis-trust.ts";
import { aesKcv, unwrapKeyValue } from "../crypto/transport-key.ts";
import type { KeySetInfo } from "./key-set.ts";
import type { Target } from "./target.ts";
import type { ImportOutcome, TargetDesk } from "./target-desk.ts";

/** How an EIS document is taken in. */
export interface EisImport extends TrustAnchors {
  /** Key that the key values are wrapped with, hexadecimal; they are in clear without one. */
  readonly transportKey?: string;
}

/** EISs of SGP.02 as documents: in, out, and who stands behind them. */
export class EisDesk {
  readonly #targets: TargetDesk;

  constructor(targets: TargetDesk) {
    this.#targets = targets;
  }

  /**
   * Takes in each EIS of an XML document. With the manufacturer's certificate its signature must verify.
   * @throws target.invalid, crypto.signature, crypto.key; what came before a refused one is in
   */
  async importXml(text: string, how: EisImport): Promise<ImportOutcome[]> {
    const outcomes: ImportOutcome[] = [];
    for (const element of eisElements(text)) outcomes.push(await this.#importOne(element, how));
    return outcomes;
  }

  async #importOne(element: Element, how: EisImport): Promise<ImportOutcome> {
    const read = readEis(element);
    const trust = checkEisTrust(ofDescription(read, element), how);
    const wanted = how.eum !== undefined || how.ci !== undefined;
    for (const { what, result, why } of trust.checks)
      if (wanted && result === "bad")
        throw new GatewayError("crypto.signature", `${read.eid}: ${why}`, { detail: { field: "xml", check: what } });
    const warnings: string[] = [];
    const keySets = read.isdR.keySets.map((set) => clearKeys(set, how.transportKey, warnings));
    const outcome = await this.#targets.import({
      ...read,
      isdR: { ...read.isdR, keySets },
      xml: withoutKeyValues(element),
    });
    const unproved = trust.checks.filter(({ what, result }) => what === "eis-by-eum" && result !== "good");
    for (const { why, result } of unproved)
      warnings.push(`the EIS is ${result === "bad" ? "not signed as it should be" : "not checked"}: ${why}`);
    return { ...outcome, warnings: [...outcome.warnings, ...warnings] };
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

  /** The certificates of a target's eUICC and how far they can be believed. @throws target.unknown, crypto.signature */
  async certificates(reference: string, anchors: TrustAnchors): Promise<EisTrust> {
    const facts = factsOf((await this.#targets.show(reference)).target);
    const xml = facts.get("xml");
    const element = typeof xml === "string" ? eisElements(xml)[0] : undefined;
    const certificate = new Map(Object.entries(facts.get("ecasd") ?? {})).get("certificate");
    const ecasd = typeof certificate === "string" ? octetsOf(certificate) : undefined;
    return checkEisTrust(
      { ...(element === undefined ? {} : { element }), ...(ecasd === undefined ? {} : { ecasd }) },
      anchors,
    );
  }
}

function ofDescription(read: EisDescription, element: Element) {
  const { ecasd } = read;
  const certificate =
    typeof ecasd === "object" && ecasd !== null && "certificate" in ecasd ? ecasd.certificate : undefined;
  const octets = typeof certificate === "string" ? octetsOf(certificate) : undefined;
  return { element, ...(octets === undefined ? {} : { ecasd: octets }) };
}

function octetsOf(text: string): Uint8Array | undefined {
  try {
    return fromHex(text);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** A key set with its values in clear and checked against their check values, ready to be imported. */
function clearKeys(set: EisKeySet, transportKey: string | undefined, warnings: string[]) {
  const { kvn, type, cntr } = set;
  const keys = set.keys.map(({ id, type: keyType, value, kcv }) => {
    const at = `Isd-r.Keyset ${kvn}.Key ${id}`;
    const given = octetsOf(value);
    if (given === undefined)
      throw new GatewayError("target.invalid", `${at}: is not hexadecimal`, { detail: { field: at } });
    const clear = transportKey === undefined ? given : unwrapKeyValue(given, fromHex(transportKey));
    const fits = [16, 24, 32].includes(clear.length) && keyType === "88";
    if (kcv !== undefined && fits && toHex(aesKcv(clear)) !== kcv.toUpperCase())
      warnings.push(`${at}: its check value does not fit`);
    return { id, type: keyType, value: toHex(clear) };
  });
  return { kvn, type, ...(cntr === undefined ? {} : { cntr }), keys };
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

/** The description that an import takes, with key sets named but not given. */
function asJson(target: Target, keySets: readonly KeySetInfo[]): unknown {
  const { xml: _, ...facts } = Object.fromEntries(factsOf(target));
  const { eid, name, kind, iccid, imsi, msisdn, tags, settings, reach } = target;
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
    profiles: target.esimProfiles,
    withheldKeySets: keySets.map(({ type, kvn, cntr, tars }) => ({ type, kvn, cntr, tars })),
  };
}
