import { GatewayError } from "../../base/gateway-error.ts";
import { type Budget, budgets } from "../../codec/at/command.ts";
import { type UrcRule, UrcTable } from "../../codec/at/urc.ts";
import { ProfileFile } from "./profile-schema.ts";
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

/** What a modem says of itself. */
export interface ModemIdentity {
  readonly maker: string;
  readonly model: string;
  readonly revision: string;
}

/** Limits where no profile says otherwise, from what the manuals promise and what is seen in the field. */
export const defaultTimeoutsMs: Readonly<Record<Budget | "resync", number>> = {
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

/** The profile for a device nobody described, by name. */
export const genericName = "generic-3gpp";

/** Something wrong with a profile file: where, and what. */
export interface ProfileProblem {
  /** JSON pointer. */
  readonly at: string;
  readonly problem: string;
}

/** Checks one file's content on its own. */
export function checkProfile(content: unknown): { readonly file?: ProfileFile; readonly problems: ProfileProblem[] } {
  const parsed = ProfileFile.safeParse(content);
  if (parsed.success) return { file: parsed.data, problems: lint(parsed.data) };
  const problems = parsed.error.issues.map(({ path, message }) => ({ at: `/${path.join("/")}`, problem: message }));
  return { problems };
}

const nestedQuantifier = /\([^()]*[+*][^()]*\)[+*{]/;

function lint(file: ProfileFile): ProfileProblem[] {
  const problems: ProfileProblem[] = [];
  if (file.abstract !== true && file.sources?.length === undefined) {
    problems.push({ at: "/sources", problem: "say where the facts come from" });
  }
  if (file.abstract !== true && file.verified === undefined) {
    problems.push({ at: "/verified", problem: "say which real units it was tried on; [] for none" });
  }
  if (file.abstract !== true && file.name !== genericName && file.match?.model === undefined) {
    problems.push({ at: "/match/model", problem: "without it nothing selects this profile" });
  }
  for (const [index, model] of (file.models ?? []).entries()) {
    if (file.match?.model !== undefined && !new RegExp(file.match.model, "iu").test(model)) {
      problems.push({ at: `/models/${index}`, problem: `match.model does not match ${model}` });
    }
  }
  for (const [index, { pattern }] of (file.urcs ?? []).entries()) {
    if (nestedQuantifier.test(pattern)) {
      problems.push({ at: `/urcs/${index}/pattern`, problem: "nested quantifiers may take for ever" });
    }
  }
  for (const source of file.sources ?? []) {
    for (const pointer of source.covers ?? []) {
      if (!resolves(file, pointer))
        problems.push({ at: "/sources", problem: `${source.id} covers ${pointer}, which is not there` });
    }
  }
  return problems;
}

function resolves(file: unknown, pointer: string): boolean {
  let value: unknown = file;
  for (const key of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return false;
    value = new Map<string, unknown>(Object.entries(value)).get(key);
  }
  return value !== undefined;
}

/** All profiles there are, each whole; files of a later folder replace those of an earlier one by name. */
export class ProfileSet {
  readonly #files = new Map<string, ProfileFile>();
  readonly #whole = new Map<string, ModemProfile>();

  /** @throws profile.invalid with the problems of the first bad file in `detail` */
  constructor(contents: readonly { readonly source: string; readonly content: unknown }[]) {
    for (const { source, content } of contents) {
      const { file, problems } = checkProfile(content);
      if (file === undefined || problems.length > 0) {
        const first = problems[0];
        throw new GatewayError("profile.invalid", `${source}: ${first?.at ?? ""} ${first?.problem ?? ""}`, {
          detail: { source, problems },
        });
      }
      this.#files.set(file.name, file);
    }
    for (const name of this.#files.keys()) this.#whole.set(name, compile(this.#resolve(name)));
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
    if (profile === undefined) throw new GatewayError("profile.unknown", `no hardware profile is named ${name}`);
    return profile;
  }

  /**
   * The one profile that fits what a modem says of itself, else the generic one.
   * @throws profile.invalid when several fit: two files claim the same device
   */
  match(identity: ModemIdentity): ModemProfile {
    const fitting = this.list().filter((profile) => fits(profile, identity));
    if (fitting.length > 1) {
      const names = fitting.map(({ name }) => name);
      throw new GatewayError("profile.invalid", `${identity.model} fits several profiles: ${names.join(", ")}`, {
        detail: { names },
      });
    }
    return fitting[0] ?? this.get(genericName);
  }

  /** Profiles that name this USB id; before a port is open nothing else is known. */
  byUsb(usb: string): readonly ModemProfile[] {
    return this.list().filter(({ file }) => file.match?.usb?.includes(usb) === true);
  }

  #resolve(name: string): ProfileFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new GatewayError("profile.invalid", `no hardware profile is named ${name}`);
    if (file.extends === undefined) return file;
    const parent = this.#files.get(file.extends);
    if (parent === undefined) {
      throw new GatewayError("profile.invalid", `${name} extends ${file.extends}, which does not exist`);
    }
    if (parent.extends === undefined) return merge(parent, file);
    const grandparent = this.#files.get(parent.extends);
    if (grandparent === undefined || grandparent.extends !== undefined) {
      throw new GatewayError("profile.invalid", `${name}: extends goes deeper than two files`);
    }
    return merge(merge(grandparent, parent), file);
  }
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
    capabilities: { ...parent.capabilities, ...child.capabilities },
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
