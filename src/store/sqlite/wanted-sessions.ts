import type { TargetId } from "../../base/id.ts";
import type { PendingSessionTriggerRepository } from "../../gateway/model/pending-session-trigger.ts";
import type { Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface PendingSessionTriggerTables {
  wanted_session: { target: string; since: number; until: number };
}

/** A row per target; few at any time. */
export function pendingSessionTriggerRepository(s: Statements): PendingSessionTriggerRepository {
  const db = s.tables<PendingSessionTriggerTables>();
  return {
    async put(wanted) {
      const { since, until } = wanted;
      await s.run(
        db
          .insertInto("wanted_session")
          .values(wanted)
          .onConflict((conflict) => conflict.column("target").doUpdateSet({ since, until })),
      );
    },
    async remove({ target, since, until }) {
      const order = db.deleteFrom("wanted_session").where("target", "=", target);
      await s.run(order.where("since", "=", since).where("until", "=", until));
    },
    async list() {
      const rows = await s.all(db.selectFrom("wanted_session").selectAll());
      return rows.map(({ target, since, until }) => ({ target: stored<TargetId>(target), since, until }));
    },
  };
}
