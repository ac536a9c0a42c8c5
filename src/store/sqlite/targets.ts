import { type Kysely, sql } from "kysely";
import { GatewayError } from "../../base/gateway-error.ts";
import type { Seal } from "../../gateway/model/store.ts";
import type { AliasKind, IdentityKind, Target, TargetRepository } from "../../gateway/model/target.ts";
import { type TargetSecrets, withoutSecrets, withSecrets } from "../../gateway/targets/target-secrets.ts";
import { type Hiding, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import { prepared } from "../prepared.ts";
import type { Schema } from "../schema.ts";

/** Every name a target answers to. */
export function aliases(target: Target): { alias: string; target: string; kind: AliasKind }[] {
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

/** What makes a target. */
const whole = ["target.id", "target.body", "target.secret"] as const;

/** How many targets of one name are looked at: copies of a test profile share theirs. */
const maxNamesakes = 16;

function row(target: Target, hiding: Hiding) {
  const { open, secrets } = withoutSecrets(target);
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

/** Targets as JSON with their names in columns and an alias table. */
export function targetRepository(db: Kysely<Schema>, seal: Seal): TargetRepository {
  const hiding = hidingIn("target", () => seal);
  const parse = ({ id, body, secret }: Pick<Schema["target"], "id" | "body" | "secret">): Target =>
    withSecrets(fromJson<Target>(body), hiding.open<TargetSecrets>(id, secret));
  const byAlias = prepared(db, (alias: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select([...whole, "target_alias.kind"])
      .where("alias", "=", alias)
      .limit(2),
  );
  const ofKind = prepared(db, (alias: string, kind: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(whole)
      .where("alias", "=", alias)
      .where("target_alias.kind", "=", kind)
      .limit(2),
  );
  const alike = prepared(db, (alias: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(whole)
      .where("alias", "=", alias)
      .limit(maxNamesakes),
  );
  const sharing = prepared(db, (names: string, id: string) =>
    db
      .selectFrom("target_alias")
      .innerJoin("target", "target.id", "target_alias.target")
      .select(["target_alias.alias", "target_alias.kind", "target.id", "target.eid"])
      .where("target_alias.alias", "in", sql<string>`(select value from json_each(${names}))`)
      .where("target.id", "<>", id)
      .orderBy("target.id")
      .limit(100),
  );
  const byId = prepared(db, (id: string) => db.selectFrom("target").select(whole).where("id", "=", id));
  const refuseDuplicate = (error: unknown, target: Target): never => {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_CONSTRAINT")) {
      throw new GatewayError("target.exists", `a target with this EID or name exists already`, {
        detail: { eid: target.eid, name: target.name },
        cause: error,
      });
    }
    throw error;
  };
  return {
    async insert(target) {
      await db
        .insertInto("target")
        .values(row(target, hiding))
        .execute()
        .catch((error: unknown) => refuseDuplicate(error, target));
      await db.insertInto("target_alias").values(aliases(target)).execute();
    },
    async update(target) {
      const { numUpdatedRows } = await db
        .updateTable("target")
        .set(row(target, hiding))
        .where("id", "=", target.id)
        .where("version", "=", target.version - 1)
        .executeTakeFirst()
        .catch((error: unknown) => refuseDuplicate(error, target));
      if (numUpdatedRows === 0n) {
        throw new GatewayError("store.conflict", `target ${target.id} changed in the meantime`, {
          detail: { target: target.id },
        });
      }
      await db.deleteFrom("target_alias").where("target", "=", target.id).execute();
      await db.insertInto("target_alias").values(aliases(target)).execute();
    },
    async remove(id) {
      const { numDeletedRows } = await db.deleteFrom("target").where("id", "=", id).executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async get(id) {
      const [found] = await byId(id);
      return found && parse(found);
    },
    async resolve(reference) {
      const alias = reference.replace(/^\+/, "").toLowerCase();
      const found = await byAlias(alias);
      if (found.length > 1) {
        const own = found.filter((entry) => entry.kind !== "profile");
        if (own.length !== 1) {
          const targets = found.map((entry) => parse(entry));
          const both = targets.map(({ id, eid }) => (eid === undefined ? id : `${id} (EID ${eid})`)).join(" and ");
          throw new GatewayError("target.unknown", `'${reference}' names more than one target: ${both}; use an id`, {
            detail: { reference, targets: targets.map(({ id }) => id) },
          });
        }
        return own[0] && parse(own[0]);
      }
      return found[0] && parse(found[0]);
    },
    async holding(kind, value) {
      const alias = value.toLowerCase();
      const own = await ofKind(alias, kind);
      if (own.length > 0) return own.length === 1 && own[0] ? parse(own[0]) : undefined;
      const found = (await alike(alias)).map(parse);
      const holders = found.filter((target) => holdsIdentity(target, kind, alias) !== undefined);
      return holders.length === 1 ? holders[0] : undefined;
    },
    async namesakes(target) {
      const own = new Map(aliases(target).map(({ alias, kind }) => [alias, kind]));
      const rows = await sharing(JSON.stringify([...own.keys()]), target.id);
      return rows.map(({ alias, kind, id, eid }) => ({
        alias,
        kind: own.get(alias) ?? "name",
        other: { id, ...(eid === null ? {} : { eid }), kind: kind as AliasKind },
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
      return (await query.execute()).map((entry) => parse(entry));
    },
  };
}
