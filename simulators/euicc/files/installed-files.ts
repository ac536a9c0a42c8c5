import { fromHex } from "../../../src/base/hex.ts";
import { readTlvs } from "../../../src/codec/kit/ber.ts";
import type { ProfileState } from "../card-state.ts";
import type { FileState, InstalledState } from "../installed-state.ts";
import { standardRule } from "../profile/templates.ts";
import type { Directory, ElementaryFile, FileSystem } from "./file-tree.ts";
import type { Access } from "./profile-files.ts";

/** FID of an application's root as commands name it. */
const currentAdf = 0x7fff;

const parentPath = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const fidOf = (path: string) => Number.parseInt(path.slice(-4), 16);

/** Builds the files that a package made, with what was updated since. */
export function installedFiles(profile: ProfileState, installed: InstalledState): FileSystem {
  const directories = new Map<string, Directory>();
  const contents = new Map<string, Uint8Array[]>();
  const applications: Directory[] = [];
  for (const state of installed.files) {
    const parent = directories.get(parentPath(state.path));
    if (state.kind === "mf" || state.kind === "df" || state.kind === "adf") {
      const made = directoryOf(state, parent, directories.get(state.link ?? "")?.children);
      directories.set(state.path, made);
      if (state.kind === "adf") applications.push(made);
      else parent?.children.set(made.fid, made);
    } else if (parent) {
      const path = state.link ?? state.path;
      const found = contents.get(path) ?? contentsOf(profile, installed, path);
      contents.set(path, found);
      parent.children.set(fidOf(state.path), fileOf(state, parent, path, found));
    }
  }
  const mf = directories.get("3F00");
  if (mf === undefined) throw new Error("an installed profile has no MF");
  return { mf, applications };
}

function directoryOf(
  state: FileState,
  parent: Directory | undefined,
  linked: Directory["children"] | undefined,
): Directory {
  return {
    kind: "directory",
    fid: state.kind === "adf" ? currentAdf : fidOf(state.path),
    path: state.path,
    parent,
    children: linked ?? new Map(),
    ...(state.aid !== undefined && { aid: fromHex(state.aid) }),
    ...(state.pinStatus !== undefined && { pinStatus: fromHex(state.pinStatus) }),
  };
}

function contentsOf(profile: ProfileState, installed: InstalledState, path: string): Uint8Array[] {
  const made = installed.files.find((file) => file.path === path)?.contents ?? [];
  return (profile.files[path] ?? made).map(fromHex);
}

function fileOf(state: FileState, parent: Directory, path: string, contents: Uint8Array[]): ElementaryFile {
  const structure =
    state.kind === "linear" || state.kind === "cyclic" || state.kind === "ber-tlv" ? state.kind : "transparent";
  return {
    kind: "file",
    fid: fidOf(state.path),
    parent,
    structure,
    rule: state.arr,
    get read() {
      return accessIn(parent, state.arr, "read");
    },
    get update() {
      return accessIn(parent, state.arr, "update");
    },
    sfi: state.sfi,
    path,
    contents,
  };
}

/** The rule that counts now: EF.ARR may have been updated. It is looked for from the file's directory upwards. */
function accessIn(from: Directory, { fid, record }: FileState["arr"], what: "read" | "update"): Access {
  let at: Directory | undefined = from;
  let rules: Uint8Array[] | undefined;
  while (at !== undefined && rules === undefined) {
    const found = at.children.get(fid) ?? (at.parent === undefined ? at.children.get(0x2f06) : undefined);
    if (found?.kind === "file") rules = found.contents;
    at = at.parent;
  }
  const rule = rules?.[record - 1];
  if (rule !== undefined) return accessOf(rule, what === "read" ? 0x01 : 0x02);
  const references = standardRule(record)[what];
  return references.length === 0 ? "always" : { how: "any", references };
}

/** Condition for an access mode in a rule in expanded format: nothing said = never. TS 102 221 §9.2.4, ISO/IEC 7816-4 §5.4.3 */
function accessOf(rule: Uint8Array, mode: number): Access {
  const end = rule.findIndex((octet, i) => octet === 0xff && rule.subarray(i).every((rest) => rest === 0xff));
  let applies = false;
  for (const { tag, value } of readRule(end < 0 ? rule : rule.subarray(0, end))) {
    if (tag >= 0x80 && tag <= 0x8f) applies = tag === 0x80 && ((value[0] ?? 0) & mode) !== 0;
    else if (applies) return conditionOf(tag, value);
  }
  return "never";
}

function readRule(rule: Uint8Array): ReturnType<typeof readTlvs> {
  try {
    return readTlvs(rule);
  } catch {
    return [];
  }
}

function conditionOf(tag: number, value: Uint8Array): Access {
  if (tag === 0x90) return "always";
  if (tag === 0xa4) return { how: "all", references: referencesIn(value) };
  if (tag !== 0xa0 && tag !== 0xaf) return "never";
  const references = readRule(value).flatMap((one) => (one.tag === 0xa4 ? referencesIn(one.value) : []));
  return { how: tag === 0xa0 ? "any" : "all", references };
}

function referencesIn(value: Uint8Array): number[] {
  return readRule(value).flatMap(({ tag, value: reference }) => (tag === 0x83 ? [...reference] : []));
}
