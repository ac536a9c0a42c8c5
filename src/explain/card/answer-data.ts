import { statusWordName } from "../../codec/apdu/status-word.ts";
import { classifyCommand } from "../../codec/euicc/es5/classify.ts";
import type { Es5Name } from "../../codec/euicc/es5/functions.ts";
import { es5StatusText } from "../../codec/euicc/es5/status.ts";
import { answersWithKeys } from "../../codec/secrets/secret-data.ts";
import type { Context } from "../context.ts";
import { initializeUpdateNode, looksLikeInitializeUpdate } from "../packet/secure-channel.ts";
import { branchOf, hiddenLeaf, leaf, leafOf, type Node } from "../tree.ts";
import { es5Words } from "./es5-words.ts";
import { keyWords } from "./gp-command.ts";
import { instructionOf } from "./instruction.ts";

/** Status word in the words of the ES5 function it answers, otherwise of the UICC. */
export function statusWords(sw: number, command: Uint8Array | undefined): string {
  if (command === undefined) return statusWordName(sw);
  const { function: fn } = classifyCommand(command);
  return es5Words(fn) === undefined ? statusWordName(sw) : (es5StatusText(es5Name(fn.name), sw) ?? statusWordName(sw));
}

function es5Name(name: string): Es5Name | undefined {
  return es5Names.find((one) => one === name);
}

const es5Names: readonly Es5Name[] = [
  "createISDP",
  "enableProfile",
  "disableProfile",
  "setFallbackAttribute",
  "setEmergencyProfileAttribute",
  "deleteProfile",
  "masterDelete",
  "auditStatus",
  "establishISDRKeySet",
  "finaliseISDRhandover",
  "confirmNotification",
];

const dataTypes = [
  "proactive-command",
  "fcp",
  "card-data",
  "certificate",
  "tp-ud",
  "response-packet",
  "notification",
  "script-response",
  "euicc-response",
] as const;

/** Data of an R-APDU: as what its command asks for, otherwise as what they look like; undefined when nothing states. */
export function answerDataNode(octets: Uint8Array, offset: number, context: Context): Node | undefined {
  const { command } = context;
  if (context.keyFile === true && context.secrets !== true)
    return hiddenLeaf("content of a file of keys", octets, offset);
  // RES, CK, IK and Kc of AUTHENTICATE: nothing else of a UICC starts with DB.
  if ((command !== undefined && answersWithKeys(command)) || octets[0] === 0xdb) {
    const label = "authentication answer";
    return context.secrets === true ? leaf(label, octets, offset) : hiddenLeaf(label, octets, offset);
  }
  const asked = command === undefined ? undefined : askedNode(octets, offset, command);
  if (asked !== undefined) return asked;
  const found = context.guess(dataTypes, octets, offset, context);
  if (found !== undefined) return found;
  return looksLikeInitializeUpdate(octets)
    ? initializeUpdateNode("INITIALIZE UPDATE answer", octets, offset)
    : undefined;
}

/** Answers that only their command explains. */
function askedNode(octets: Uint8Array, offset: number, command: Uint8Array): Node | undefined {
  const [cla = 0, ins = 0, p1 = 0] = command;
  const name = instructionOf(cla, ins, p1)?.name;
  switch (name) {
    case "INITIALIZE UPDATE":
      return initializeUpdateNode(`${name} answer`, octets, offset);
    case "DELETE":
    case "INSTALL":
    case "LOAD":
    case "SET STATUS":
      return receipt(octets, offset);
    case "PUT KEY":
      return checkValues(octets, offset);
    case "GET CHALLENGE":
      return leafOf("challenge", octets, offset);
    case "MANAGE CHANNEL":
      return octets.length === 1 ? leafOf("logical channel", octets, offset, ([one = 0]) => String(one)) : undefined;
    default:
      return undefined;
  }
}

/** `00`, or a receipt of delegated management behind its length. GP Card Specification §11.1.6 */
function receipt(octets: Uint8Array, offset: number): Node | undefined {
  if (octets.length === 1 && octets[0] === 0) {
    return leafOf("confirmation", octets, offset, () => "none: no receipt", {
      clause: "GP Card Specification §11.1.6",
    });
  }
  return octets[0] === octets.length - 1 ? leafOf("confirmation", octets, offset, () => "with a receipt") : undefined;
}

/** Key version number and key check values. GP Card Specification §11.8.3 */
function checkValues(octets: Uint8Array, offset: number): Node {
  return branchOf("PUT KEY answer", octets, offset, (branch) => {
    const version = branch.octet("key version number", (kvn) => keyWords(kvn, 0).replace(/, key 0.*$/, ""));
    branch.rest("key check values");
    return `key version ${version.toString(16).toUpperCase().padStart(2, "0")}`;
  });
}
