import { type IdentifierRepository, maxIdentifiers } from "../../gateway/model/identifiers.ts";
import type { Statements } from "../statements.ts";

const tables = {
  job: "job",
  prc: "procedure",
  ntf: "notification",
  cmp: "campaign",
  tgt: "target",
  dld: "download",
} as const;

/** Finds identifiers in the index of their table, where all with the same beginning stand in one range. */
export function identifierRepository(s: Statements): IdentifierRepository {
  const db = s.tables<Readonly<Record<(typeof tables)[keyof typeof tables], { id: string }>>>();
  return {
    async startingWith(kind, beginning) {
      const rows = await s.all(
        db
          .selectFrom(tables[kind])
          .select("id")
          .where("id", ">=", beginning)
          .where("id", "<", `${beginning}~`)
          .orderBy("id")
          .limit(maxIdentifiers),
      );
      return rows.map(({ id }) => id);
    },
  };
}
