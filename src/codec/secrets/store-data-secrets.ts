import { LoginScan, type Range } from "./login-secrets.ts";

/** Data groups and where their secrets stand. */
interface StoredSecrets {
  readonly keys: readonly Range[];
  readonly logins: readonly Range[];
}

/** SM-SR addressing and connectivity parameters. SGP.02 §4.1.1.10 */
const addressing = 0x3a07;
/** Tags of stored session and name resolution parameters. GP Amendment B §3.8, §3.11 */
const storedSets = new Set([0x85, 0xa5, 0xf4, 0xf5]);

/** Data that STORE DATA may send in all its blocks; what goes beyond is hidden. */
const maxStored = 65_536;

/**
 * Finds the secrets of STORE DATA in the data of all its blocks, one after the other, and reads each octet once. Groups
 * 8000 to 8FFF are those whose content is confidential (PINs, keys, private keys); connectivity parameters hold a
 * login. What continues in blocks to come is read as far as it goes. EMV Card Personalization Specification §2.2, GP
 * Card Specification §11.11, Amendment A §4
 */
export class StoredBlocks {
  #buffer = new Uint8Array();
  #length = 0;
  // Some senders write the length of a group as BER has it: both readings count.
  readonly #groups = [new GroupScan(false), new GroupScan(true)];
  readonly #tlvs = new LoginScan(0, maxStored);
  /** Number of the block that has to come next; none does behind the last one. */
  next: number | undefined = 0;

  /** Whether this much more is read. */
  hasRoom(octets: number): boolean {
    return this.#length + octets <= maxStored;
  }

  /**
   * What is secret in the data of the next block.
   * @param p1 of the block: b5 and b4 specify how the data are built
   * @returns offsets into the data of this block
   */
  add(block: Uint8Array, p1: number): StoredSecrets {
    const before = this.#length;
    const data = this.#append(block);
    const parts = this.#groups.map((one) => one.read(data, before));
    const tlvs = this.#tlvs.read(data, before);
    const inBlock = ([from, to]: Range): Range => [Math.max(from, before) - before, Math.min(to, data.length) - before];
    const form = p1 & 0x18;
    if (form === 0x10) return { keys: [], logins: tlvs.map(inBlock) };
    const stored = form === 0x00 && storedSets.has(data[0] ?? 0) ? tlvs : [];
    return {
      keys: parts.flatMap(({ keys }) => keys).map(inBlock),
      logins: [...parts.flatMap(({ logins }) => logins), ...stored].map(inBlock),
    };
  }

  /** All data with a block behind them; room is made for twice as much, so that little is copied. */
  #append(block: Uint8Array): Uint8Array {
    const length = this.#length + block.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(this.#length === 0 ? length : Math.max(length, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(block, this.#length);
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }
}

/** Reads data groups in one reading of their lengths. */
class GroupScan {
  readonly #ber: boolean;
  #at = 0;
  /** The group that is read, when it holds keys or logins. */
  #key: Range | undefined;
  #login: LoginScan | undefined;

  constructor(ber: boolean) {
    this.#ber = ber;
  }

  /** What is secret behind an offset up to which was read before. */
  read(data: Uint8Array, since: number): StoredSecrets {
    const keys = this.#key !== undefined && this.#key[1] > since ? [this.#key] : [];
    const logins = this.#login?.read(data, since) ?? [];
    for (let at = this.#at; at + 2 < data.length; at = this.#at) {
      const group = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
      const { start, length } = lengthAt(data, at + 2, this.#ber);
      if (start > data.length) break;
      const end = start + length;
      this.#key = group >> 12 === 0x8 && length > 0 ? [start, end] : undefined;
      this.#login = group === addressing ? new LoginScan(start, end) : undefined;
      // A group of which no octet is there yet is met again in the next block.
      if (this.#key !== undefined && start < data.length) keys.push(this.#key);
      logins.push(...(this.#login?.read(data, since) ?? []));
      this.#at = Math.max(end, at + 3);
    }
    return { keys, logins };
  }
}

function lengthAt(data: Uint8Array, at: number, ber: boolean): { start: number; length: number } {
  const first = data[at] ?? 0;
  const second = data[at + 1] ?? 0;
  const third = data[at + 2] ?? 0;
  if (first === 0xff || (ber && first === 0x82)) return { start: at + 3, length: (second << 8) | third };
  return ber && first === 0x81 ? { start: at + 2, length: second } : { start: at + 1, length: first };
}
