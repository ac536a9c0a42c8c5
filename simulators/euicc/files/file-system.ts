import { equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import type { ProfileState } from "../card-state.ts";
import type { Directory, ElementaryFile, FileNode, FileSystem } from "./file-tree.ts";
import { installedFiles } from "./installed-files.ts";
import {
  accessRules,
  type FileSpec,
  gsmFiles,
  masterFiles,
  telecomFiles,
  usimAid,
  usimFiles,
} from "./profile-files.ts";

/** FID of the current application's root. TS 102 221 §8.4.1 */
const currentAdf = 0x7fff;

function directory(fid: number, parent: Directory | undefined): Directory {
  const hex = fid.toString(16).toUpperCase();
  const path = parent ? `${parent.path}/${hex}` : hex;
  const made: Directory = { kind: "directory", fid, path, parent, children: new Map() };
  parent?.children.set(fid, made);
  return made;
}

/** Builds the files of a profile, with what was updated since. */
export function buildFileSystem(profile: ProfileState): FileSystem {
  return profile.installed ? installedFiles(profile, profile.installed) : fixtureFiles(profile);
}

function fixtureFiles(profile: ProfileState): FileSystem {
  const shared = new Map<string, Uint8Array[]>();
  const add = (parent: Directory, prefix: string, specs: readonly FileSpec[]) => {
    for (const spec of specs) {
      const path = `${prefix}/${spec.fid.toString(16).toUpperCase()}`;
      const contents = shared.get(path) ?? contentsOf(profile, path, spec);
      shared.set(path, contents);
      const { fid, structure, read, update, sfi } = spec;
      const record = accessRules.findIndex((one) => one.read === read && one.update === update) + 1;
      const rule = { fid: parent.fid === 0x3f00 ? 0x2f06 : 0x6f06, record };
      parent.children.set(fid, { kind: "file", fid, structure, rule, read, update, sfi, parent, path, contents });
    }
  };
  const mf = directory(0x3f00, undefined);
  const telecom = directory(0x7f10, mf);
  const gsm = directory(0x7f20, mf);
  const path = "3F00/7FFF";
  const usim: Directory = { kind: "directory", fid: currentAdf, path, parent: mf, children: new Map(), aid: usimAid };
  const forUsim = usimFiles(profile);
  const inUsim = new Set(forUsim.map(({ fid }) => fid));
  const forGsm = gsmFiles(profile);
  add(mf, "3F00", masterFiles(profile));
  add(telecom, "7F10", telecomFiles());
  add(usim, "7FFF", forUsim);
  add(
    gsm,
    "7FFF",
    forGsm.filter(({ fid }) => inUsim.has(fid) && fid !== 0x6f38),
  );
  add(
    gsm,
    "7F20",
    forGsm.filter(({ fid }) => !inUsim.has(fid) || fid === 0x6f38),
  );
  return { mf, applications: [usim] };
}

function contentsOf(profile: ProfileState, path: string, spec: FileSpec): Uint8Array[] {
  const updated = profile.files[path];
  return spec.contents.map((content, i) => {
    const hex = updated?.[i];
    return hex !== undefined && hex.length === content.length * 2 ? fromHex(hex) : content.slice();
  });
}

/** Writes one record (or a stretch of a transparent file) and notes it in the profile. */
export function writeFile(
  profile: ProfileState,
  file: ElementaryFile,
  index: number,
  offset: number,
  bytes: Uint8Array,
): void {
  file.contents[index]?.set(bytes, offset);
  profile.files[file.path] = file.contents.map(toHex);
}

/** Finds a file by FID the way SELECT does. TS 102 221 §8.4.1 */
export function findByFid(
  system: FileSystem,
  current: Directory,
  adf: Directory | undefined,
  fid: number,
): FileNode | undefined {
  if (fid === 0x3f00) return system.mf;
  if (fid === currentAdf) return adf;
  const child = current.children.get(fid);
  if (child) return child;
  if (current.fid === fid) return current;
  if (current.parent?.fid === fid) return current.parent;
  const sibling = current.parent?.children.get(fid) ?? system.mf.children.get(fid);
  return sibling?.kind === "directory" ? sibling : undefined;
}

/** Follows a path of FIDs; undefined when a step is missing. */
export function findByPath(from: Directory, adf: Directory | undefined, path: Uint8Array): FileNode | undefined {
  let node: FileNode | undefined = from;
  for (let at = 0; at + 1 < path.length; at += 2) {
    const fid = (path[at] ?? 0) * 256 + (path[at + 1] ?? 0);
    if (node?.kind !== "directory") return undefined;
    if (fid === 0x3f00 && at === 0) continue;
    node = fid === currentAdf && at === 0 ? adf : node.children.get(fid);
  }
  return node;
}

/** Applications whose AID starts with these octets, in order. TS 102 221 §8.5.1.3 */
export function findByAid(system: FileSystem, aid: Uint8Array): Directory | undefined {
  return system.applications.find((app) => app.aid && equalBytes(app.aid.subarray(0, aid.length), aid));
}

/** File control parameters. TS 102 221 §11.1.1.3 */
export function fileControlParameters(node: FileNode, freeMemory: number, pins: Uint8Array): Uint8Array {
  const fid = tlvBytes(0x83, Uint8Array.of(node.fid >> 8, node.fid & 0xff));
  const alive = tlvBytes(0x8a, Uint8Array.of(0x05));
  if (node.kind === "directory") {
    const memory = Uint8Array.of(freeMemory >>> 24, freeMemory >>> 16, freeMemory >>> 8, freeMemory).map(
      (o) => o & 0xff,
    );
    const proprietary = tlvBytes(
      0xa5,
      tlvBytes(0x80, Uint8Array.of(0x71)),
      tlvBytes(0x83, memory),
      ...(node.parent === undefined ? [tlvBytes(0x87, Uint8Array.of(0x01))] : []),
    );
    const name = node.aid ? [tlvBytes(0x84, node.aid)] : [];
    const security = tlvBytes(0x8b, Uint8Array.of(0x2f, 0x06, 0x01));
    return tlvBytes(
      0x62,
      Uint8Array.of(0x82, 0x02, 0x78, 0x21),
      fid,
      ...name,
      proprietary,
      alive,
      security,
      tlvBytes(0xc6, node.pinStatus ?? pins),
    );
  }
  const length = node.contents[0]?.length ?? 0;
  const count = node.contents.length;
  const code = { transparent: 0x41, linear: 0x42, cyclic: 0x46, "ber-tlv": 0x79 }[node.structure];
  const inRecords = node.structure === "linear" || node.structure === "cyclic";
  const shape = inRecords ? [length >> 8, length & 0xff, count] : [];
  const size = inRecords ? length * count : length;
  const sfi = tlvBytes(0x88, node.sfi === undefined ? new Uint8Array(0) : Uint8Array.of(node.sfi << 3));
  return tlvBytes(
    0x62,
    tlvBytes(0x82, Uint8Array.of(code, 0x21, ...shape)),
    fid,
    alive,
    tlvBytes(0x8b, Uint8Array.of(node.rule.fid >> 8, node.rule.fid & 0xff, node.rule.record)),
    tlvBytes(0x80, Uint8Array.of(size >> 8, size & 0xff)),
    sfi,
  );
}

/** FCI template of a security domain. GP Card Specification §11.9.3 */
export function domainInformation(aid: Uint8Array): Uint8Array {
  return tlvBytes(0x6f, tlvBytes(0x84, aid), tlvBytes(0xa5, Uint8Array.of(0x9f, 0x65, 0x01, 0xff)));
}
