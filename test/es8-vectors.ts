import { readFileSync } from "node:fs";
import { z } from "zod";
import { fromHex } from "../src/base/hex.ts";
import { ecCurves } from "../src/codec/euicc/ec-curve.ts";

const octets = z.string().transform(fromHex);
const maybeOctets = octets.nullable().transform((value) => value ?? undefined);
const curve = z.string().transform((name) => {
  const found = ecCurves.find(({ openssl }) => openssl === name);
  if (found === undefined) throw new Error(`no curve ${name}`);
  return found;
});

const step = z.object({
  name: z.string(),
  command: octets,
  response: octets,
  plain: octets.optional(),
  response_plain: octets.optional(),
  chain: octets.optional(),
  counter: z.number().optional(),
  iv: z.string().nullish(),
  host_cryptogram: z.string().optional(),
  card_challenge: z.string().optional(),
});
const dialogStep = z.object({
  phase: z.string(),
  targeted: z.string().optional(),
  command: octets,
  response: octets,
  plain_octets: z.number().optional(),
  tlv_octets: z.number().optional(),
  counter: z.number().optional(),
  chain: z.string().optional(),
  response_plain: z.string().optional(),
});
const channelKeys = z.object({
  aid: octets,
  kvn: z.number(),
  enc: octets,
  mac: octets,
  dek: octets,
  host_challenge: octets,
  sequence: z.string().transform((text) => Number.parseInt(text, 16)),
  s_enc: z.string(),
  s_mac: z.string(),
  s_rmac: z.string(),
});
const card = z.object({
  serial: z.string(),
  ca_id: z.string(),
  subject: z.string(),
  subject_text: z.string().nullable(),
  usage: z.string(),
  effective: z.string().nullable(),
  expiry: z.string(),
  image: z.string().nullable(),
  role: z.number().nullable(),
  authority: z.string().nullable(),
  curve: z.string(),
  public_key: z.string(),
});

const shapes = {
  x509: z.object({
    id: z.string(),
    role: z.enum(["CI", "EUM"]),
    der: octets,
    private_key: octets,
    issuer_key: octets,
    expect: z.object({ subject_key_id: z.string(), authority_key_id: z.string(), oid: z.string(), valid: z.boolean() }),
  }),
  "gp-certificate": z.object({
    id: z.string(),
    role: z.enum(["SM-DP", "SM-SR", "ECASD"]).optional(),
    certificate: octets,
    signed: z.string().optional(),
    signer_public: octets,
    private_key: octets.optional(),
    expect: z.union([
      card.extend({ valid: z.literal(true) }),
      z.object({ valid: z.literal(false), why: z.enum(["signature", "format"]) }),
    ]),
  }),
  "key-establishment": z.object({
    id: z.string(),
    target: z.string(),
    function: z.string(),
    certificate: octets,
    signing_key: octets,
    ecasd_public: octets,
    curve,
    rc: octets,
    ephemeral_private: octets,
    ephemeral_public: z.string(),
    dr: maybeOctets,
    host_id: maybeOctets,
    sin: maybeOctets,
    sdin: maybeOctets,
    a6: z.string(),
    signed: octets,
    signature: octets,
    apdus_1: z.array(z.string()),
    apdu_2: octets,
    script_1: z.string(),
    answer_1: octets,
    script_2: z.string(),
    answer_2: octets,
    script_2_sms: z.string(),
    shared_secret: z.string(),
    shared_info: z.string(),
    receipt_key: z.string(),
    keys: z.array(z.string()),
    receipt: z.string(),
    key_set: z.object({ kvn: z.number(), first_id: z.number(), octets: z.literal([16, 24, 32]) }),
    delete_others: z.boolean(),
  }),
  "key-establishment-negative": z.object({
    id: z.string(),
    based_on: z.string().optional(),
    answer: octets.optional(),
    expect: z.string().optional(),
    apdu: octets.optional(),
    certificate: octets.optional(),
    rc: octets.optional(),
    expect_sw: z.string().optional(),
  }),
  scp03: channelKeys.extend({
    id: z.string(),
    s: z.number(),
    level: z.string().transform((text) => Number.parseInt(text, 16)),
    new_key: octets,
    steps: z.array(step),
  }),
  scp03t: channelKeys.extend({
    id: z.string(),
    segment: z.number(),
    chain_after_85: z.string(),
    package: octets,
    steps: z.array(dialogStep),
  }),
  "scp03t-negative": z.object({
    id: z.string(),
    based_on: z.string(),
    blocks_before: z.number(),
    tlv: octets,
    expect: z.string(),
  }),
  "scp03t-host-negative": z.object({
    id: z.string(),
    based_on: z.string(),
    at_step: z.number(),
    response: octets,
    expect: z.string(),
  }),
  "finalise-handover": z.object({
    id: z.string(),
    keep: z.array(z.object({ kvn: z.number(), first: z.number(), last: z.number() })),
    apdu: z.string(),
    script: z.string(),
  }),
  download: z.object({
    id: z.string(),
    eid: z.string(),
    isd_p: z.string(),
    ci_public: octets,
    eum_public: octets,
    ecasd_certificate: octets,
    dp_certificate: octets,
    dp_private: octets,
    ephemeral_private: octets,
    rc: octets,
    keys: z.array(z.string()),
    host_challenge: octets,
    sequence: z.string().transform((text) => Number.parseInt(text, 16)),
    segment: z.number(),
    package: octets,
    steps: z.array(dialogStep),
  }),
} as const;
type Shapes = typeof shapes;

const file = z.object({ vectors: z.array(z.looseObject({ id: z.string(), kind: z.string() })) });
const all = file.parse(JSON.parse(readFileSync(new URL("vectors/es8.json", import.meta.url), "utf8"))).vectors;

/** A vector of `es8.json`; octets are parsed, and what is only compared stays hexadecimal text. */
export type Es8Vector<K extends keyof Shapes> = z.output<Shapes[K]>;

/** All vectors of one kind. @throws when there is none */
export function es8Vectors<K extends keyof Shapes>(kind: K): Es8Vector<K>[] {
  const found = all.filter((one) => one.kind === kind).map((one) => shapes[kind].parse(one));
  if (found.length === 0) throw new Error(`no vectors of the kind ${kind}`);
  return found as Es8Vector<K>[];
}

/** The vector of a kind with this id. @throws when there is none */
export function es8Vector<K extends keyof Shapes>(kind: K, id: string | undefined): Es8Vector<K> {
  const found = es8Vectors(kind).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}
