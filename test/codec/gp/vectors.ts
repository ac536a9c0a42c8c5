import { readFileSync } from "node:fs";
import { z } from "zod";

const hex = z.string();
const connection = z.object({
  bearer: hex.optional(),
  buffer: z.number().optional(),
  apn: z.string().optional(),
  port: z.number().optional(),
  protocol: z.number().optional(),
  ip: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
});
const session = z.object({
  cr: z.boolean().optional(),
  connection: connection.optional(),
  security: z.object({ pskIdentity: z.string(), kvn: z.number(), kid: z.number() }).optional(),
  retry: z.object({ counter: z.number(), delaySeconds: z.number(), reportFailure: hex.optional() }).optional(),
  http: z
    .object({ host: z.string().optional(), agentId: z.string().optional(), uri: z.string().optional() })
    .optional(),
});
export type SessionVector = z.infer<typeof session>;
const reply = z.union([
  z.literal("any"),
  z.null(),
  z.object({
    status: z.union([z.number(), z.string()]),
    script: z.string().optional(),
    contentType: z.string().nullable().optional(),
    targeted: z.string().nullable().optional(),
    nextUri: z.boolean().optional(),
  }),
]);
const step = z.object({
  breakdown: z.enum(["reset", "fin"]).optional(),
  request: z.object({ head: z.string(), bodyHex: hex.optional() }).optional(),
  cutAt: z.unknown().optional(),
  answerLost: z.boolean().optional(),
  reply: reply.optional(),
});
const dialog = z.object({
  name: z.string(),
  psk: z.object({ identity: z.string(), key: hex }),
  queue: z.array(z.object({ id: z.string(), target: z.string().nullable(), body: hex })),
  steps: z.array(step),
  outcome: z.record(z.string(), z.unknown()),
});
export type DialogVector = z.infer<typeof dialog>;

const file = z.object({
  psk_identity: z.array(
    z.object({ name: z.string(), eid: hex, aid: hex, kid: z.number(), kvn: z.number(), identity: hex, tlv: hex }),
  ),
  agent_id: z.array(
    z.object({ name: z.string(), header: z.string(), parsed: z.object({ eid: hex, aid: hex }).nullable() }),
  ),
  targeted_application: z.array(z.object({ name: z.string(), header: z.string(), aid: hex.nullable() })),
  trigger: z.array(
    z.object({
      name: z.string(),
      params: z.object({
        session: session.optional(),
        dns: z.object({ fqdn: z.string().optional(), connection: connection.optional() }).optional(),
      }),
      hex,
    }),
  ),
  trigger_reject: z.array(z.object({ name: z.string(), hex })),
  timer: z.array(z.object({ seconds: z.number(), hex })),
  store_data: z.array(
    z.object({ name: z.string(), tag: hex, params: session.optional(), value: hex.optional(), apdus: z.array(hex) }),
  ),
  key_load: z.array(
    z.object({
      name: z.string(),
      key: hex,
      dek: hex,
      padding: hex,
      kvn: hex,
      kid: hex,
      kcvSha1: hex,
      kcvAlgorithm11: hex,
      putKeyData: hex,
      putKeyApdu: hex,
      dgi00B9: hex,
      dgi8113: hex,
    }),
  ),
  command_script: z.array(z.object({ name: z.string(), apdus: z.array(hex), definite: z.boolean(), hex })),
  response_script: z.array(z.object({ name: z.string(), hex, executed: z.number().optional(), rapdus: z.array(hex) })),
  response_reject: z.array(z.object({ name: z.string(), hex })),
  chunked: z.array(z.object({ name: z.string(), rawHex: hex, bodyHex: hex })),
  chunked_reject: z.array(z.object({ name: z.string(), rawHex: hex })),
  cipher_suites: z.array(z.object({ name: z.string(), code: hex, sinceTls: z.string(), openssl: z.string() })),
  dialog: z.array(dialog),
});

/** The SCP81 vectors, whose generator shares no code with ours. */
export const scp81Vectors = file.parse(
  JSON.parse(readFileSync(new URL("../../vectors/scp81.json", import.meta.url), "utf8")),
);
