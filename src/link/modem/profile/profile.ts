import type { z } from "zod";
import { checked, knownFields, noSuchField } from "../../../base/field-words.ts";
import { asGatewayError, GatewayError } from "../../../base/gateway-error.ts";
import { nearest } from "../../../base/nearest.ts";
import { type Budget, budgets } from "../../../codec/at/command.ts";
import { type UrcRule, UrcTable } from "../../../codec/at/urc.ts";
import { lint, type ProfileProblem } from "./profile-lint.ts";
import { ProfileFile, withoutRetired } from "./profile-schema.ts";
import type { Quirk } from "./quirks.ts";

/** A profile with its parent's fields merged in and everything compiled. */
export interface ModemProfile {
  readonly name: string;
  readonly title: string;
  readonly vendor: string;
  readonly file: ProfileFile;
  readonly urcs: UrcTable;
  readonly quirks: ReadonlySet<Quirk>;
  /** Time limit of each kind of command, milliseconds. */
  readonly timeoutsMs: Readonly<Record<Budget | "resync", number>>;
}

/** Identification that a modem reports. */
export interface ModemIdentity {
  readonly maker: string;
  readonly model: string;
  readonly revision: string;
}

/** Default limits, from the manuals and from experience in the field. */
const defaultTimeoutsMs: Readonly<Record<Budget | "resync", number>> = {
  quick: 5_000,
  pin: 10_000,
  card: 30_000,
  network: 180_000,
  scan: 320_000,
  attach: 155_000,
  power: 20_000,
  store: 10_000,
  list: 60_000,
  prompt: 10_000,
  send: 150_000,
  resync: 20_000,
};

/** The profile for an unknown device, by name. */
export const genericName = "generic-3gpp";

/** Checks one file's content on its own. */
export function checkProfile(content: unknown): { readonly file?: ProfileFile; readonly problems: ProfileProblem[] } {
  const { content: kept, retired } = withoutRetired(content);
  const gone = retired.map((at) => ({ at, problem: "nothing reads this field any longer: remove it" }));
  const parsed = checked(ProfileFile, kept);
  if (parsed.success) return { file: parsed.data, problems: [...gone, ...lint(parsed.data, genericName)] };
  return { problems: [...gone, ...parsed.error.issues.flatMap(problemsOf)] };
}

/** One problem for each unknown field; otherwise one for the issue. */
function problemsOf(issue: z.core.$ZodIssue): readonly ProfileProblem[] {
  const { path, message } = issue;
  if (issue.code !== "unrecognized_keys") return [{ at: pointer(path), problem: message }];
  const known = knownFields(ProfileFile, path);
  return issue.keys.map((key) => ({ at: pointer([...path, key]), problem: noSuchField(key, known) }));
}

/** RFC 6901 §3 */
function pointer(path: readonly PropertyKey[]): string {
  return `/${path.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
}

/** A profile file's content, not yet checked. */
export interface ProfileContent {
  readonly source: string;
  readonly content: unknown;
  /** A file of the user: it takes precedence, and is omitted if it cannot be used. */
  readonly own?: boolean;
}

/** Why a user's file is not used. */
export interface FileProblem {
  readonly source: string;
  /** Includes the name of the file. */
  readonly problem: string;
}

/** All profiles, each complete with its parent's fields; files of a later folder replace those of the same name. */
export class ProfileSet {
  /** User's files that are omitted. */
  readonly problems: readonly FileProblem[];
  /** User's files that are used, with changes required before the next release. */
  readonly warnings: readonly FileProblem[];
  readonly #files = new Map<string, ProfileFile>();
  readonly #whole = new Map<string, ModemProfile>();
  readonly #own = new Set<string>();

  /** @throws profile.invalid with the problems of the first bad file in `detail`, unless it is the user's own */
  constructor(contents: readonly ProfileContent[], unread: readonly FileProblem[] = []) {
    const problems = [...unread];
    const warnings: FileProblem[] = [];
    const replaced = new Map<string, { readonly file: ProfileFile | undefined; readonly source: string }>();
    for (const { source, content: written, own = false } of contents) {
      const { content, retired } = own ? withoutRetired(written) : { content: written, retired: [] };
      for (const at of retired)
        warnings.push({ source, problem: `${source}: ${at}: nothing reads this field any longer` });
      const file = readFile(source, content, own ? problems : undefined);
      if (file === undefined) continue;
      if (own) replaced.set(file.name, { file: this.#files.get(file.name), source });
      this.#files.set(file.name, file);
    }
    this.#leaveOut(replaced, problems);
    for (const name of this.#files.keys()) this.#whole.set(name, compile(this.#resolve(name)));
    for (const name of replaced.keys()) if (this.#whole.has(name)) this.#own.add(name);
    this.problems = problems;
    this.warnings = warnings;
  }

  /** Omits user's files whose parents are missing: the profiles that they replaced apply again. */
  #leaveOut(
    own: Map<string, { readonly file: ProfileFile | undefined; readonly source: string }>,
    problems: FileProblem[],
  ): void {
    for (let again = true; again; ) {
      again = false;
      for (const [name, { file, source }] of own) {
        try {
          this.#resolve(name);
        } catch (error) {
          problems.push({ source, problem: `${source}: ${asGatewayError(error).message}` });
          own.delete(name);
          if (file === undefined) this.#files.delete(name);
          else this.#files.set(name, file);
          again = true;
        }
      }
    }
  }

  /** Profiles that may be matched, in order of name. */
  list(): readonly ModemProfile[] {
    return [...this.#whole.values()]
      .filter(({ file }) => file.abstract !== true)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** @throws profile.unknown */
  get(name: string): ModemProfile {
    const profile = this.#whole.get(name);
    if (profile === undefined) {
      const close = nearest(name, [...this.#whole.keys()]);
      const hint = close === undefined ? "" : `; did you mean ${close}?`;
      throw new GatewayError("profile.unknown", `no hardware profile has the name ${name}${hint}`);
    }
    return profile;
  }

  /**
   * The profile that matches a modem's identification, the user's before the product's, otherwise the generic one.
   * @throws profile.invalid if several match: two files claim the same device
   */
  match(identity: ModemIdentity): ModemProfile {
    const all = this.fitting(identity);
    const own = all.filter(({ name }) => this.#own.has(name));
    const fitting = own.length === 1 ? own : all;
    if (fitting.length > 1) {
      const names = fitting.map(({ name }) => name);
      throw new GatewayError("profile.invalid", `${identity.model} matches several profiles: ${names.join(", ")}`, {
        detail: { names },
      });
    }
    return fitting[0] ?? this.get(genericName);
  }

  /** All profiles that match a modem's identification; more than one is an error in the profiles. */
  fitting(identity: ModemIdentity): readonly ModemProfile[] {
    return this.list().filter((profile) => fits(profile, identity));
  }

  /** Profiles with this USB id; before a port is open there is no other information. */
  byUsb(usb: string): readonly ModemProfile[] {
    return this.list().filter(({ file }) => file.match?.usb?.includes(usb) === true);
  }

  #resolve(name: string): ProfileFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new GatewayError("profile.invalid", `no hardware profile has the name ${name}`);
    if (file.extends === undefined) return file;
    const parent = this.#files.get(file.extends);
    if (parent === undefined) {
      throw new GatewayError("profile.invalid", `${name} extends ${file.extends}, which does not exist`);
    }
    if (parent.extends === undefined) return merge(parent, file);
    const grandparent = this.#files.get(parent.extends);
    if (grandparent === undefined || grandparent.extends !== undefined) {
      throw new GatewayError("profile.invalid", `${name}: extends is limited to two levels`);
    }
    return merge(merge(grandparent, parent), file);
  }
}

/** @throws profile.invalid unless there is a list for its problems */
function readFile(source: string, content: unknown, problems: FileProblem[] | undefined): ProfileFile | undefined {
  const checked = checkProfile(content);
  if (checked.file !== undefined && checked.problems.length === 0) return checked.file;
  const [first] = checked.problems;
  const problem = `${source}: ${first?.at ?? ""} ${first?.problem ?? ""}`;
  if (problems === undefined) {
    throw new GatewayError("profile.invalid", problem, { detail: { source, problems: checked.problems } });
  }
  problems.push({ source, problem });
  return undefined;
}

function fits({ file }: ModemProfile, { maker, model }: ModemIdentity): boolean {
  if (file.match?.model === undefined) return false;
  const pattern = new RegExp(file.match.model, "iu");
  if (![model, ...model.split(", ")].some((name) => pattern.test(name))) return false;
  return file.match.maker === undefined || new RegExp(file.match.maker, "iu").test(maker);
}

/** Interface roles of a device with this USB id. */
export function portsFor({ file }: ModemProfile, usb: string | undefined): ProfileFile["ports"] {
  return (usb === undefined ? undefined : file.portsByUsb?.[usb]) ?? file.ports;
}

/** Fields of the child win; objects of one level are merged; URCs of the child come first. */
function merge(parent: ProfileFile, child: ProfileFile): ProfileFile {
  const {
    abstract: _abstract,
    match: _match,
    models: _models,
    sources: _sources,
    verified: _verified,
    ...inherited
  } = parent;
  return {
    ...inherited,
    ...child,
    startup: { ...parent.startup, ...child.startup },
    uart: { ...parent.uart, ...child.uart },
    identity: { ...parent.identity, ...child.identity },
    card: { ...parent.card, ...child.card },
    sms: { ...parent.sms, ...child.sms },
    network: { ...parent.network, ...child.network },
    toolkit: { ...parent.toolkit, ...child.toolkit },
    power: { ...parent.power, ...child.power },
    timeoutsMs: { ...parent.timeoutsMs, ...child.timeoutsMs },
    urcs: [...(child.urcs ?? []), ...(parent.urcs ?? [])],
    sources: [...(child.sources ?? []), ...(parent.sources ?? [])],
  };
}

function compile(file: ProfileFile): ModemProfile {
  const rules = (file.urcs ?? []).map(({ pattern, event, lines }): UrcRule => {
    return { pattern: new RegExp(pattern, "u"), event, lines: lines ?? 1 };
  });
  const timeoutsMs = { ...defaultTimeoutsMs };
  for (const name of [...budgets, "resync"] as const) timeoutsMs[name] = file.timeoutsMs?.[name] ?? timeoutsMs[name];
  return {
    name: file.name,
    title: file.title,
    vendor: file.vendor ?? "",
    file,
    urcs: new UrcTable(rules),
    quirks: new Set(file.quirks ?? []),
    timeoutsMs,
  };
}
