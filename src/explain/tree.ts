import { withoutUndefined } from "../base/defined.ts";
import { asGatewayError, codecError, type GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { toHex } from "../base/hex.ts";
import { Reader } from "../codec/kit/codec.ts";
import { unsignedOf } from "../codec/kit/unsigned.ts";
import { mayHoldSecret } from "../codec/secrets/secret-data.ts";

/** One thing found in octets. `offset` counts from the start of the input the user gave. */
export interface Node {
  readonly label: string;
  /** What it states, as text. */
  readonly value?: string;
  /** The octets of a leaf (of a TLV, its value) as they stand; absent where parts follow, or a secret is hidden. */
  readonly hex?: string;
  readonly offset: number;
  /** Octets. */
  readonly length: number;
  /** Where it is defined: `TS 102 225 §5.1`. */
  readonly clause?: string;
  /** An irregularity. */
  readonly note?: string;
  /** Why the octets from here on could not be read. */
  readonly error?: { readonly code: string; readonly message: string; readonly offset: number };
  readonly children: readonly Node[];
}

/** Optional contents of a node besides label and position. */
interface Extra {
  readonly clause?: string | undefined;
  readonly note?: string | undefined;
  /** What cannot be read of it may be a secret. */
  readonly confidential?: boolean | undefined;
}

/** Words for octets; undefined when there is nothing to add to them. */
export type Render = (octets: Uint8Array, offset: number) => string | undefined;

/** The octets of a node as text: none where there are parts. */
export function leaf(label: string, octets: Uint8Array, offset: number, value?: string, extra: Extra = {}): Node {
  return {
    label,
    ...withoutUndefined({ value }),
    ...(octets.length === 0 ? {} : { hex: toHex(octets) }),
    offset,
    length: octets.length,
    ...extraOf(extra),
    children: [],
  };
}

function extraOf(extra: Extra): Pick<Node, "clause" | "note"> {
  return withoutUndefined({ clause: extra.clause, note: extra.note });
}

/** Parts of one node; no frame of a card or network has a hundredth of them. */
const maxParts = 20_000;

/** Characters after which the line of a whole takes no further words of its parts. */
const maxLine = 1000;

/** Parts are found from left to right; whatever goes wrong ends in a node that indicates it. */
export class Branch {
  readonly from: Reader;
  readonly #children: Node[] = [];
  /** Meaning of the whole; may be set before its last part was read. */
  value: string | undefined;
  note: string | undefined;
  readonly #confidential: boolean;
  #words = "";
  #wordsLeftOut = 0;

  /** `confidential`: octets that cannot be read may be keys or PINs, and are not shown. */
  constructor(octets: Uint8Array, base: number, confidential = false) {
    this.from = new Reader(octets, base);
    this.#confidential = confidential;
  }

  get children(): readonly Node[] {
    return this.#children;
  }

  /** Texts of the parts so far, in one line of limited length, however many parts there are. */
  get words(): string {
    return this.#wordsLeftOut === 0 ? this.#words : `${this.#words}; … ${this.#wordsLeftOut} more`;
  }

  /** Adds what a part states to the line of the whole. */
  addWords(words: string | undefined): void {
    if (words === undefined) return;
    if (this.#words.length >= maxLine) this.#wordsLeftOut++;
    else this.#words = this.#words === "" ? words : `${this.#words}; ${words}`;
  }

  /** The next `count` octets as a leaf. `say` may throw: the leaf then carries the error. */
  field(label: string, count: number, render?: Render, extra?: Extra): Uint8Array {
    const offset = this.from.offset;
    const octets = this.from.take(count, label);
    this.add(leafWithText(label, octets, offset, render, extra));
    return octets;
  }

  /** The next octet as a leaf. */
  octet(label: string, render?: (octet: number) => string | undefined, extra?: Extra): number {
    const octets = this.field(label, 1, render === undefined ? undefined : ([one = 0]) => render(one), extra);
    return octets[0] ?? 0;
  }

  /** A big-endian number of `count` (1 to 6) octets as a leaf that shows it in decimal. */
  uint(label: string, count: number, render: (value: number) => string = String, extra?: Extra): number {
    const octets = this.field(label, count, (bytes, offset) => render(numberOf(bytes, offset)), extra);
    return numberOf(octets, this.from.offset - count);
  }

  /** The next `count` octets, not shown unless the caller asked for secrets. */
  secret(label: string, count: number, shown = false): void {
    const offset = this.from.offset;
    const octets = this.from.take(count, label);
    this.add(shown ? leaf(label, octets, offset) : hiddenLeaf(label, octets, offset));
  }

  /** The next `count` octets as a part of its own. */
  part(count: number, build: (octets: Uint8Array, offset: number) => Node): Node {
    const offset = this.from.offset;
    return this.add(build(this.from.take(count), offset));
  }

  /** @throws codec.length when there are more parts than can be displayed */
  add(node: Node): Node {
    if (this.#children.length >= maxParts) {
      throw codecError("codec.length", `more than ${maxParts} parts; what follows is not opened`, node.offset);
    }
    this.#children.push(node);
    return node;
  }

  /** What is left, as one leaf; nothing when nothing is left. */
  rest(label: string, render?: Render, extra?: Extra): void {
    if (!this.from.ended) this.field(label, this.from.remaining, render, extra);
  }

  /** The remaining octets without a description, as one leaf. */
  leftOver(): void {
    if (this.from.ended) return;
    const offset = this.from.offset;
    this.add({ ...this.#unread("octets left over", this.from.rest(), offset), note: "of unknown meaning" });
  }

  /** A node for what stopped the reading, covering the octets that were not read. */
  fail(error: GatewayError): void {
    const offset = this.from.offset;
    const node = this.#unread("not readable", this.from.rest(), offset);
    this.#children.push({ ...node, error: errorOf(error, offset) });
  }

  #unread(label: string, octets: Uint8Array, offset: number): Node {
    const hidden = octets.length > 0 && (this.#confidential || mayHoldSecret(octets));
    return hidden ? hiddenLeaf(label, octets, offset) : leaf(label, octets, offset);
  }
}

/** Octets that nothing describes as a leaf; what may be the data of a secret command is not shown. */
export function unreadLeaf(label: string, octets: Uint8Array, offset: number): Node {
  return mayHoldSecret(octets)
    ? hiddenLeaf(label, octets, offset)
    : leaf(label, octets, offset, `${octets.length} octets`);
}

/** Octets that are not shown. */
export function hiddenLeaf(label: string, octets: Uint8Array, offset: number, extra: Extra = {}): Node {
  const value = `[hidden, ${octets.length} octets]`;
  return { label, value, offset, length: octets.length, ...extraOf(extra), children: [] };
}

/** A leaf with the text from `say`, or from the error that it threw. */
export function leafWithText(label: string, octets: Uint8Array, offset: number, render?: Render, extra?: Extra): Node {
  try {
    return leaf(label, octets, offset, render?.(octets, offset), extra);
  } catch (thrown) {
    const error = faultOf(thrown);
    return { ...leaf(label, octets, offset, undefined, extra), error: errorOf(error, offset) };
  }
}

function errorOf(error: GatewayError, fallback: number): NonNullable<Node["error"]> {
  const { offset } = error.detail;
  return { code: error.code, message: error.message, offset: typeof offset === "number" ? offset : fallback };
}

/** Errors of ours are facts about the octets; anything else is a defect and passes. */
function faultOf(thrown: unknown): GatewayError {
  if (!isGatewayError(thrown)) throw thrown;
  return asGatewayError(thrown);
}

/**
 * A node of parts. `build` reads them; what it returns is the node's value. What it throws becomes a node over the
 * unread octets, and octets it leaves over are shown as such.
 */
export function branchOf(
  label: string,
  octets: Uint8Array,
  base: number,
  build: (branch: Branch) => string | undefined,
  extra: Extra = {},
): Node {
  const branch = new Branch(octets, base, extra.confidential);
  try {
    branch.value = build(branch) ?? branch.value;
    branch.leftOver();
  } catch (thrown) {
    branch.fail(faultOf(thrown));
  }
  return {
    label,
    ...spokenValue(branch),
    offset: base,
    length: octets.length,
    ...extraOf({ clause: extra.clause, note: branch.note ?? extra.note }),
    children: branch.children,
  };
}

function spokenValue({ value, words }: Branch): Pick<Node, "value"> {
  if (value !== undefined) return { value };
  return words === "" ? {} : { value: words };
}

/** A node of one leaf. */
export function leafOf(label: string, octets: Uint8Array, base: number, render?: Render, extra?: Extra): Node {
  return leafWithText(label, octets, base, render, extra);
}

/** An unsigned big-endian number at `offset`. @throws codec.length where it has no octet, or more than are exact */
export function numberOf(octets: Uint8Array, offset: number): number {
  const number = unsignedOf(octets);
  if (number === undefined) {
    const message = octets.length === 0 ? "a number without octets" : `a number of ${octets.length} octets`;
    throw codecError("codec.length", message, offset);
  }
  return number;
}

/** The decimal digits of a number. @throws codec.length, as {@link numberOf} */
export function decimal(octets: Uint8Array, offset: number): string {
  return String(numberOf(octets, offset));
}

/** An octet as two digits. */
export function hex2(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, "0");
}

/** A status word or file identifier as four digits. */
export function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}

/** Tags of a tag list (5C), which has no lengths, as text. */
export function hexTagList(octets: Uint8Array): string {
  const tags: string[] = [];
  for (let at = 0; at < octets.length; at++) {
    const first = octets[at] ?? 0;
    if ((first & 0x1f) === 0x1f && at + 1 < octets.length) tags.push(hex4(first * 256 + (octets[++at] ?? 0)));
    else tags.push(hex2(first));
  }
  return tags.join(" ");
}
