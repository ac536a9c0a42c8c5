import type { Generated, Insertable, Selectable } from "kysely";
import type { AuditEntry, AuditRepository } from "../../gateway/model/audit-entry.ts";
import type { Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface AuditTables {
  audit: {
    seq: Generated<number>;
    at: number;
    client: string | null;
    how: string | null;
    remote: string | null;
    operation: string;
    method: string;
    path: string;
    status: number | null;
    error: string | null;
  };
}

function entryOf(row: Selectable<AuditTables["audit"]>): AuditEntry {
  return {
    seq: row.seq,
    at: row.at,
    ...(row.client === null ? {} : { client: row.client }),
    ...(row.how === null ? {} : { how: stored<NonNullable<AuditEntry["how"]>>(row.how) }),
    ...(row.remote === null ? {} : { remote: row.remote }),
    operation: row.operation,
    method: row.method,
    path: row.path,
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.error === null ? {} : { error: row.error }),
  };
}

/** The audit log: entries are only appended, and each is finished once. */
export function auditRepository(s: Statements): AuditRepository {
  const db = s.tables<AuditTables>();
  const add = s.prepareRow((row: Insertable<AuditTables["audit"]>) => db.insertInto("audit").values(row));
  const finish = s.prepare((seq: number, status: number | null, error: string | null) =>
    db.updateTable("audit").set({ status, error }).where("seq", "=", seq).where("status", "is", null),
  );
  return {
    async append(entry) {
      return add.insert({
        at: entry.at,
        client: entry.client ?? null,
        how: entry.how ?? null,
        remote: entry.remote ?? null,
        operation: entry.operation,
        method: entry.method,
        path: entry.path,
        status: entry.status ?? null,
        error: entry.error ?? null,
      });
    },
    async finish(seq, status, error) {
      await finish.run(seq, status, error ?? null);
    },
    async list(filter, before, limit) {
      let query = db.selectFrom("audit").selectAll().orderBy("seq", "desc").limit(limit);
      if (before !== undefined) query = query.where("seq", "<", before);
      if (filter.client !== undefined) query = query.where("client", "=", filter.client);
      if (filter.operation !== undefined) query = query.where("operation", "=", filter.operation);
      return (await s.all(query)).map(entryOf);
    },
  };
}
