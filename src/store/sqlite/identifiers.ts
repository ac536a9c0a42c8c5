import type { Kysely } from "kysely";
import { type IdentifierRepository, maxIdentifiers } from "../../gateway/model/identifiers.ts";
import type { Schema } from "../schema.ts";

const tables = { job: "job", prc: "procedure", ntf: "notification", cmp: "campaign", tgt: "target" } as const;

/** Finds identifiers in the index of their table, where all with the same beginning stand in one range. */
export function identifierRepository(db: Kysely<Schema>): IdentifierRepository {
  return {
    async startingWith(kind, beginning) {
      const rows = await db
        .selectFrom(tables[kind])
        .select("id")
        .where("id", ">=", beginning)
        .where("id", "<", `${beginning}~`)
        .orderBy("id")
        .limit(maxIdentifiers)
        .execute();
      return rows.map(({ id }) => id);
    },
  };
}
