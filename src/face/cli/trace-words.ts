import { toHex } from "../../base/hex.ts";
import { statusClass } from "../../codec/apdu/status-word.ts";
import type { ExplainType } from "../../explain/context.ts";
import { explain, explainAs } from "../../explain/explain.ts";
import type { Node } from "../../explain/tree.ts";

/** A frame as text: one line, and the lines below it. */
export interface FrameWords {
  readonly title: string;
  readonly below: readonly string[];
}

/** Outcome of a command in a few words; ordinary successes are shortened. */
function endWords(answer: Uint8Array, words: string): string {
  const sw = (answer.at(-2) ?? 0) * 256 + (answer.at(-1) ?? 0);
  const swText = toHex(answer.subarray(-2));
  const data = answer.length > 2;
  switch (statusClass(sw)) {
    case "ok":
      return data ? words.replace(/; 9[02]00$/, "") : "ok";
    case "proactive":
      return data
        ? words.replace(/; 91.*$/, `; a proactive command is pending (${swText})`)
        : `ok, a proactive command is pending (${swText})`;
    case "more":
      return `${sw & 0xff || 256} octets available`;
    default:
      return words;
  }
}

/** Files whose content identifies the card. */
const identities: Readonly<Record<string, ExplainType>> = { "EF.ICCID": "iccid", "EF.IMSI": "imsi" };

/** Facts from earlier exchanges that an APDU depends on. */
interface Exchange {
  /** The command whose answer a GET RESPONSE fetches. */
  readonly asked?: Uint8Array | undefined;
  /** Name of the file that is selected. */
  readonly file?: string | undefined;
}

/** An APDU and, if it has arrived, its answer. */
export function apduWords(
  command: Uint8Array | undefined,
  answer: Uint8Array | undefined,
  { asked = command, file }: Exchange = {},
): FrameWords {
  const out = command === undefined ? undefined : explainAs("c-apdu", command);
  const back = answer === undefined ? undefined : explainAs("r-apdu", answer, { command: asked });
  const title = out === undefined ? undefined : commandTitle(out, file);
  if (back === undefined || answer === undefined) return { title: title ?? "", below: [] };
  const identity = out?.value === "READ BINARY" && file !== undefined ? identities[file] : undefined;
  const content = identity === undefined || answer.length < 4 ? undefined : explainAs(identity, answer.subarray(0, -2));
  const end = content?.value ?? endWords(answer, back.value ?? "");
  return { title: title === undefined ? end : `${title} -> ${end}`, below: [] };
}

/** For FETCH and GET RESPONSE the number of octets is of no interest. */
function commandTitle(node: Node, file: string | undefined): string {
  const value = node.value ?? "command";
  if (file !== undefined && file !== "" && /^(READ|UPDATE) (BINARY|RECORD)/.test(value)) return `${value} of ${file}`;
  return /^(FETCH|GET RESPONSE) \d+$/.test(value) ? value.replace(/ \d+$/, "") : value;
}

/** A frame of one kind of octets. */
export function octetWords(type: ExplainType | undefined, octets: Uint8Array): FrameWords {
  const node = type === undefined ? explain(octets).node : explainAs(type, octets);
  const head = node.label === "script" || node.value === undefined ? node.label : `${node.label} ${node.value}`;
  return { title: head, below: outline(node) };
}

/** A script or the answer to one: a line per command. */
export function scriptWords(octets: Uint8Array, dir: "in" | "out", answering: boolean): FrameWords {
  const node = explainAs(answering ? "script-response" : scriptType(octets), octets);
  const commands = node.children.filter(
    (child) => child.label.startsWith("C-APDU") || child.label.startsWith("R-APDU") || child.label.startsWith("SCP03t"),
  );
  const below = commands.map((child, index) => `${index + 1}  ${child.value ?? child.label}`);
  const troubles = node.children.filter((child) => child.error !== undefined || child.label.startsWith("bad format"));
  const wrong = troubles.map((child) => `!  ${child.error?.message ?? child.value ?? child.label}`);
  const words = commands.length === 0 ? node.value : commands.length === 1 ? commands[0]?.value : undefined;
  const title = words === undefined || wrong.length > 0 ? node.label : `${node.label}: ${words}`;
  return {
    title: dir === "out" || answering ? title : node.label,
    below: commands.length > 1 ? [...below, ...wrong] : wrong,
  };
}

function scriptType(octets: Uint8Array): ExplainType {
  const { type } = explain(octets);
  return type === "session-trigger" || type === "notification" ? type : "script";
}

/** Labels whose parts get a line below a frame. */
const worth = new Set(["SPI", "KIc", "KID", "status", "RC/CC/DS"]);

/** Contents of a packet inside a frame that are not in the frame's own line. */
function outline(node: Node): string[] {
  const packet = find(node, (one) => one.label === "command packet" || one.label === "response packet");
  if (packet === undefined) return [];
  const facts = [...leaves(packet)].filter((leaf) => worth.has(leaf.label));
  const lines = facts.map(
    ({ label, hex = "", value }) => `${label.padEnd(9)} ${hex}${value === undefined ? "" : `  ${value}`}`,
  );
  const notes = [...all(packet)].flatMap((one) => (one.note === undefined ? [] : [`!  ${one.note}`]));
  const errors = [...all(packet)].flatMap((one) => (one.error === undefined ? [] : [`✗  ${one.error.message}`]));
  return [...lines, ...notes, ...errors];
}

function find(node: Node, wanted: (node: Node) => boolean): Node | undefined {
  for (const one of all(node)) if (wanted(one)) return one;
  return undefined;
}

function* all(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* all(child);
}

function* leaves(node: Node): Generator<Node> {
  for (const one of all(node)) if (one.children.length === 0) yield one;
}
