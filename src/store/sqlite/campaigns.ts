import { sql } from "kysely";
import { fromHex } from "../../base/hex.ts";
import { type OctetText, octetText } from "../../base/octet-text.ts";
import { inTurns } from "../../base/turns.ts";
import { shownAction, shownItem } from "../../gateway/campaign/shown-campaign.ts";
import type {
  Campaign,
  CampaignItem,
  CampaignRepository,
  ItemCounts,
  ItemState,
} from "../../gateway/model/campaign.ts";
import { readFailure, type StoredFailure } from "../../gateway/model/failure.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { type Hidden, type Hiding, hidingIn } from "../hiding.ts";
import { fromJson, toJson } from "../json.ts";
import { readRequest, readWork } from "../octet-rows.ts";
import type { Statements } from "../statements.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface CampaignTables {
  campaign: { id: string; state: string; body: string; secret: Uint8Array | null };
  campaign_item: {
    campaign: string;
    position: number;
    target: string;
    state: string;
    body: string;
    secret: Uint8Array | null;
  };
}

/** Number of rows of one INSERT; other work can run between two of them. */
const chunk = 200;

/** A campaign as a row has it: the octets of its action are text. */
export type WrittenCampaign = OctetText<Campaign>;

/** An item as a row has it: the octets of its steps are text, and its error may be of an earlier version. */
export type WrittenItem = Omit<OctetText<CampaignItem>, "error"> & { readonly error?: StoredFailure };

function readAction(written: WrittenCampaign["order"]["action"]): Campaign["order"]["action"] {
  return written.kind === "script" ? { ...written, apdus: written.apdus.map(fromHex) } : written;
}

export function readCampaign(written: WrittenCampaign): Campaign {
  const { action, request, ...order } = written.order;
  return { ...written, order: { ...order, action: readAction(action), request: readRequest(request) } };
}

function readSteps(written: WrittenItem["steps"]): CampaignItem["steps"] {
  return written.map((step) => ({ ...step, work: step.work.kind === "es5" ? step.work : readWork(step.work) }));
}

/** An item of a row, its error completed if an earlier version omitted facts. */
export function readItem({ error, ...written }: WrittenItem): CampaignItem {
  return { ...written, steps: readSteps(written.steps), ...(error === undefined ? {} : { error: readFailure(error) }) };
}

/** A campaign in its stored form: secrets of its action are kept sealed until it ends. */
export function hiddenCampaign(hiding: Hiding, campaign: Campaign): Hidden {
  const { action } = campaign.order;
  const written = octetText(action);
  const shown = octetText(shownAction(action));
  const needed = campaign.endedAt === undefined && toJson(shown) !== toJson(written);
  return hiding.hide(
    campaign.id,
    { ...campaign, order: { ...campaign.order, request: octetText(campaign.order.request), action: shown } },
    needed ? written : undefined,
  );
}

/** An item in its stored form: secrets of its steps are kept sealed until its last step. */
export function hiddenItem(hiding: Hiding, item: CampaignItem): Hidden {
  const shown = octetText(shownItem(item));
  const open = item.state === "pending" || item.state === "running";
  const steps = octetText(item.steps);
  const needed = open && toJson(shown.steps) !== toJson(steps);
  return hiding.hide(itemName(item), shown, needed ? steps : undefined);
}

const itemName = ({ campaign, position }: Pick<CampaignItem, "campaign" | "position">) => `${campaign}:${position}`;

function itemRow(item: CampaignItem, hiding: Hiding) {
  const { text, secret } = hiddenItem(hiding, item);
  return {
    campaign: item.campaign,
    position: item.position,
    target: item.target,
    state: item.state,
    body: text,
    secret,
  };
}

function itemIn(
  { body, secret }: Pick<CampaignTables["campaign_item"], "body" | "secret">,
  hiding: Hiding,
): CampaignItem {
  const open = fromJson<WrittenItem>(body);
  return readItem({ ...open, steps: hiding.open<WrittenItem["steps"]>(itemName(open), secret) ?? open.steps });
}

/** Campaigns and their targets as JSON, with counts by state. */
export function campaignRepository(s: Statements, seal: Seal): CampaignRepository {
  const db = s.tables<CampaignTables>();
  const hiding = hidingIn("campaign", () => seal);
  const hidingItems = hidingIn("campaign_item", () => seal);
  const campaignOf = ({ body, secret }: Pick<CampaignTables["campaign"], "body" | "secret">): Campaign => {
    const open = fromJson<WrittenCampaign>(body);
    const action = hiding.open<WrittenCampaign["order"]["action"]>(open.id, secret);
    return readCampaign(action === undefined ? open : { ...open, order: { ...open.order, action } });
  };
  const columns = (campaign: Campaign) => {
    const { text, secret } = hiddenCampaign(hiding, campaign);
    return { state: campaign.state, body: text, secret };
  };
  return {
    async insert(campaign, items) {
      await s.run(db.insertInto("campaign").values({ id: campaign.id, ...columns(campaign) }));
      const turn = inTurns(5);
      for (let at = 0; at < items.length; at += chunk) {
        await s.run(
          db.insertInto("campaign_item").values(items.slice(at, at + chunk).map((item) => itemRow(item, hidingItems))),
        );
        await turn();
      }
    },
    async put(campaign) {
      await s.run(db.updateTable("campaign").set(columns(campaign)).where("id", "=", campaign.id));
    },
    async get(id) {
      const row = await s.first(db.selectFrom("campaign").select(["body", "secret"]).where("id", "=", id));
      return row && campaignOf(row);
    },
    async byIdempotencyKey(key) {
      const row = await s.first(
        db.selectFrom("campaign").select(["body", "secret"]).where(sql<string>`body ->> '$.idempotency.key'`, "=", key),
      );
      return row && campaignOf(row);
    },
    async list(before, limit) {
      let query = db.selectFrom("campaign").select(["body", "secret"]).orderBy("id", "desc").limit(limit);
      if (before !== undefined) query = query.where("id", "<", before);
      return (await s.all(query)).map(campaignOf);
    },
    async open() {
      const rows = await s.all(
        db
          .selectFrom("campaign")
          .select(["body", "secret"])
          .where(sql<boolean>`state in ('running', 'paused', 'stopped', 'cancelled')`)
          .where(sql<boolean>`body ->> '$.endedAt' is null`)
          .orderBy("id"),
      );
      return rows.map(campaignOf);
    },
    async putItem(item) {
      const { state, body, secret } = itemRow(item, hidingItems);
      await s.run(
        db
          .updateTable("campaign_item")
          .set({ state, body, secret })
          .where("campaign", "=", item.campaign)
          .where("position", "=", item.position),
      );
    },
    async items(campaign, filter, after, limit) {
      let query = db
        .selectFrom("campaign_item")
        .select(["body", "secret"])
        .where("campaign", "=", campaign)
        .orderBy("position")
        .limit(limit);
      if (filter.state !== undefined) query = query.where("state", "in", filter.state);
      if (after !== undefined) query = query.where("position", ">", after);
      return (await s.all(query)).map((row) => itemIn(row, hidingItems));
    },
    async counts(campaign) {
      const rows = await s.all(
        db
          .selectFrom("campaign_item")
          .select(["state", (eb) => eb.fn.countAll<number>().as("items")])
          .where("campaign", "=", campaign)
          .groupBy("state"),
      );
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
