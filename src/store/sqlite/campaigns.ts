import { type Kysely, sql } from "kysely";
import type {
  Campaign,
  CampaignItem,
  CampaignRepository,
  ItemCounts,
  ItemState,
} from "../../gateway/campaign/campaign.ts";
import { storedFailure } from "../../gateway/failure.ts";
import { fromJson, toJson } from "../json.ts";
import type { Schema } from "../schema.ts";

/** Rows of one INSERT; SQLite takes 32,766 parameters. */
const chunk = 1000;

function itemRow(item: CampaignItem) {
  return {
    campaign: item.campaign,
    position: item.position,
    target: item.target,
    state: item.state,
    body: toJson(item),
  };
}

/** An item as it was stored, its error completed where an earlier version left something out. */
function itemOf(body: string): CampaignItem {
  const item = fromJson<CampaignItem>(body);
  return item.error === undefined ? item : { ...item, error: storedFailure(item.error) };
}

/** Campaigns and their targets as JSON, counted by state. */
export function campaignRepository(db: Kysely<Schema>): CampaignRepository {
  const campaignOf = (row: { body: string }) => fromJson<Campaign>(row.body);
  return {
    async insert(campaign, items) {
      await db
        .insertInto("campaign")
        .values({ id: campaign.id, state: campaign.state, body: toJson(campaign) })
        .execute();
      for (let at = 0; at < items.length; at += chunk)
        await db
          .insertInto("campaign_item")
          .values(items.slice(at, at + chunk).map(itemRow))
          .execute();
    },
    async put(campaign) {
      await db
        .updateTable("campaign")
        .set({ state: campaign.state, body: toJson(campaign) })
        .where("id", "=", campaign.id)
        .execute();
    },
    async get(id) {
      const row = await db.selectFrom("campaign").select("body").where("id", "=", id).executeTakeFirst();
      return row && campaignOf(row);
    },
    async byIdempotencyKey(key) {
      const row = await db
        .selectFrom("campaign")
        .select("body")
        .where(sql<string>`body ->> '$.idempotency.key'`, "=", key)
        .executeTakeFirst();
      return row && campaignOf(row);
    },
    async list(before, limit) {
      let query = db.selectFrom("campaign").select("body").orderBy("id", "desc").limit(limit);
      if (before !== undefined) query = query.where("id", "<", before);
      return (await query.execute()).map(campaignOf);
    },
    async open() {
      const rows = await db
        .selectFrom("campaign")
        .select("body")
        .where(sql<boolean>`state in ('running', 'paused', 'stopped', 'cancelled')`)
        .where(sql<boolean>`body ->> '$.endedAt' is null`)
        .orderBy("id")
        .execute();
      return rows.map(campaignOf);
    },
    async putItem(item) {
      const { state, body } = itemRow(item);
      await db
        .updateTable("campaign_item")
        .set({ state, body })
        .where("campaign", "=", item.campaign)
        .where("position", "=", item.position)
        .execute();
    },
    async items(campaign, filter, after, limit) {
      let query = db
        .selectFrom("campaign_item")
        .select("body")
        .where("campaign", "=", campaign)
        .orderBy("position")
        .limit(limit);
      if (filter.state !== undefined) query = query.where("state", "in", filter.state);
      if (after !== undefined) query = query.where("position", ">", after);
      return (await query.execute()).map((row) => itemOf(row.body));
    },
    async counts(campaign) {
      const rows = await db
        .selectFrom("campaign_item")
        .select(["state", (eb) => eb.fn.countAll<number>().as("items")])
        .where("campaign", "=", campaign)
        .groupBy("state")
        .execute();
      const of = (state: ItemState) => rows.find((row) => row.state === state)?.items ?? 0;
      return {
        pending: of("pending"),
        running: of("running"),
        succeeded: of("succeeded"),
        failed: of("failed"),
        skipped: of("skipped"),
        cancelled: of("cancelled"),
      } satisfies ItemCounts;
    },
  };
}
