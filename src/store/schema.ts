import type { Generated } from "kysely";

/** Tables of the store. JSON columns hold text; times are milliseconds; octets of keys are sealed. */
export interface Schema {
  target: {
    id: string;
    kind: string;
    name: string | null;
    eid: string | null;
    iccid: string | null;
    imsi: string | null;
    msisdn: string | null;
    body: string;
    /** Sealed: what of the body is left out of it. */
    secret: Uint8Array | null;
    version: number;
    created_at: number;
    updated_at: number;
  };
  /** Every name by which a target can be found. */
  target_alias: { alias: string; target: string; kind: string };
  key_set: {
    id: string;
    target: string;
    type: string;
    kvn: number;
    tars: string;
    algorithm: string;
    cc_length: number;
    cntr: number;
    heard_cntr: number | null;
    psk_identity: string | null;
    material: Uint8Array;
  };
  job: {
    seq: Generated<number>;
    id: string;
    target: string;
    state: string;
    lane: string;
    origin_face: string;
    work: string;
    request: string;
    origin: string;
    chosen: string | null;
    attempts: number;
    not_before: number;
    valid_until: number;
    result: string | null;
    error: string | null;
    note: string | null;
    warnings: string | null;
    idempotency_key: string | null;
    idempotency_digest: string | null;
    /** Sealed: the whole work, where `work` is without keys and logins that are in it; answers are read by it after the end too. */
    secret: Uint8Array | null;
    created_at: number;
    started_at: number | null;
    ended_at: number | null;
  };
  packet: {
    id: string;
    job: string;
    target: string;
    key_set: string | null;
    tar: string | null;
    cntr: number | null;
    spi: string | null;
    kic: string | null;
    kid: string | null;
    user_data: string;
    /** Sealed: the octets as they are, while the job is open and `user_data` is without keys and logins. */
    secret: Uint8Array | null;
    state: string;
    link: string | null;
    transmissions: number;
    response: string | null;
    created_at: number;
    sent_at: number | null;
    answered_at: number | null;
  };
  packet_part: {
    packet: string;
    position: number;
    transmission: number;
    link: string;
    network_reference: string | null;
    state: string;
    at: number;
    echo: number | null;
    number: string | null;
    said: string | null;
  };
  inbox: {
    seq: Generated<number>;
    id: string;
    link: string;
    target: string | null;
    item: string;
    state: string;
    verdict: string | null;
    received_at: number;
  };
  notification: {
    seq: Generated<number>;
    id: string;
    target: string | null;
    eid: string;
    type: number;
    sequence: string;
    aid: string | null;
    imei: string | null;
    via: string;
    link: string;
    verified: number;
    copies: number;
    confirmation: string;
    confirm_job: string | null;
    raw: string;
    first_at: number;
    last_at: number;
    confirmed_at: number | null;
  };
  procedure: {
    id: string;
    target: string;
    job: string;
    body: string;
    accepted_at: number;
    state: string;
  };
  event: {
    seq: Generated<number>;
    at: number;
    type: string;
    target: string | null;
    job: string | null;
    data: string;
  };
  campaign: { id: string; state: string; body: string; secret: Uint8Array | null };
  campaign_item: {
    campaign: string;
    position: number;
    target: string;
    state: string;
    body: string;
    secret: Uint8Array | null;
  };
  /** All of it sealed: scripts under way are in it. `body` is of older versions. */
  admin_dialog: { target: string; body: string; secret: Uint8Array | null };
  wanted_session: { target: string; since: number; until: number };
  smsc_message: {
    id: string;
    client: string;
    /** Empty while a segment waits for the others. */
    job: string;
    position: number;
    target: string;
    source: string;
    destination: string;
    receipt: string;
    intermediate: number;
    user_reference: number | null;
    state: string;
    error: number;
    submitted_at: number;
    valid_until: number;
    final_at: number | null;
    data_coding: number | null;
    network: string | null;
  };
  smsc_segment: { message: string; message_of: string; sequence: number; total: number; body: string; due_at: number };
  smsc_conversation: {
    target: string;
    client: string;
    number: string;
    ours: string;
    theirs: string;
    at: number;
    data_coding: number | null;
  };
  smsc_outbox: { seq: Generated<number>; id: string; client: string; body: string; at: number };
  api_token: {
    id: string;
    name: string;
    hash: Uint8Array;
    scopes: string;
    created_at: number;
    expires_at: number | null;
    last_used_at: number | null;
    revoked_at: number | null;
  };
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
  /** Of states that jobs end in. */
  job_count: { state: string; jobs: number };
  instance: { id: string };
  ledger: { commits: number; opened: number; probe: Uint8Array | null };
  upstream_cursor: { upstream: string; seq: number };
  upstream_outbox: {
    seq: Generated<number>;
    id: string;
    upstream: string;
    lane: string;
    type: string;
    body: string;
    attempts: number;
    not_before: number;
    created_at: number;
    error: string | null;
    dead_at: number | null;
  };
}
