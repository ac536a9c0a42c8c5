import { type Generated, sql } from "kysely";
import { Secret } from "../../base/secret.ts";
import type { Download, DownloadRepository } from "../../gateway/model/download.ts";
import type { Seal } from "../../gateway/model/store.ts";
import { hidingIn } from "../hiding.ts";
import { fromJson } from "../json.ts";
import type { Migration } from "../migration.ts";
import type { Statements } from "../statements.ts";

/** The columns of the tables. JSON is text, times are milliseconds. */
interface DownloadTables {
  download: {
    id: string;
    target: string;
    open: number;
    body: string;
    /** Sealed: keys that the download still needs. */
    secret: Uint8Array | null;
    idempotency_key: string | null;
    created_at: number;
  };
  /** One row for each download that has not ended. */
  download_package: {
    seq: Generated<number>;
    download: string;
    /** Sealed: the octets of the package. */
    secret: Uint8Array;
  };
}

export const downloadSteps: readonly Migration[] = [
  {
    name: "0025-downloads",
    sql: `
CREATE TABLE download (
  id TEXT PRIMARY KEY, target TEXT NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL, secret BLOB,
  idempotency_key TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX download_target ON download(target, id);
CREATE INDEX download_open ON download(target) WHERE open = 1;
CREATE UNIQUE INDEX download_idempotency ON download(idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE download_package (seq INTEGER PRIMARY KEY, download TEXT NOT NULL UNIQUE, secret BLOB NOT NULL) STRICT;
`,
  },
];

/** The secrets of a download as they are sealed. */
interface SealedSecrets {
  readonly ephemeral?: Uint8Array;
  readonly keys?: readonly Uint8Array[];
}

/** A literal, so that the partial index applies. */
const isOpen = sql<boolean>`open = 1`;

/** Downloads as JSON; keys and packages sealed and kept only as long as the download needs them. */
export function downloadRepository(s: Statements, seal: Seal): DownloadRepository {
  const db = s.tables<DownloadTables>();
  const hiding = hidingIn("download", () => seal);
  const columns = (download: Download) => {
    const { secrets, ...shown } = download;
    const { ephemeral, keys } = secrets;
    const needed = ephemeral !== undefined || keys !== undefined;
    const sealed: SealedSecrets = {
      ...(ephemeral === undefined ? {} : { ephemeral: ephemeral.reveal() }),
      ...(keys === undefined ? {} : { keys: keys.map((key) => key.reveal()) }),
    };
    const { text, secret } = hiding.hide(download.id, shown, needed ? sealed : undefined);
    return { body: text, secret, open: download.endedAt === undefined ? 1 : 0 };
  };
  const downloadOf = ({ body, secret }: Pick<DownloadTables["download"], "body" | "secret">): Download => {
    const shown = fromJson<Omit<Download, "secrets">>(body);
    const { ephemeral, keys } = hiding.open<SealedSecrets>(shown.id, secret) ?? {};
    return {
      ...shown,
      secrets: {
        ...(ephemeral === undefined ? {} : { ephemeral: new Secret(ephemeral) }),
        ...(keys === undefined ? {} : { keys: keys.map((key) => new Secret(key)) }),
      },
    };
  };
  const purpose = (id: string) => `download_package:${id}`;
  const all = () => db.selectFrom("download").select(["body", "secret"]);
  return {
    async insert(download, octets, idempotencyKey) {
      const { id, target, createdAt } = download;
      const row = { id, target, idempotency_key: idempotencyKey ?? null, created_at: createdAt };
      await s.run(db.insertInto("download").values({ ...row, ...columns(download) }));
      const secret = seal.seal(octets, purpose(id));
      await s.run(db.insertInto("download_package").values({ download: id, secret }));
    },
    async put(download) {
      await s.run(db.updateTable("download").set(columns(download)).where("id", "=", download.id));
      if (download.endedAt !== undefined)
        await s.run(db.deleteFrom("download_package").where("download", "=", download.id));
    },
    async get(id) {
      const row = await s.first(all().where("id", "=", id));
      return row && downloadOf(row);
    },
    async packageOf(id) {
      const row = await s.first(db.selectFrom("download_package").select("secret").where("download", "=", id));
      return row && seal.open(row.secret, purpose(id));
    },
    async byIdempotencyKey(key) {
      const row = await s.first(all().where("idempotency_key", "=", key));
      return row && downloadOf(row);
    },
    async open() {
      return (await s.all(all().where(isOpen).orderBy("id"))).map(downloadOf);
    },
    async openOf(target) {
      const row = await s.first(all().where(isOpen).where("target", "=", target).orderBy("id").limit(1));
      return row && downloadOf(row);
    },
    async list({ target, open }, before, limit) {
      let query = all().orderBy("id", "desc").limit(limit);
      if (target !== undefined) query = query.where("target", "=", target);
      if (open !== undefined) query = query.where("open", "=", open ? 1 : 0);
      if (before !== undefined) query = query.where("id", "<", before);
      return (await s.all(query)).map(downloadOf);
    },
  };
}
