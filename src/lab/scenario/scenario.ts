import { type Document, isMap, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from "yaml";
import { z } from "zod";
import { cardSettings } from "../../../simulators/euicc/card-state.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { checked as checkedValue } from "../../base/field-words.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { nearest } from "../../base/nearest.ts";
import { yamlTooDeep } from "../../base/yaml-depth.ts";
import { type NotificationMode, notificationMode } from "../../gateway/model/notification-mode.ts";
import { misbehaviour, type Step, stepShapes, type Verb, verbs } from "./step.ts";

const perProfile = <T extends z.ZodType>(value: T) =>
  z.record(z.string().regex(/^[1-9][0-9]?$/, "number of a profile, from 1"), value);

const hexOctets = z
  .string()
  .regex(/^([0-9a-fA-F]{2})+$/, "hexadecimal octets")
  .transform((text) => text.toUpperCase());

/** A simulated eUICC that the scenario describes. */
const CardShape = z.strictObject({
  /** Derives another card, always the same for the same text; absent = the documented test card. */
  seed: z.string().optional(),
  profiles: z.number().int().min(2).max(16).default(2),
  settings: cardSettings.partial().optional(),
  misbehave: misbehaviour.optional(),
  /** Number of the profile with the fall-back attribute. */
  fallback: z.number().int().min(1).optional(),
  pol1: perProfile(
    z.array(z.enum(["disabling-not-allowed", "deletion-not-allowed", "delete-when-disabled"])),
  ).optional(),
  /** POL2 rules in the EIS. */
  pol2: perProfile(
    z.array(
      z.strictObject({
        action: z.enum(["ENABLE", "DISABLE", "DELETE"]),
        qualification: z.enum(["Not-Allowed", "Auto-Delete"]),
      }),
    ),
  ).optional(),
  /** Delete tokens of a profile's security domain: the key, and the data that the token must refer to. SGP.02 §3.10 */
  token: perProfile(
    z.strictObject({
      key: z.string().regex(/^[0-9a-fA-F]{32}$/, "an AES-128 key"),
      providerId: hexOctets,
      imageNumber: hexOctets,
      applicationProviderId: hexOctets,
    }),
  ).optional(),
});

/** A card; all profile numbers must exist. */
const Card = CardShape.superRefine((card, context) => {
  const check = (number: number, path: string[]) => {
    if (number > card.profiles)
      context.addIssue({
        code: "custom",
        path,
        message: `there is no profile ${number}: the card has ${card.profiles}`,
      });
  };
  if (card.fallback !== undefined) check(card.fallback, ["fallback"]);
  const numbered = { pol1: card.pol1, pol2: card.pol2, token: card.token };
  for (const [key, rules] of Object.entries(numbered))
    for (const number of Object.keys(rules ?? {})) check(Number(number), [key, number]);
});

const Head = z
  .strictObject({
    name: z.string().min(1),
    description: z.string().optional(),
    card: Card.optional(),
    /** Name of a target, when there is no simulated card. */
    target: z.string().min(1).optional(),
    notifications: notificationMode.default("local"),
    steps: z.array(z.record(z.string(), z.unknown())).min(1),
  })
  .refine((head) => head.card === undefined || head.target === undefined, "give card or target, not both");

/** The card of a scenario. */
export type ScenarioCard = z.infer<typeof Card>;

/** A step and its position in the file. */
export interface PlacedStep {
  readonly step: Step;
  readonly name: string;
  readonly line: number;
}

export interface Scenario {
  readonly file: string;
  readonly name: string;
  readonly description?: string;
  readonly card?: ScenarioCard;
  readonly target?: string;
  readonly notifications: NotificationMode;
  readonly steps: readonly PlacedStep[];
}

/** Reads a scenario. @throws scenario.invalid naming line and field */
export function parseScenario(text: string, file: string): Scenario {
  const deep = yamlTooDeep(text);
  if (deep !== undefined) throw invalid(file, 1, "", deep);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined)
    throw invalid(file, broken.linePos?.[0].line ?? 1, "", broken.message.split("\n")[0] ?? "not YAML");
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(offsetOf(document.contents, path)).line;
  const head = checked(Head, plain(document, file, lines), [], file, lineOf);
  const steps = head.steps.map((raw, index): PlacedStep => {
    const path = ["steps", index];
    const step = stepOf(raw, path, file, lineOf);
    return { step, name: step.name ?? defaultName(step), line: lineOf(path) };
  });
  const { description, card, target } = head;
  return {
    file,
    name: head.name,
    ...withoutUndefined({ description, card, target }),
    notifications: head.notifications,
    steps,
  };
}

/** The document as values. @throws scenario.invalid for an alias without anchor, or for aliases that multiply */
function plain(document: Document.Parsed, file: string, lines: LineCounter): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown;
    let offset = 0;
    visit(document, {
      Alias: (_, alias) => {
        offset = alias.range?.[0] ?? 0;
        return alias.resolve(document) === undefined ? visit.BREAK : undefined;
      },
    });
    throw invalid(file, lines.linePos(offset).line, "", thrown.message);
  }
}

type LineOf = (path: readonly PropertyKey[]) => number;

function stepOf(
  raw: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  file: string,
  lineOf: LineOf,
): Step {
  const found = Object.keys(raw).filter((key): key is Verb => verbs.some((verb) => verb === key));
  const [verb] = found;
  if (verb === undefined || found.length > 1) {
    const unknown = Object.keys(raw)[0] ?? "";
    const hint = nearest(unknown, verbs);
    const message =
      found.length > 1
        ? `a step does one thing, this one ${found.join(" and ")}`
        : `'${unknown}' is nothing a step can do${hint === undefined ? "" : `; did you mean '${hint}'?`}`;
    throw invalid(file, lineOf(path), fieldOf(path), message);
  }
  const shape: z.ZodType<Step> = stepShapes[verb];
  return checked(shape, raw, path, file, lineOf);
}

function checked<T>(schema: z.ZodType<T>, raw: unknown, at: readonly PropertyKey[], file: string, lineOf: LineOf): T {
  const parsed = checkedValue(schema, raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const inner = issue?.path ?? [];
  const path = issue?.code === "unrecognized_keys" ? [...at, ...inner, issue.keys[0] ?? ""] : [...at, ...inner];
  const message = issue?.code === "unrecognized_keys" ? "is not known here" : (issue?.message ?? "not valid");
  throw invalid(file, lineOf(path), fieldOf(path), message);
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === "number" ? part + 1 : String(part))).join(".");
}

function invalid(file: string, line: number, field: string, message: string): GatewayError {
  return new GatewayError("scenario.invalid", `${file}:${line}: ${field === "" ? "" : `${field}: `}${message}`, {
    detail: { file, line, field },
  });
}

/** Offset of the deepest existing part of a path. */
function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const part of path) {
    if (typeof node !== "object" || node === null || !("items" in node) || !Array.isArray(node.items)) break;
    const next: unknown = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(part))
      : node.items[Number(part)];
    if (typeof next !== "object" || next === null) break;
    const pair = "key" in next && "value" in next ? next : undefined;
    const place: unknown = pair?.key ?? next;
    if (typeof place === "object" && place !== null && "range" in place && Array.isArray(place.range))
      offset = Number(place.range[0]);
    node = pair?.value ?? next;
  }
  return offset;
}

function defaultName(step: Step): string {
  const [verb, value] = Object.entries(step).find(([key]) => verbs.some((one) => one === key)) ?? ["", ""];
  return typeof value === "string" || typeof value === "number" ? `${verb} ${value}` : verb;
}
