import type { ProfileFile } from "./profile-schema.ts";

/** Something wrong with a profile file: where, and what. */
export interface ProfileProblem {
  /** JSON pointer. */
  readonly at: string;
  readonly problem: string;
}

const nestedQuantifier = /\([^()]*[+*][^()]*\)[+*{]/;

/** Checks of one file beyond the schema; the generic profile alone may match nothing. */
export function lint(file: ProfileFile, genericName: string): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  if (file.abstract !== true && file.sources?.length === undefined) {
    problems.push({ at: "/sources", problem: "must list the origin of the facts" });
  }
  if (file.abstract !== true && file.verified === undefined) {
    problems.push({ at: "/verified", problem: "must list the tested units, or [] for none" });
  }
  if (file.abstract !== true && file.name !== genericName && file.match?.model === undefined) {
    problems.push({ at: "/match/model", problem: "without match.model the profile is never selected" });
  }
  for (const [index, model] of (file.models ?? []).entries()) {
    if (file.match?.model !== undefined && !new RegExp(file.match.model, "iu").test(model)) {
      problems.push({ at: `/models/${index}`, problem: `match.model does not match ${model}` });
    }
  }
  for (const [at, pattern] of patternsOf(file)) {
    if (nestedQuantifier.test(pattern)) problems.push({ at, problem: "nested quantifiers may take exponential time" });
  }
  for (const [at, { pattern }] of queriesOf(file)) {
    if (groups(pattern) === 0) problems.push({ at: `${at}/pattern`, problem: "needs a group ( ) for the value" });
  }
  for (const [index, { pattern }] of (file.urcs ?? []).entries()) {
    const final = finals.find((word) => new RegExp(pattern, "u").test(word));
    if (final !== undefined)
      problems.push({ at: `/urcs/${index}/pattern`, problem: `matches the final result ${final}` });
  }
  for (const source of file.sources ?? []) {
    for (const pointer of source.covers ?? []) {
      if (!resolves(file, pointer))
        problems.push({ at: "/sources", problem: `${source.id} covers ${pointer}, which does not exist` });
    }
  }
  return problems;
}

const finals = ["OK", "ERROR", "+CME ERROR: 100", "+CMS ERROR: 500", "> "];

type Query = NonNullable<NonNullable<ProfileFile["identity"]>["imei"]>[number];

/** Every query with a value in its answer, and its place in the file. */
function queriesOf({ identity, toolkit }: ProfileFile): readonly (readonly [at: string, query: Query])[] {
  const asked = Object.entries(identity ?? {}).flatMap(([name, queries]) =>
    (queries ?? []).map((query, index) => [`/identity/${name}/${index}`, query] as const),
  );
  return toolkit?.query === undefined ? asked : [...asked, ["/toolkit/query", toolkit.query]];
}

function patternsOf(file: ProfileFile): readonly (readonly [at: string, pattern: string])[] {
  const named = [
    ["/match/model", file.match?.model],
    ["/match/maker", file.match?.maker],
    ["/startup/ready", file.startup?.ready],
  ] as const;
  return [
    ...named.flatMap(([at, pattern]) => (pattern === undefined ? [] : [[at, pattern] as const])),
    ...queriesOf(file).map(([at, { pattern }]) => [`${at}/pattern`, pattern] as const),
    ...(file.urcs ?? []).map(({ pattern }, index) => [`/urcs/${index}/pattern`, pattern] as const),
  ];
}

/** Capturing groups of a pattern. */
function groups(pattern: string): number {
  return (new RegExp(`${pattern}|`, "u").exec("")?.length ?? 1) - 1;
}

function resolves(file: unknown, pointer: string): boolean {
  let value: unknown = file;
  for (const key of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return false;
    value = new Map<string, unknown>(Object.entries(value)).get(key);
  }
  return value !== undefined;
}
