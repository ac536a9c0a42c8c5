import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { concatBytes, toHex } from "../../../src/base/hex.ts";
import { readLength, readTlv, type Tlv, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { type ResponseApdu, succeeded } from "../apdu.ts";

/** Who carries the commands of a script out. */
export interface ScriptTarget {
  /** Runs one C-APDU; never throws. */
  run(apdu: Uint8Array): ResponseApdu;
  /** Runs one SCP03t TLV (84, 85, 86), `head` = its tag and length as sent; absent where there is no such channel. */
  scp03t?(tag: number, head: Uint8Array, value: Uint8Array): { readonly response: Uint8Array; readonly ok: boolean };
  /** Whether the octets from `header` on stand for an outgoing command (P3 is Le) in the compact format. */
  outgoing(header: Uint8Array): boolean;
  /** Script chaining: undefined = continue, otherwise the status to answer. TS 102 226 §5.2.1.4 */
  chain(value: number): number | undefined;
  /** An immediate action that holds a proactive command. */
  immediate(action: Uint8Array): void;
}

/** Answers that the field shows in more than one form. */
interface ScriptStyle {
  readonly warningStopsScript: boolean;
  readonly countInIndefinite: boolean;
}

/** Whether these octets are an expanded script (AA or AE), as opposed to a compact one. */
function isExpanded(body: Uint8Array): boolean {
  return body[0] === 0xaa || body[0] === 0xae;
}

/** Runs a script and returns its response in kind. TS 102 226 §5 */
export function runScript(body: Uint8Array, target: ScriptTarget, style: ScriptStyle): Uint8Array {
  return isExpanded(body) ? runExpanded(body, target, style) : runCompact(body, target, style);
}

function goesOn(sw: number, style: ScriptStyle): boolean {
  const warning = sw >> 8 === 0x62 || sw >> 8 === 0x63;
  return succeeded(sw) || (warning && !style.warningStopsScript);
}

const badFormat = { unknownTag: 1, wrongLength: 2, lengthNotFound: 3 } as const;

/** Commands of the template, or the code of its bad format. */
function parseTemplate(body: Uint8Array): { definite: boolean; commands: Tlv[] } | { definite: boolean; bad: number } {
  const definite = body[0] === 0xaa;
  const indefinite = !definite && body[1] === 0x80;
  const commands: Tlv[] = [];
  try {
    const from = new Reader(body);
    from.u8();
    if (from.ended) return { definite, bad: badFormat.lengthNotFound };
    if (indefinite) from.u8();
    else if (readLength(from) !== from.remaining) return { definite, bad: badFormat.wrongLength };
    while (!from.ended) {
      if (indefinite && from.peek() === 0 && from.peek(1) === 0) {
        from.take(2);
        from.end("template");
        return { definite, commands };
      }
      commands.push(readTlv(from));
    }
    return indefinite ? { definite, bad: badFormat.wrongLength } : { definite, commands };
  } catch (error) {
    const missing = isGatewayError(error, "codec.truncated") && error.detail.field === "length";
    return { definite, bad: missing ? badFormat.lengthNotFound : badFormat.wrongLength };
  }
}

interface Run {
  readonly parts: Uint8Array[];
  executed: number;
}

function runExpanded(body: Uint8Array, target: ScriptTarget, style: ScriptStyle): Uint8Array {
  const template = parseTemplate(body);
  const run: Run = { parts: [], executed: 0 };
  if ("bad" in template) run.parts.push(tlvBytes(0x90, Uint8Array.of(template.bad)));
  else for (const [i, command] of template.commands.entries()) if (!step(body, command, i, run, target, style)) break;
  const count =
    run.executed > 0xff ? Uint8Array.of(run.executed >> 8, run.executed & 0xff) : Uint8Array.of(run.executed);
  const counted = tlvBytes(0x80, count);
  if (template.definite) return tlvBytes(0xab, counted, ...run.parts);
  const parts = style.countInIndefinite ? [counted, ...run.parts] : run.parts;
  return concatBytes(Uint8Array.of(0xaf, 0x80), ...parts, Uint8Array.of(0, 0));
}

/** One command TLV; false ends the script. */
function step(
  body: Uint8Array,
  { tag, value, offset, valueOffset }: Tlv,
  index: number,
  run: Run,
  target: ScriptTarget,
  style: ScriptStyle,
): boolean {
  switch (tag) {
    case 0x22:
    case 0xa2: {
      const { data, sw } = target.run(value);
      run.executed += 1;
      run.parts.push(tlvBytes(0x23, data, Uint8Array.of(sw >> 8, sw & 0xff)));
      return goesOn(sw, style);
    }
    case 0x81:
      target.immediate(value);
      return true;
    case 0x82:
      return true;
    case 0x83: {
      const refused = index === 0 ? target.chain(value[0] ?? 0) : 3;
      if (refused !== undefined) run.parts.push(tlvBytes(0x83, Uint8Array.of(refused)));
      return refused === undefined;
    }
    case 0x84:
    case 0x85:
    case 0x86:
      if (target.scp03t) {
        const { response, ok } = target.scp03t(tag, body.subarray(offset, valueOffset), value);
        run.executed += 1;
        run.parts.push(response);
        return ok;
      }
  }
  run.parts.push(tlvBytes(0x90, Uint8Array.of(badFormat.unknownTag)));
  return false;
}

const noData = new Uint8Array(0);

function runCompact(body: Uint8Array, target: ScriptTarget, style: ScriptStyle): Uint8Array {
  let at = 0;
  let executed = 0;
  let waiting: Uint8Array = noData;
  let last: ResponseApdu = { data: noData, sw: 0x9000 };
  while (at < body.length) {
    const rest = body.subarray(at);
    const outgoing = rest.length <= 5 || target.outgoing(rest);
    const apdu = outgoing ? rest.subarray(0, 5) : rest.subarray(0, 5 + (rest[4] ?? 0));
    at += apdu.length;
    executed += 1;
    if (apdu[1] === 0xc0) {
      last = collect(waiting, apdu[4] || 256);
      waiting = waiting.subarray(last.data.length);
    } else {
      const { data, sw } = target.run(apdu);
      if (outgoing && apdu.length === 5) last = { data, sw };
      else
        last =
          data.length > 0 && succeeded(sw) ? { data: noData, sw: 0x6100 | (data.length & 0xff) } : { data: noData, sw };
      waiting = outgoing ? noData : data;
    }
    if (!goesOn(last.sw, style)) break;
  }
  return concatBytes(Uint8Array.of(executed, last.sw >> 8, last.sw & 0xff), at >= body.length ? last.data : noData);
}

/** GET RESPONSE inside a compact script. */
function collect(waiting: Uint8Array, le: number): ResponseApdu {
  if (waiting.length === 0) return { data: noData, sw: 0x6f00 };
  if (le > waiting.length && le !== 256) return { data: noData, sw: 0x6c00 | (waiting.length & 0xff) };
  const data = waiting.subarray(0, le);
  const left = waiting.length - data.length;
  return { data, sw: left > 0 ? 0x6100 | (left & 0xff) : 0x9000 };
}

/** A short name of a command for logs: the header alone for commands that carry secrets. */
export function loggable(apdu: Uint8Array): string {
  const secret = [0x20, 0x24, 0x26, 0x28, 0x2c, 0x88, 0xd8].includes(apdu[1] ?? 0);
  return toHex(secret ? apdu.subarray(0, 4) : apdu);
}
