import { codecError } from "../../base/gateway-error.ts";
import { hexTag, readTlv, type Tlv, tlvBytes } from "./ber.ts";
import { type Codec, decode, encode } from "./codec.ts";

/** A TLV member of a template. `tags[0]` is written; the others are read as the same thing. */
interface Member<T> {
  readonly tags: readonly number[];
  readonly inner: Codec<T>;
  readonly presence: "one" | "maybe" | "many";
}

type Inner<M> = M extends Member<infer T> ? T : never;

/** Exactly one TLV of this tag (or of one of its alternative spellings). */
export function tlv<T>(tag: number | readonly number[], inner: Codec<T>): Member<T> & { presence: "one" } {
  return { tags: typeof tag === "number" ? [tag] : tag, inner, presence: "one" };
}

/** None or one. */
export function maybe<T>(member: Member<T>): Member<T> & { presence: "maybe" } {
  return { ...member, presence: "maybe" };
}

/** Any number, kept in order. */
export function many<T>(member: Member<T>): Member<T> & { presence: "many" } {
  return { ...member, presence: "many" };
}

type Members = Readonly<Record<string, Member<any>>>;

/** A template's value: its members by name, and undeclared TLVs, kept to be written back. */
type TemplateValue<M extends Members> = {
  readonly [K in keyof M as M[K]["presence"] extends "one" ? K : never]: Inner<M[K]>;
} & {
  readonly [K in keyof M as M[K]["presence"] extends "maybe" ? K : never]?: Inner<M[K]> | undefined;
} & {
  readonly [K in keyof M as M[K]["presence"] extends "many" ? K : never]: readonly Inner<M[K]>[];
} & { readonly unknown?: readonly Pick<Tlv, "tag" | "value">[] };

/**
 * TLVs in any order up to the end of the input; written in the order of the declaration, unknown ones last.
 * @throws codec.tag for a missing or repeated member
 */
export function template<M extends Members>(members: M): Codec<TemplateValue<M>> {
  const entries = Object.entries(members);
  const byTag = new Map<number, [string, Member<unknown>]>();
  for (const [name, member] of entries) for (const tag of member.tags) byTag.set(tag, [name, member]);
  return {
    read: (from) => {
      const value: Record<string, unknown> = {};
      for (const [name, member] of entries) if (member.presence === "many") value[name] = [];
      const unknown: Pick<Tlv, "tag" | "value">[] = [];
      while (!from.ended) {
        const found = readTlv(from);
        const known = byTag.get(found.tag);
        if (known === undefined) {
          unknown.push({ tag: found.tag, value: found.value });
          continue;
        }
        const [name, member] = known;
        const inner = decode(member.inner, found.value, found.valueOffset);
        const list = value[name];
        if (member.presence === "many" && Array.isArray(list)) list.push(inner);
        else if (name in value)
          throw codecError("codec.tag", `second ${name} (tag ${hexTag(found.tag)})`, found.offset);
        else value[name] = inner;
      }
      for (const [name, member] of entries) {
        if (member.presence === "one" && !(name in value)) {
          throw codecError("codec.tag", `${name} (tag ${hexTag(member.tags[0] ?? 0)}) is missing`, from.offset);
        }
      }
      if (unknown.length > 0) value.unknown = unknown;
      return value as TemplateValue<M>;
    },
    write: (to, value) => {
      const source: Readonly<Record<string, unknown>> = value;
      for (const [name, member] of entries) {
        const given = source[name];
        if (given === undefined) continue;
        const all: readonly unknown[] = member.presence === "many" && Array.isArray(given) ? given : [given];
        for (const one of all) to.bytes(tlvBytes(member.tags[0] ?? 0, encode(member.inner, one)));
      }
      for (const { tag, value: octets } of value.unknown ?? []) to.bytes(tlvBytes(tag, octets));
    },
  };
}
