import type { Database } from "better-sqlite3";
import { fromHex } from "../../base/hex.ts";
import { endStates } from "../../gateway/model/job.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import { readWork, type WrittenWork } from "../octet-rows.ts";
import { hiddenDialog } from "../sqlite/admin-dialogs.ts";
import {
  hiddenCampaign,
  hiddenItem,
  readCampaign,
  readItem,
  type WrittenCampaign,
  type WrittenItem,
} from "../sqlite/campaigns.ts";
import { hiddenWork } from "../sqlite/job-rows.ts";
import { hiddenPacket } from "../sqlite/packets.ts";
import { type WrittenTarget, withoutSecrets } from "../sqlite/target-rows.ts";

const pageSize = 200;
const ended = endStates.map((state) => `'${state}'`).join(", ");

/**
 * Seals secrets that older versions stored in clear: logins of access points in targets; keys, PINs and logins in jobs,
 * packets and campaigns. In ended packets and campaigns they are removed.
 */
export const sealSecrets = {
  name: "0017-seal-secrets",
  formerNames: ["0062-seal-secrets"],
  sql: "",
  scrub: true,
  run(database: Database, _now: number, seal: () => Seal): Record<string, number> {
    const [targets, jobs, packets] = [hidingIn("target", seal), hidingIn("job", seal), hidingIn("packet", seal)];
    const [campaigns, items] = [hidingIn("campaign", seal), hidingIn("campaign_item", seal)];
    const dialogs = hidingIn("admin_dialog", seal);
    eachRow(database, { table: "target", column: "body", keys: ["id"] }, (text, [id]) => {
      const { open, secrets } = withoutSecrets(fromJson<WrittenTarget>(text));
      return targets.hide(String(id), open, secrets);
    });
    eachRow(database, { table: "job", column: "work", keys: ["id"] }, (text, [id]) =>
      hiddenWork(jobs, String(id), readWork(fromJson<WrittenWork>(text))),
    );
    const over = `NOT EXISTS (SELECT 1 FROM job WHERE job.id = packet.job AND job.state NOT IN (${ended}))`;
    eachRow(database, { table: "packet", column: "user_data", keys: ["id"], over }, (text, [id]) =>
      hiddenPacket(packets, { id: String(id), userData: fromJson<string[]>(text).map(fromHex) }),
    );
    eachRow(database, { table: "campaign", column: "body", keys: ["id"] }, (text) =>
      hiddenCampaign(campaigns, readCampaign(fromJson<WrittenCampaign>(text))),
    );
    eachRow(database, { table: "campaign_item", column: "body", keys: ["campaign", "position"] }, (text) =>
      hiddenItem(items, readItem(fromJson<WrittenItem>(text))),
    );
    eachRow(database, { table: "admin_dialog", column: "body", keys: ["target"] }, (text, [target]) =>
      hiddenDialog(dialogs, String(target), fromJson(text)),
    );
    return {};
  },
} as const;

interface Place {
  readonly table: string;
  readonly column: string;
  readonly keys: readonly string[];
  /** Condition of rows whose secrets are no longer needed. */
  readonly over?: string;
}

type Key = string | number;

/** Rewrites a column of every row that contains a secret. Rows that were processed before are skipped. */
function eachRow(
  database: Database,
  { table, column, keys, over = "0" }: Place,
  hide: (text: string, key: readonly Key[]) => Hidden,
): void {
  const names = keys.join(", ");
  const after = `(${names}) > (${keys.map(() => "?").join(", ")})`;
  const select = (from: string) =>
    database
      .prepare<Key[], [string, number, ...Key[]]>(
        `SELECT ${column}, ${over}, ${names} FROM ${table} WHERE secret IS NULL AND ${from} ORDER BY ${names} LIMIT ${pageSize}`,
      )
      .raw();
  const [first, next] = [select("1"), select(after)];
  const matches = keys.map((key) => `${key} = ?`).join(" AND ");
  const put = database.prepare(`UPDATE ${table} SET ${column} = ?, secret = ? WHERE ${matches}`);
  for (let rows = first.all(); rows.length > 0; ) {
    let last: readonly Key[] = [];
    for (const [text, isOver, ...key] of rows) {
      const { text: shown, secret } = hide(text, key);
      if (shown !== text || secret !== null) put.run(shown, isOver === 1 ? null : secret, ...key);
      last = key;
    }
    rows = next.all(...last);
  }
}
