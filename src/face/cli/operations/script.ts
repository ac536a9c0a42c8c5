import { z } from "zod";
import { GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import {
  capduObject,
  compactScript,
  expandedScript,
  isCapdu,
  isExpandedScript,
  parseScript,
  type ScriptObject,
} from "../../../codec/ota/script.ts";
import { isExpandedResponse, parseScriptResponse } from "../../../codec/ota/script-response.ts";
import { hexField, kindField } from "./field.ts";
import { type Answer, operation } from "./operation.ts";
import { responseShape, scriptShape } from "./script-shape.ts";

const tagField = hexField().refine((bytes) => bytes.length >= 1 && bytes.length <= 3, "a tag of one to three octets");

/** Builds a script in all formats that can hold it. ETSI TS 102 226 §5 */
export const scriptEncode = operation({
  name: "script encode",
  input: z
    .object({
      apdus: z.array(hexField()).nullish(),
      commands: z.array(z.object({ tag: tagField, value: hexField() })).nullish(),
    })
    .refine((given) => Boolean(given.apdus) !== Boolean(given.commands), "give either apdus or commands"),
  run: (input): Answer => {
    const objects: readonly ScriptObject[] =
      input.apdus?.map(capduObject) ??
      (input.commands ?? []).map(({ tag, value }) => ({ tag: Number.parseInt(toHex(tag), 16), value }));
    return {
      ...compact(objects),
      expanded_definite: toHex(expandedScript(objects, "expanded-definite")),
      expanded_indefinite: toHex(expandedScript(objects, "expanded-indefinite")),
    };
  },
});

/** The compact form contains only C-APDUs of short length; null with the reason if the script does not fit. */
function compact(objects: readonly ScriptObject[]): Answer {
  if (!objects.every((object) => isCapdu(object.tag))) return {};
  try {
    return { compact: toHex(compactScript(objects.map((object) => object.value))) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { compact: null, compact_error: error.message };
  }
}

/** Reads a command script or the answer to one. ETSI TS 102 226 §5 */
export const scriptDecode = operation({
  name: "script decode",
  input: z.object({
    data: hexField().nullish(),
    script: hexField().nullish(),
    response: hexField().nullish(),
    kind: kindField,
  }),
  run: (input): Answer => {
    const octets = input.script ?? input.response ?? input.data;
    if (!octets) throw new GatewayError("api.usage", "data is required", { detail: { field: "data" } });
    const kind = input.kind ?? (input.script ? "command" : input.response ? "response" : guessKind(octets));
    if (kind === "command") {
      const script = parseScript(octets);
      return { kind, format: script.format, ...scriptShape(script) };
    }
    const response = parseScriptResponse(octets);
    return { kind, format: response.format, ...responseShape(response) };
  },
});

/** Templates are identified by their tag; compact octets are an answer when a status word follows the first of them. */
function guessKind(octets: Uint8Array): "command" | "response" {
  if (isExpandedScript(octets)) return "command";
  if (isExpandedResponse(octets)) return "response";
  try {
    parseScript(octets);
  } catch {
    return "response";
  }
  const high = (octets[1] ?? 0) >> 4;
  return high === 0x6 || high === 0x9 ? "response" : "command";
}
