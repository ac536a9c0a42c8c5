import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { Tlv } from "../../../src/codec/kit/ber.ts";
import type { FileState, InstalledState } from "../installed-state.ts";
import { field, inside, needed, sized, unsigned } from "./fields.ts";
import { reject } from "./install-error.ts";
import type { Template, TemplateFile } from "./templates.ts";

type Kind = FileState["kind"];

const fidHex = (fid: number) => fid.toString(16).toUpperCase().padStart(4, "0");
const isDirectory = (kind: Kind) => kind === "mf" || kind === "df" || kind === "adf";

/** A file descriptor's kind and record length. TS 102 222 §6.3.2.2.1 */
function describe(descriptor: Tlv): { readonly kind: Kind; readonly record: number | undefined } {
  const { value } = descriptor;
  const record = value.length >= 4 ? (value[2] ?? 0) * 256 + (value[3] ?? 0) : undefined;
  switch ((value[0] ?? 0) & 0x3f) {
    case 0x38:
      return { kind: "df", record: undefined };
    case 0x39:
      return { kind: "ber-tlv", record: undefined };
    case 0x01:
      return { kind: "transparent", record: undefined };
    case 0x02:
      return { kind: "linear", record };
    case 0x06:
      return { kind: "cyclic", record };
    default:
      return reject("badValues", descriptor.offset);
  }
}

/** Flat default contents by the proprietary fill (C1) or repeat (C2) pattern. TS 102 222 §6.3.2.2.2 */
function patterned(proprietary: Tlv | undefined): ((length: number) => Uint8Array) | undefined {
  const tlvs = proprietary ? inside(proprietary) : [];
  const fill = field(tlvs, 0xc1)?.value;
  const repeat = field(tlvs, 0xc2)?.value;
  if (fill?.length) return (length) => Uint8Array.from({ length }, (_, i) => fill[Math.min(i, fill.length - 1)] ?? 0);
  if (repeat?.length) return (length) => Uint8Array.from({ length }, (_, i) => repeat[i % repeat.length] ?? 0);
  return undefined;
}

/** Files of a profile in the making. */
export class FileBuilder {
  readonly #installed: InstalledState;
  /** Octets that may still be allocated. */
  #room: number;
  /** The directory that the next element belongs to; one that a template makes in an application leaves it the application. */
  directory = "3F00";
  /** The application made last. */
  application: string | undefined;
  /** The file that is being filled: its contents as one, and how far. */
  #open: { readonly file: FileState; readonly flat: Uint8Array; at: number } | undefined;

  constructor(installed: InstalledState, room: number) {
    this.#installed = installed;
    this.#room = room;
  }

  find(path: string): FileState | undefined {
    return this.#installed.files.find((file) => file.path === path);
  }

  /** Octets taken so far. */
  static size(file: FileState): number {
    return file.contents.reduce((sum, entry) => sum + entry.length / 2, 64);
  }

  /** Takes memory. @throws InstallError not enough memory */
  take(octets: number, offset?: number): void {
    this.#room -= octets;
    if (this.#room < 0) reject("notEnoughMemory", offset);
  }

  /** Makes the files of a template element: each field is a file, a sequence of FCP, skips and fills. */
  fromTemplate(template: Template, fields: readonly Tlv[]): void {
    if (!template.ownDirectory) this.directory = this.application ?? reject("invalidFormat", 0);
    let base = this.directory;
    let parent = base;
    for (const [i, spec] of template.files.entries()) {
      const given = field(fields, spec.tag);
      if (!isDirectory(spec.kind)) {
        if (given !== undefined || (template.complete && spec.length !== undefined))
          this.#templateFile(spec, given, parent);
        continue;
      }
      if (i > 0 && given === undefined) continue;
      parent = this.#templateFile(spec, given, i > 0 ? base : this.#parentOf(spec));
      if (spec.kind === "adf") this.application = parent;
      if (i === 0) base = parent;
    }
    const inApplication = this.application !== undefined && base.startsWith(`${this.application}/`);
    this.directory = inApplication ? (this.application ?? base) : base;
  }

  /** Where a template's own directory goes: applications and DF.TELECOM below the MF, the others below the application. */
  #parentOf({ kind, fid }: TemplateFile): string {
    if (kind === "mf") return "";
    if (kind === "adf" || fid === 0x7f10 || fid === 0x7f11) return "3F00";
    return this.application ?? reject("invalidFormat", 0);
  }

  #templateFile(spec: TemplateFile, given: Tlv | undefined, parent: string): string {
    const parts = given ? inside(given) : [];
    const descriptor = field(parts, 0xa1);
    const fcp = descriptor ? inside(descriptor) : [];
    const omitted = field(parts, 0x80) !== undefined && spec.kind !== "mf";
    if (omitted && !isDirectory(spec.kind)) return parent;
    const path = this.#create(fcp, parent, given?.offset ?? 0, spec);
    for (const part of parts) {
      if (part.tag === 0x82) this.#skip(part);
      else if (part.tag === 0x83) this.#fill(part);
      else if (part.tag !== 0xa1 && part.tag !== 0x80) reject("badValues", part.offset);
    }
    this.#close();
    return path;
  }

  /** Commands of generic file management: select, create, skip, fill. */
  manage(commands: readonly Tlv[]): void {
    for (const command of commands) {
      if (command.tag === 0x80) this.#select(command);
      else if (command.tag === 0x62) this.#generic(command);
      else if (command.tag === 0x02) this.#skip(command);
      else if (command.tag === 0x81) this.#fill(command);
      else reject("badValues", command.offset);
    }
    this.#close();
  }

  /** Full path that a file path of a package (relative to the MF) means. */
  pathOf(tlv: Tlv): string {
    if (tlv.value.length % 2) reject("badValues", tlv.offset);
    const fids = toHex(tlv.value).match(/.{4}/g) ?? [];
    return ["3F00", ...(fids[0] === "3F00" ? fids.slice(1) : fids)].join("/");
  }

  #select(tlv: Tlv): void {
    this.#close();
    const path = this.pathOf(tlv);
    const found = this.#resolve(path) ?? reject("badValues", tlv.offset);
    if (isDirectory(found.kind)) this.directory = found.path;
    else {
      this.directory = found.path.slice(0, -5);
      this.#begin(found);
    }
    this.application = this.#applicationOf(this.directory) ?? this.application;
  }

  #applicationOf(path: string): string | undefined {
    return this.#installed.files.find(({ kind, path: at }) => kind === "adf" && `${path}/`.startsWith(`${at}/`))?.path;
  }

  #generic(tlv: Tlv): void {
    this.#close();
    const fcp = inside(tlv);
    needed(fcp, 0x83, tlv.offset);
    const path = this.#create(fcp, this.directory, tlv.offset, undefined);
    const made = this.find(path);
    if (made === undefined || !isDirectory(made.kind)) return;
    this.directory = path;
    if (made.kind === "adf") this.application = path;
  }

  /** Follows links of directories on the way. */
  #resolve(path: string): FileState | undefined {
    const found = this.find(path);
    if (found) return found;
    const cut = path.lastIndexOf("/");
    if (cut < 0) return undefined;
    const parent = this.#resolve(path.slice(0, cut));
    return parent?.link === undefined ? undefined : this.#resolve(`${parent.link}${path.slice(cut)}`);
  }

  #create(fcp: readonly Tlv[], parent: string, where: number, spec: TemplateFile | undefined): string {
    const descriptor = field(fcp, 0x82);
    const described = descriptor && describe(descriptor);
    const name = field(fcp, 0x84);
    const kind = kindOf(described?.kind, name !== undefined, spec) ?? reject("badValues", where);
    const fidField = field(fcp, 0x83);
    const fid = fidField
      ? toHex(sized(fidField, 2))
      : spec?.fid === undefined
        ? reject("badValues", where)
        : fidHex(spec.fid);
    const path = parent === "" ? fid : `${parent}/${fid}`;
    if (this.find(path)) reject("badValues", where);
    if (parent !== "" && this.find(parent) === undefined) reject("invalidFormat", where);
    const link = field(fcp, 0xc7);
    const target =
      link && link.value.length > 0
        ? (this.#resolve(this.pathOf(link)) ?? reject("badValues", link.offset))
        : undefined;
    const pinStatus = field(fcp, 0xc6);
    const lifeCycle = field(fcp, 0x8a);
    const file: FileState = {
      path,
      kind: target && !isDirectory(kind) ? target.kind : kind,
      arr: ruleOf(field(fcp, 0x8b), kind, parent, spec),
      lifeCycle: lifeCycle ? (sized(lifeCycle, 1)[0] ?? 5) : 5,
      contents: [],
      ...sfiOf(field(fcp, 0x88), Number.parseInt(fid, 16), spec, kind),
      ...(kind === "adf" && { aid: toHex(needed(fcp, 0x84, where).value) }),
      ...(pinStatus && { pinStatus: toHex(pinStatus.value) }),
      ...(target && { link: target.link ?? target.path }),
    };
    if (!isDirectory(kind) && target === undefined)
      file.contents = contentsOf(kind, fcp, described?.record, spec, where, (octets) => this.take(octets, where));
    this.take(64, where);
    this.#installed.files.push(file);
    if (!isDirectory(kind)) this.#begin(target ?? file);
    return path;
  }

  #begin(file: FileState): void {
    const source = file.link === undefined ? file : (this.find(file.link) ?? file);
    this.#open = { file: source, flat: fromHex(source.contents.join("")), at: 0 };
  }

  #skip(tlv: Tlv): void {
    const open = this.#open ?? reject("invalidFormat", tlv.offset);
    open.at += unsigned(tlv, 0xffff);
  }

  #fill(tlv: Tlv): void {
    const open = this.#open ?? reject("invalidFormat", tlv.offset);
    const end = open.at + tlv.value.length;
    if (open.file.kind === "ber-tlv") {
      this.take(tlv.value.length, tlv.offset);
      open.file.contents = [`${open.file.contents[0] ?? ""}${toHex(tlv.value)}`];
      return;
    }
    if (end > open.flat.length) reject("badValues", tlv.offset);
    open.flat.set(tlv.value, open.at);
    open.at = end;
  }

  /** Writes what was filled into the records. */
  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || open.file.kind === "ber-tlv") return;
    let at = 0;
    open.file.contents = open.file.contents.map((entry) => {
      const from = at;
      at += entry.length / 2;
      return toHex(open.flat.subarray(from, at));
    });
  }
}

function kindOf(described: Kind | undefined, named: boolean, spec: TemplateFile | undefined): Kind | undefined {
  if (spec && isDirectory(spec.kind)) return described === undefined || described === "df" ? spec.kind : undefined;
  const kind = described ?? spec?.kind;
  if (kind === "df") return spec ? undefined : named ? "adf" : "df";
  return kind;
}

/** Security attributes: record, or EF.ARR and record; EF.ARR is 2F06 in the MF and for applications, 6F06 elsewhere. */
function ruleOf(tlv: Tlv | undefined, kind: Kind, parent: string, spec: TemplateFile | undefined): FileState["arr"] {
  const usual = kind === "mf" || kind === "adf" || parent === "3F00" ? 0x2f06 : 0x6f06;
  if (tlv === undefined) return { fid: usual, record: spec?.rule ?? reject("badValues", undefined) };
  const value = sized(tlv, 1, 3);
  if (value.length === 1) return { fid: usual, record: value[0] ?? 0 };
  return { fid: (value[0] ?? 0) * 256 + (value[1] ?? 0), record: value[2] ?? 0 };
}

/** Short file identifier: as given, empty = none, absent = the template's, or the last five bits of the FID. */
function sfiOf(
  tlv: Tlv | undefined,
  fid: number,
  spec: TemplateFile | undefined,
  kind: Kind,
): { readonly sfi?: number } {
  if (isDirectory(kind)) return {};
  if (tlv !== undefined) return tlv.value.length === 0 ? {} : { sfi: (sized(tlv, 1)[0] ?? 0) >> 3 };
  const sfi = spec ? spec.sfi : fid & 0x1f;
  return sfi === undefined ? {} : { sfi };
}

/** Contents of a new file before it is filled, hex by record. */
function contentsOf(
  kind: Kind,
  fcp: readonly Tlv[],
  described: number | undefined,
  spec: TemplateFile | undefined,
  where: number,
  take: (octets: number) => void,
): string[] {
  const size = field(fcp, 0x80);
  const given = size && unsigned(size, 0xfffff);
  const pattern = patterned(field(fcp, 0xa5));
  if (kind === "ber-tlv") return [""];
  if (kind === "transparent") {
    const length = given ?? spec?.length ?? reject("badValues", where);
    take(length);
    return [toHex((pattern ?? spec?.fill ?? blank)(length))];
  }
  const record =
    described ??
    spec?.length ??
    (given !== undefined && spec?.records ? given / spec.records : reject("badValues", where));
  const records = given === undefined ? (spec?.records ?? reject("badValues", where)) : given / record;
  if (record < 1 || record > 255 || !Number.isInteger(records) || records < 1 || records > 254)
    reject("badValues", size?.offset ?? where);
  take(record * records);
  const flat = pattern?.(record * records);
  const usual = (spec?.fill ?? blank)(record);
  return Array.from({ length: records }, (_, i) => toHex(flat ? flat.subarray(i * record, (i + 1) * record) : usual));
}

const blank = (length: number) => new Uint8Array(length).fill(0xff);
