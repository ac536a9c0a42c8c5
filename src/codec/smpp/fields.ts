import { codecError } from "../../base/gateway-error.ts";
import type { Codec } from "../kit/codec.ts";

const shortText = 24;

/** Octets as text, one character per octet, so that nothing a peer sends is lost. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  if (bytes.length <= shortText) {
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] ?? 0);
    return text;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Text as octets. @throws codec.text for a character outside one octet */
export function fromLatin1(text: string, field = "text", offset = 0): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff)
      throw codecError("codec.text", `${field}: '${text[i]}' is not a single octet`, offset + i, { field });
    bytes[i] = code;
  }
  return bytes;
}

/** One octet. Named, because SMPP answers a bad field with that field's own status. */
export function int8(field: string): Codec<number> {
  return {
    read: (from) => from.u8(field),
    write: (to, value) => {
      if (!Number.isInteger(value) || value < 0 || value > 0xff) {
        throw codecError("codec.value", `${field}: ${value} does not fit one octet`, to.length, { field });
      }
      to.u8(value);
    },
  };
}

/** Four octets, big-endian. */
export function int32(field: string): Codec<number> {
  return {
    read: (from) => from.uint(4, field),
    write: (to, value) => {
      if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
        throw codecError("codec.value", `${field}: ${value} does not fit four octets`, to.length, { field });
      }
      to.uint(value, 4);
    },
  };
}

/**
 * C-octet string: characters and a NUL, `max` octets with the NUL. `readMax` is for fields that real peers overfill.
 * @throws codec.length too long, codec.truncated without NUL, codec.text for a NUL or a wide character inside
 */
export function cString(field: string, max: number, readMax = max): Codec<string> {
  return {
    read: (from) => {
      const { offset, remaining } = from;
      const limit = Math.min(remaining, readMax);
      let length = 0;
      let octet = from.peek();
      while (length < limit && octet !== 0) octet = from.peek(++length);
      if (length < limit) {
        const text = latin1(from.take(length, field));
        from.u8(field);
        return text;
      }
      if (limit === remaining) throw codecError("codec.truncated", `${field}: no NUL ends it`, offset, { field });
      throw codecError("codec.length", `${field}: longer than ${readMax - 1} characters`, offset, { field });
    },
    write: (to, value) => {
      if (value.length >= max) {
        throw codecError("codec.length", `${field}: longer than ${max - 1} characters`, to.length, { field });
      }
      for (let i = 0; i < value.length; i++) {
        const code = value.charCodeAt(i);
        if (code === 0 || code > 0xff) {
          throw codecError("codec.text", `${field}: character ${i} cannot be sent`, to.length, { field });
        }
        to.u8(code);
      }
      to.u8(0);
    },
  };
}

/** SMPP 3.4 §5.2.8, §5.2.9 */
const maxAddressLength = 20;

/**
 * Throws for an address that no submit_sm or deliver_sm can carry. An EID is longer than the letter allows, but it names
 * a target, and what comes from there has to name it again. SGP.02 §2.2.2
 * @throws codec.length naming the field
 */
export function requireAddress(addr: string, field: string): void {
  const bare = addr.replace(/^\+/, "");
  if (bare.length <= maxAddressLength || /^\d{32}$/.test(bare)) return;
  throw codecError("codec.length", `${field}: ${bare.length} characters, ${maxAddressLength} at most`, 0, { field });
}

/** A {@link cString} of a response; read as far as the PDU goes, because some peers forget the NUL. */
export function looseCString(field: string, max: number, readMax: number): Codec<string> {
  const strict = cString(field, max, readMax);
  return {
    read: (from) => {
      let length = 0;
      while (length < from.remaining && from.peek(length) !== 0) length++;
      return length < from.remaining || length >= readMax ? strict.read(from) : latin1(from.rest());
    },
    write: strict.write,
  };
}

/** `sm_length` and as many octets; 254 at most when written, 255 tolerated when read. SMPP 3.4 §5.2.21, §5.2.22 */
export const shortMessage: Codec<Uint8Array> = {
  read: (from) => from.take(from.u8("sm_length"), "short_message"),
  write: (to, value) => {
    if (value.length > 254) {
      throw codecError("codec.length", `short_message: ${value.length} octets, 254 at most`, to.length, {
        field: "short_message",
      });
    }
    to.u8(value.length).bytes(value);
  },
};

/** A count in one octet and as many items. */
export function counted<T>(field: string, item: Codec<T>): Codec<readonly T[]> {
  return {
    read: (from) => {
      const count = from.u8(field);
      const items: T[] = [];
      for (let i = 0; i < count; i++) items.push(item.read(from));
      return items;
    },
    write: (to, items) => {
      if (items.length > 0xff) {
        throw codecError("codec.length", `${field}: ${items.length} entries, 255 at most`, to.length, { field });
      }
      to.u8(items.length);
      for (const one of items) item.write(to, one);
    },
  };
}
