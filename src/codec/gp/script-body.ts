import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { tlvBytes } from "../kit/ber.ts";
import { expandedScript, parseScript, type ScriptObject, scriptTag } from "../ota/script.ts";
import { isExpandedResponse, parseScriptResponse } from "../ota/script-response.ts";

/** Whether a response body can be read at all. */
export function isResponseScript(body: Uint8Array): boolean {
  if (!isExpandedResponse(body)) return false;
  try {
    parseScriptResponse(body);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}

/** Octets that template, length and end may take around the commands. */
const overhead = 4;

/**
 * Cuts a command script at command boundaries so that no part is larger than the card's buffer. The form stays as it
 * was. A script with a chaining object is not cut: its parts would no longer belong together.
 * @throws codec.length when one command alone is larger
 */
export function splitScript(body: Uint8Array, maxOctets: number): Uint8Array[] {
  if (body.length <= maxOctets) return [body];
  const { format, objects } = parseScript(body);
  if ((format !== "expanded-definite" && format !== "expanded-indefinite") || objects.some(isChaining)) {
    throw codecError("codec.length", `the script has ${body.length} octets and cannot be cut`, 0);
  }
  const parts: ScriptObject[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const [index, object] of objects.entries()) {
    const octets = tlvBytes(object.tag, object.value).length;
    if (octets + overhead > maxOctets) {
      throw codecError("codec.length", `command ${index + 1} alone has ${octets} octets`, object.offset);
    }
    if (size + octets > maxOctets) {
      parts.push([]);
      size = overhead;
    }
    parts.at(-1)?.push(object);
    size += octets;
  }
  return parts.map((part) => expandedScript(part, format));
}

function isChaining(object: ScriptObject): boolean {
  return object.tag === scriptTag.chaining;
}
