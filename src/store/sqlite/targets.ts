import { sql } from "kysely";
import { GatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import type { Seal } from "../../gateway/model/store.ts";
import type { AliasKind, IdentityKind, Target, TargetRepository } from "../../gateway/model/target.ts";
import { type Hiding, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import type { KeptKeySets } from "../kept-key-sets.ts";
import { KeptRows } from "../kept-rows.ts";
import type { Awaitable, Statements } from "../statements.ts";
import { stored } from "../stored.ts";
import { readTarget, type TargetSecrets, type WrittenTarget, writtenTarget } from "./target-rows.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface TargetTables {
  target: {
    id: string;
    kind: string;
    name: string | null;
    eid: string | null;
    iccid: string | null;
    imsi: string | null;
    msisdn: string | null;
    body: string;
    /** Sealed: the parts that `body` does not contain. */
    secret: Uint8Array | null;
    version: number;
    created_at: number;
    updated_at: number;
  };
  /** Every name by which a target can be found. */
  target_alias: { alias: string; target: string; kind: string };
}

type Numbered = { readonly [name in "iccid" | "imsi" | "msisdn"]?: string };
type Named = Pick<Target, "id" | "eid" | "name"> & Numbered & { readonly esimProfiles: readonly Numbered[] };

/** Every name under which a target can be found. */
export function aliases(target: Named): { alias: string; target: string; kind: AliasKind }[] {
  const found = new Map<string, AliasKind>();
  const add = (kind: AliasKind, alias: string | undefined) => {
    if (alias !== undefined && alias !== "" && !found.has(alias.toLowerCase())) found.set(alias.toLowerCase(), kind);
  };
  add("id", target.id);
  add("eid", target.eid);
  add("iccid", target.iccid);
  add("imsi", target.imsi);
  add("msisdn", target.msisdn?.replace(/^\+/, ""));
  add("name", target.name);
  for (const profile of target.esimProfiles) {
    add("profile", profile.iccid);
    add("profile", profile.imsi);
    add("profile", profile.msisdn?.replace(/^\+/, ""));
  }
  return [...found].map(([alias, kind]) => ({ alias, target: target.id, kind }));
}

/** Whether a target has this identity as its own, or one of its profiles has it. */
function holdsIdentity(target: Target, kind: IdentityKind, value: string): "own" | "profile" | undefined {
  const same = (text: string | undefined) => text?.replace(/^\+/, "").toLowerCase() === value;
  if (same(target[kind])) return "own";
  if (kind === "eid") return undefined;
  return target.esimProfiles.some((profile) => same(profile[kind])) ? "profile" : undefined;
}

/** The columns of a target. */
const whole = ["target.id", "target.version", "target.body", "target.secret"] as const;

/** Maximum number of targets with one name that are compared: copies of a test profile share theirs. */
const maxNamesakes = 16;

function row(target: Target, hiding: Hiding) {
  const { open, secrets } = writtenTarget(target);
  const { text, secret } = hiding.hide(target.id, open, secrets);
  return {
    id: target.id,
    kind: target.kind,
    name: target.name ?? null,
    eid: target.eid ?? null,
    iccid: target.iccid ?? null,
    imsi: target.imsi ?? null,
    msisdn: target.msisdn ?? null,
    body: text,
    secret,
    version: target.version,
    created_at: target.createdAt,
    updated_at: target.updatedAt,
  };
}

/** Maximum number of cached targets. */
const maxRecent = 1024;

/** Targets as JSON with their names in columns and an alias table. */
export function targetRepository(s: Statements, seal: Seal, keys: Pick<KeptKeySets, "clear">): TargetRepository {
  const db = s.tables<TargetTables>();
  const hiding = hidingIn("target", () => seal);
  // A cache, since a target is read much more often than changed. Each change raises the version; a version that was
  // rolled back can only be written again by `insert` and `update`, which remove the entry.
  const recent = new Map<string, { readonly version: number; readonly target: Target }>();
  const known = ({ id, version }: Pick<TargetTables["target"], "id" | "version">): Target | undefined => {
    const kept = recent.get(id);
    return kept?.version === version ? kept.target : undefined;
  };
  const parse = (found: Pick<TargetTables["target"], "id" | "version" | "body" | "secret">): Target => {
    const kept = known(found);
    if (kept !== undefined) return kept;
    const { id, version, body, secret } = found;
    const target = readTarget({
      open: fromJson<WrittenTarget>(body),
      secrets: hiding.open<TargetSecrets>(id, secret),
    });
    if (recent.size >= maxRecent) recent.clear();
    recent.set(id, { version, target });
    return target;
  };
  const byAlias = s.prepare((alias: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(["target.id", "target.version", "target_alias.kind"])
      .where("alias", "=", alias)
      .limit(2),
  );
  const ofKind = s.prepare((alias: string, kind: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(whole)
      .where("alias", "=", alias)
      .where("target_alias.kind", "=", kind)
      .limit(2),
  );
  const alike = s.prepare((alias: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(whole)
      .where("alias", "=", alias)
      .limit(maxNamesakes),
  );
  const sharing = s.prepare((names: string, id: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(["target_alias.alias", "target_alias.kind", "target.id", "target.eid"])
      .where("target_alias.alias", "in", sql<string>`(select value from json_each(${names}))`)
      .where("target.id", "<>", id)
      .orderBy("target.id")
      .limit(100),
  );
  const byId = s.prepare((id: string) => db.selectFrom("target").select(whole).where("id", "=", id));
  const versionOf = s.prepare((id: string) => db.selectFrom("target").select(["id", "version"]).where("id", "=", id));
  const get = async (id: string): Promise<Target | undefined> => {
    const current = recent.has(id) ? await versionOf.first(id) : undefined;
    const kept = current && known(current);
    if (kept !== undefined) return kept;
    const found = await byId.first(id);
    return found && parse(found);
  };
  const keptById = new KeptRows<Target | undefined>(s);
  const keptByAlias = new KeptRows<Target | undefined>(s);
  const forget = (id: string) => {
    recent.delete(id);
    keptById.delete(id);
    keptByAlias.clear();
  };
  const orDuplicate = async <T>(target: Target, store: () => Awaitable<T>): Promise<T> => {
    try {
      return await store();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_CONSTRAINT")))
        throw error;
      throw new GatewayError("target.exists", `a target with this EID or name already exists`, {
        detail: { eid: target.eid, name: target.name },
        cause: error,
      });
    }
  };
  return {
    async insert(target) {
      forget(target.id);
      await orDuplicate(target, () => s.run(db.insertInto("target").values(row(target, hiding))));
      await s.run(db.insertInto("target_alias").values(aliases(target)));
    },
    async update(target) {
      forget(target.id);
      const whole = db.updateTable("target").set(row(target, hiding)).where("id", "=", target.id);
      const rows = await orDuplicate(target, () => s.run(whole.where("version", "=", target.version - 1)));
      if (rows === 0) {
        throw new GatewayError("store.conflict", `target ${target.id} changed in the meantime`, {
          detail: { target: target.id },
        });
      }
      await s.run(db.deleteFrom("target_alias").where("target", "=", target.id));
      await s.run(db.insertInto("target_alias").values(aliases(target)));
    },
    async remove(id) {
      forget(id);
      keys.clear();
      return (await s.run(db.deleteFrom("target").where("id", "=", id))) > 0;
    },
    async get(id) {
      const before = keptById.get(id);
      if (before !== undefined) return before.value;
      const found = await get(id);
      keptById.set(id, found);
      return found;
    },
    async resolve(reference) {
      const alias = reference.replace(/^\+/, "").toLowerCase();
      const before = keptByAlias.get(alias);
      if (before !== undefined) return before.value;
      const found = await byAlias.all(alias);
      if (found.length > 1) {
        const own = found.filter((entry) => entry.kind !== "profile");
        if (own.length !== 1) {
          const targets = await Promise.all(found.map(({ id }) => get(id)));
          const both = targets
            .filter((target) => target !== undefined)
            .map(({ id, eid }) => (eid === undefined ? id : `${id} (EID ${eid})`))
            .join(" and ");
          throw new GatewayError("target.unknown", `'${reference}' matches more than one target: ${both}; use an id`, {
            detail: { reference, targets: found.map(({ id }) => id) },
          });
        }
        return own[0] && (known(own[0]) ?? get(own[0].id));
      }
      const one = found[0] && (known(found[0]) ?? (await get(found[0].id)));
      keptByAlias.set(alias, one);
      return one;
    },
    async holding(kind, value) {
      const alias = value.toLowerCase();
      const own = await ofKind.all(alias, kind);
      if (own.length > 0) return own.length === 1 && own[0] ? parse(own[0]) : undefined;
      const found = (await alike.all(alias)).map(parse);
      const holders = found.filter((target) => holdsIdentity(target, kind, alias) !== undefined);
      return holders.length === 1 ? holders[0] : undefined;
    },
    async namesakes(target) {
      const own = new Map(aliases(target).map(({ alias, kind }) => [alias, kind]));
      const rows = await sharing.all(JSON.stringify([...own.keys()]), target.id);
      return rows.map(({ alias, kind, id, eid }) => ({
        alias,
        kind: own.get(alias) ?? "name",
        other: {
          id: stored<TargetId>(id),
          ...(eid === null ? {} : { eid: stored<NonNullable<Target["eid"]>>(eid) }),
          kind: stored<AliasKind>(kind),
        },
      }));
    },
    async list(filter, after, limit) {
      let query = db.selectFrom("target").select(whole).orderBy("id").limit(limit);
      if (after !== undefined) query = query.where("id", ">", after);
      if (filter.eid !== undefined) query = query.where("eid", "=", filter.eid);
      if (filter.iccid !== undefined) query = query.where("iccid", "=", filter.iccid);
      if (filter.msisdn !== undefined) query = query.where("msisdn", "=", filter.msisdn);
      if (filter.tag !== undefined) {
        const tag = filter.tag;
        query = query.where(({ eb, fn, val }) =>
          eb.exists(
            eb
              .selectFrom(fn<{ value: string }>("json_each", ["target.body", val("$.tags")]).as("tag"))
              .select("tag.value")
              .where("tag.value", "=", tag),
          ),
        );
      }
      return (await s.all(query)).map((entry) => parse(entry));
    },
  };
}
