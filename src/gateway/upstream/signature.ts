import { createHmac } from "node:crypto";
import type { Secret } from "../../base/secret.ts";

/** Headers that identify who sent an event, that it is unaltered, and when: Standard Webhooks 1.0. */
export function signatureHeaders(
  secret: Secret,
  id: string,
  atMs: number,
  body: string,
): Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const seconds = String(Math.floor(atMs / 1000));
  const mac = createHmac("sha256", secret.reveal()).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${mac}` };
}
