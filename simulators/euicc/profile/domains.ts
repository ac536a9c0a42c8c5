import { toHex } from "../../../src/base/hex.ts";
import type { Tlv } from "../../../src/codec/kit/ber.ts";
import type { KeySetState } from "../card-state.ts";
import type { DomainState, InstalledState, RemoteFilesState } from "../installed-state.ts";
import { field, inside, needed, sized, unsigned } from "./fields.ts";
import { reject } from "./install-error.ts";

type StoredKey = KeySetState["keys"][number];

/** securityDomain A6: the instance, its key sets and the contents of its STORE DATA. */
export function readDomain(fields: readonly Tlv[]): DomainState & { readonly personalization: readonly Tlv[] } {
  const instance = needed(fields, 0xa1, 0);
  const keys = field(fields, 0xa2);
  const personalization = field(fields, 0xa3);
  const { aid, parts } = readInstance(instance);
  return {
    aid,
    privileges: toHex(needed(parts, 0x82, instance.offset).value),
    lifeCycle: field(parts, 0x83)?.value[0] ?? 0x07,
    channels: toHex(field(parts, 0xc9)?.value ?? new Uint8Array(0)),
    keySets: keys ? keySets(keys) : [],
    personalization: personalization ? inside(personalization) : [],
    ...toolkitAccess(parts, aid),
  };
}

/** An application instance: package, class, instance and perhaps domain AIDs come first, all with the same tag. */
function readInstance(instance: Tlv): { readonly aid: string; readonly parts: readonly Tlv[] } {
  const parts = inside(instance);
  const aids = parts.filter(({ tag }) => tag === 0x4f);
  const aid = aids[2] ?? reject("badValues", instance.offset);
  for (const one of aids) if (one.value.length < 5 || one.value.length > 16) reject("badValues", one.offset);
  return { aid: toHex(aid.value), parts };
}

/**
 * TARs and the minimum security level of the UICC toolkit parameters; without them the TAR is in the AID.
 * TS 102 226 §8.2.1.3.2, TS 101 220 §4
 */
function toolkitAccess(parts: readonly Tlv[], aid: string): Pick<DomainState, "tars" | "msl"> {
  const own = aid.length === 32 ? [aid.slice(24, 30)] : [];
  const uicc = field(parts, 0xea);
  const parameters = uicc && field(inside(uicc), 0x80);
  if (parameters === undefined) return { tars: own };
  const octets = parameters.value;
  let at = 3;
  at += 1 + (octets[at] ?? 0) * 2;
  at += 1;
  const mslLength = octets[at] ?? 0;
  const msl = mslLength === 2 ? octets[at + 2] : undefined;
  at += 1 + mslLength;
  const tarLength = octets[at] ?? 0;
  const listed = toHex(octets.subarray(at + 1, at + 1 + tarLength));
  if (at > octets.length || listed.length !== tarLength * 2 || tarLength % 3) reject("badValues", parameters.offset);
  const tars = listed.match(/.{6}/g) ?? own;
  return { tars: [...tars], ...(msl !== undefined && { msl }) };
}

const symmetric: Readonly<Record<number, StoredKey["type"]>> = {
  128: "3DES",
  129: "3DES",
  130: "3DES",
  131: "3DES",
  132: "3DES",
  133: "PSK",
  136: "AES",
};

function kindOf(kvn: number): KeySetState["type"] {
  if (kvn <= 0x0f) return "SCP80";
  if (kvn >= 0x30 && kvn <= 0x3f) return "SCP03";
  return kvn >= 0x40 && kvn <= 0x4f ? "SCP81" : "TOKEN";
}

/** keyList: one entry for each key, gathered by key version. Keys of asymmetric types are accepted and not kept. */
function keySets(list: Tlv): KeySetState[] {
  const sets: KeySetState[] = [];
  for (const entry of inside(list)) {
    const parts = inside(entry);
    const kvn = unsigned(needed(parts, 0x83, entry.offset), 0x7f);
    const id = unsigned(needed(parts, 0x82, entry.offset), 0x7f);
    if (kvn === 0) reject("badValues", entry.offset);
    const components = inside(needed(parts, 0x30, entry.offset)).map(inside);
    const component = components[0] ?? reject("badValues", entry.offset);
    const type = symmetric[needed(component, 0x80, entry.offset).value[0] ?? 0];
    if (type === undefined) continue;
    const value = needed(component, 0x86, entry.offset);
    const counter = field(parts, 0x85);
    const macLength = field(component, 0x87);
    const cntr = kindOf(kvn) === "SCP03" ? 3 : 5;
    const set: KeySetState = sets.find((one) => one.kvn === kvn) ?? {
      kvn,
      type: kindOf(kvn),
      keys: [],
      ccLength: macLength && unsigned(macLength) === 4 ? 4 : 8,
      ...(kindOf(kvn) !== "TOKEN" && {
        cntr: toHex(counter?.value ?? new Uint8Array(0))
          .padStart(cntr * 2, "0")
          .slice(-cntr * 2),
      }),
    };
    if (!sets.includes(set)) sets.push(set);
    set.keys.push({
      id,
      type: keyType(type, value),
      value: toHex(value.value),
      usage: toHex(needed(parts, 0x95, entry.offset).value),
    });
  }
  return sets;
}

function keyType(type: StoredKey["type"], { value, offset }: Tlv): StoredKey["type"] {
  const lengths: Readonly<Record<StoredKey["type"], readonly number[]>> = {
    DES: [8],
    "3DES": [8, 16, 24],
    AES: [16, 24, 32],
    PSK: [],
  };
  if (type !== "PSK" && !lengths[type].includes(value.length)) reject("badValues", offset);
  return type === "3DES" && value.length === 8 ? "DES" : type;
}

/** rfm A7 behind its PEHeader: `4F instance, [4F domain], A0 TARs, 81 MSL, 04 access, 04 administration, [30 ADF]`. */
export function readRemoteFiles(fields: readonly Tlv[], installed: InstalledState): RemoteFilesState {
  const [instance, domain] = fields.filter(({ tag }) => tag === 0x4f);
  if (instance === undefined) return reject("badValues", 0);
  const tars = inside(needed(fields, 0xa0, 0)).map((tlv) => toHex(sized(tlv, 3)));
  const [access, adminAccess] = fields.filter(({ tag }) => tag === 0x04);
  if (access === undefined || adminAccess === undefined) return reject("badValues", 0);
  const adf = field(fields, 0x30);
  const adfParts = adf ? inside(adf) : [];
  const adfAid = adf && toHex(needed(adfParts, 0x80, adf.offset).value);
  if (adf && !installed.files.some(({ aid }) => aid === adfAid)) reject("badValues", adf.offset);
  if (domain && !installed.domains.some(({ aid }) => aid === toHex(domain.value))) reject("badValues", domain.offset);
  return {
    aid: toHex(instance.value),
    tars,
    msl: sized(needed(fields, 0x81, 0), 1)[0] ?? 0,
    access: toHex(field(adfParts, 0x81)?.value ?? access.value),
    adminAccess: toHex(field(adfParts, 0x82)?.value ?? adminAccess.value),
    ...(domain && { domain: toHex(domain.value) }),
    ...(adfAid && { adf: adfAid }),
  };
}

/** application A8: the AIDs of its load package and instances. The card keeps them, and does not run them. */
export function readApplication(fields: readonly Tlv[]): InstalledState["applications"][number] {
  const load = field(fields, 0xa1);
  const parts = load ? inside(load) : [];
  const list = field(fields, 0xa2);
  const instances = list ? inside(list).map((entry) => readInstance(entry)) : [];
  const first = field(parts, 0x4f)?.value ?? field(instances[0]?.parts ?? [], 0x4f)?.value;
  if (first === undefined) return reject("badValues", 0);
  return {
    package: toHex(first),
    instances: instances.map(({ aid }) => aid),
    size: field(parts, 0xc4)?.value.length ?? 0,
  };
}
