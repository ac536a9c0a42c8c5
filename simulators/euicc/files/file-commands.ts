import { equalBytes } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse, status } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import { enabledProfile, freeMemory, type ProfileState } from "../card-state.ts";
import { authenticate } from "../domains/authentication.ts";
import { fileControlParameters, findByAid, findByFid, findByPath, writeFile } from "./file-system.ts";
import type { ElementaryFile, FileNode } from "./file-tree.ts";
import { pinAt, pinCommand, pinStatusObject } from "./pin-commands.ts";
import type { Access } from "./profile-files.ts";

/** Commands of the UICC file system, its PINs and its authentication. TS 102 221 §11.1 */
export function fileCommand(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  const profile = enabledProfile(card.state);
  if (profile === undefined || card.files === undefined) return refuse(0x6985);
  switch (apdu.ins) {
    case 0xa4:
      return select(card, session, apdu);
    case 0xb0:
      return readBinary(card, session, apdu);
    case 0xd6:
      return updateBinary(card, session, apdu, profile);
    case 0xb2:
      return readRecord(card, session, apdu);
    case 0xdc:
      return updateRecord(card, session, apdu, profile);
    case 0xa2:
      return searchRecord(card, session, apdu);
    case 0xf2:
      return statusCommand(card, session, apdu);
    case 0x20:
    case 0x24:
    case 0x26:
    case 0x28:
    case 0x2c:
      return pinCommand(card, profile, session.directory, apdu);
    case 0x88:
      return authenticateCommand(card, session, apdu, profile);
    default:
      return refuse(0x6d00);
  }
}

function describe(card: CardCore, node: FileNode): Uint8Array {
  const profile = enabledProfile(card.state);
  return fileControlParameters(node, freeMemory(card.state), pinStatusObject(profile));
}

/** SELECT. TS 102 221 §11.1.1 */
function select(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  const system = card.files;
  const here = session.directory ?? system?.mf;
  if (system === undefined || here === undefined) return refuse(0x6985);
  const wanted = p2 & 0x1c;
  if ((wanted !== 0x04 && wanted !== 0x0c && wanted !== 0x00) || p2 & 0x80) return refuse(0x6a86);
  const node = locate();
  if (node === undefined) return refuse(0x6a82);
  enter(session, node, p1 === 0x04);
  return wanted === 0x0c ? status(0x9000) : answer(describe(card, node));

  function locate(): FileNode | undefined {
    if (system === undefined || here === undefined) return undefined;
    switch (p1) {
      case 0x00:
        if (data.length === 0) return system.mf;
        if (data.length !== 2) return refuse(0x6700);
        return findByFid(system, here, session.adf, (data[0] ?? 0) * 256 + (data[1] ?? 0));
      case 0x03:
        return here.parent ?? system.mf;
      case 0x04:
        if (data.length > 16 || data.length === 0) return refuse(0x6700);
        return (p2 & 0x03) === 0 || (p2 & 0x03) === 1 ? findByAid(system, data) : undefined;
      case 0x08:
      case 0x09:
        if (data.length < 2 || data.length % 2) return refuse(0x6700);
        return findByPath(p1 === 0x08 ? system.mf : here, session.adf, data);
      default:
        return refuse(0x6a86);
    }
  }
}

function enter(session: Session, node: FileNode, byAid: boolean): void {
  session.domain = undefined;
  session.record = 0;
  if (node.kind === "file") {
    session.file = node;
    session.directory = node.parent;
    return;
  }
  session.file = undefined;
  session.directory = node;
  if (byAid && node.aid) session.adf = node;
}

function allowed(card: CardCore, session: Session, access: Access): boolean {
  if (access === "always") return true;
  if (access === "never") return false;
  if (session.rights === "remote") return session.access?.files[0] !== noAccess;
  const profile = enabledProfile(card.state);
  const satisfied = (reference: number) => {
    const { name, pin } = pinAt(profile, session.directory, reference);
    return pin ? !pin.enabled || card.verified.has(name) : reference === 0x01;
  };
  if (access === "adm") return satisfied(0x0a);
  if (access === "pin") return satisfied(0x01);
  return access.how === "all" ? access.references.every(satisfied) : access.references.some(satisfied);
}

/** Access domain parameter "no access". TS 102 226 §8.2.1.3.2.5 */
const noAccess = 0xff;

/** The file a command means: by SFI, or the current one. */
function fileFor(session: Session, sfi: number): ElementaryFile {
  if (sfi === 0) return session.file ?? refuse(0x6986);
  for (const node of session.directory?.children.values() ?? []) {
    if (node.kind === "file" && node.sfi === sfi) {
      session.file = node;
      session.record = 0;
      return node;
    }
  }
  return refuse(0x6a82);
}

function binaryFile(session: Session, { p1, p2 }: CommandApdu): { file: ElementaryFile; offset: number } {
  const bySfi = (p1 & 0x80) !== 0;
  if (bySfi && p1 & 0x60) refuse(0x6a86);
  const file = fileFor(session, bySfi ? p1 & 0x1f : 0);
  if (file.structure !== "transparent") refuse(0x6981);
  return { file, offset: bySfi ? p2 : p1 * 256 + p2 };
}

/** READ BINARY. TS 102 221 §11.1.3 */
function readBinary(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  const { file, offset } = binaryFile(session, apdu);
  const content = file.contents[0] ?? new Uint8Array(0);
  if (!allowed(card, session, file.read)) return refuse(0x6982);
  if (apdu.data.length > 0 || apdu.le === undefined) return refuse(0x6700);
  if (offset >= content.length) return refuse(0x6b00);
  const left = content.length - offset;
  if (apdu.le > left && apdu.le !== 256) return refuse(left < 256 ? 0x6c00 | left : 0x6700);
  return answer(content.slice(offset, offset + apdu.le));
}

/** UPDATE BINARY. TS 102 221 §11.1.4 */
function updateBinary(card: CardCore, session: Session, apdu: CommandApdu, profile: ProfileState): ResponseApdu {
  const { file, offset } = binaryFile(session, apdu);
  const length = file.contents[0]?.length ?? 0;
  if (!allowed(card, session, file.update)) return refuse(0x6982);
  if (apdu.data.length === 0) return refuse(0x6700);
  if (offset >= length) return refuse(0x6b00);
  if (offset + apdu.data.length > length) return refuse(0x6700);
  writeFile(profile, file, 0, offset, apdu.data);
  card.commit();
  return status(0x9000);
}

/** Index of the record that P1 and P2 name, and the pointer it moves. TS 102 221 §11.1.5 */
function recordIndex(session: Session, file: ElementaryFile, { p1, p2 }: CommandApdu): number {
  const count = file.contents.length;
  const mode = p2 & 0x07;
  if (mode === 0x04) {
    const index = p1 === 0 ? session.record - 1 : p1 - 1;
    return index >= 0 && index < count ? index : refuse(0x6a83);
  }
  if (mode !== 0x02 && mode !== 0x03) return refuse(0x6a86);
  if (p1 !== 0) return refuse(0x6a86);
  const forward = mode === 0x02;
  let next = session.record + (forward ? 1 : -1);
  if (session.record === 0) next = forward ? 1 : count;
  else if (file.structure === "cyclic") next = ((next - 1 + count) % count) + 1;
  if (next < 1 || next > count) return refuse(0x6a83);
  session.record = next;
  return next - 1;
}

function recordFile(session: Session, { p2 }: CommandApdu): ElementaryFile {
  const file = fileFor(session, p2 >> 3);
  if (file.structure === "transparent" || file.structure === "ber-tlv") refuse(0x6981);
  return file;
}

/** READ RECORD. TS 102 221 §11.1.5 */
function readRecord(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  const file = recordFile(session, apdu);
  if (!allowed(card, session, file.read)) return refuse(0x6982);
  if (apdu.data.length > 0 || apdu.le === undefined) return refuse(0x6700);
  const length = file.contents[0]?.length ?? 0;
  if (apdu.le !== length && apdu.le !== 256) return refuse(0x6c00 | (length & 0xff));
  return answer((file.contents[recordIndex(session, file, apdu)] ?? new Uint8Array(0)).slice());
}

/** UPDATE RECORD. TS 102 221 §11.1.6 */
function updateRecord(card: CardCore, session: Session, apdu: CommandApdu, profile: ProfileState): ResponseApdu {
  const file = recordFile(session, apdu);
  if (!allowed(card, session, file.update)) return refuse(0x6982);
  if (apdu.data.length !== (file.contents[0]?.length ?? 0)) return refuse(0x6700);
  writeFile(profile, file, recordIndex(session, file, apdu), 0, apdu.data);
  card.commit();
  return status(0x9000);
}

/** SEARCH RECORD, simple search. TS 102 221 §11.1.7 */
function searchRecord(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  const file = recordFile(session, apdu);
  if (!allowed(card, session, file.read)) return refuse(0x6982);
  const mode = apdu.p2 & 0x07;
  if (mode !== 0x04 && mode !== 0x05) return refuse(0x6a86);
  if (apdu.data.length === 0) return refuse(0x6700);
  const count = file.contents.length;
  const first = apdu.p1 === 0 ? Math.max(session.record, 1) : apdu.p1;
  if (first > count) return refuse(0x6a83);
  const order = Array.from({ length: count }, (_, i) => i + 1).filter((n) => (mode === 0x04 ? n >= first : n <= first));
  const found = (mode === 0x04 ? order : order.reverse()).filter((n) => contains(file.contents[n - 1], apdu.data));
  if (found.length === 0) return refuse(0x6282);
  session.record = found[0] ?? 0;
  return answer(Uint8Array.from(found));
}

function contains(record: Uint8Array | undefined, pattern: Uint8Array): boolean {
  if (record === undefined) return false;
  for (let at = 0; at + pattern.length <= record.length; at++) {
    if (equalBytes(record.subarray(at, at + pattern.length), pattern)) return true;
  }
  return false;
}

/** STATUS. TS 102 221 §11.1.2 */
function statusCommand(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  if (p1 > 0x02) return refuse(0x6a86);
  if (data.length > 0) return refuse(0x6700);
  const here = session.directory ?? card.files?.mf;
  if (here === undefined) return refuse(0x6985);
  if (p2 === 0x0c) return status(0x9000);
  if (p2 === 0x01) return answer(session.adf?.aid ? tlvBytes(0x84, session.adf.aid) : new Uint8Array(0));
  if (p2 !== 0x00) return refuse(0x6a86);
  return answer(describe(card, here));
}

/** AUTHENTICATE. TS 31.102 §7.1 */
function authenticateCommand(card: CardCore, session: Session, apdu: CommandApdu, profile: ProfileState): ResponseApdu {
  if (apdu.p1 !== 0) return refuse(0x6a86);
  if (session.adf === undefined) return refuse(0x6985);
  if (!allowed(card, session, "pin")) return refuse(0x6982);
  const own = profile.installed?.algorithms[session.adf.path] ?? profile.authentication;
  const result = authenticate(own, apdu.p2, apdu.data);
  card.commit();
  return answer(result);
}
