import { backoffMs } from "../../base/retry.ts";

/** Result of sending an event. */
export type Attempt =
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterMs?: number }
  /** No usable answer. */
  | { readonly kind: "down"; readonly why: string };

export interface DeliveryPolicy {
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** Number of refusals after which an event is abandoned. Failures of an upstream that is down do not count. */
  readonly maxAttempts: number;
}

/** The next step after an answer. */
export type Next =
  | { readonly do: "delivered" }
  /** `down`: no other event needs to be tried before then. */
  | {
      readonly do: "retry";
      readonly afterMs: number;
      readonly attempts: number;
      readonly down: boolean;
      readonly why: string;
    }
  | { readonly do: "bury"; readonly attempts: number; readonly why: string };

/** Statuses that mean that this event will never be accepted. */
const permanentStatuses = new Set([400, 409, 410, 413, 415, 422]);
/** Statuses that a proxy returns when the upstream is unavailable, or that ask for a later try. */
const temporaryStatuses = new Set([408, 425, 429, 502, 503, 504]);
const maxWaitMs = 3_600_000;

/** The next step for an event that was sent `attempts` times before; `failures` in a row make waits longer. */
export function afterAttempt(
  attempts: number,
  failures: number,
  attempt: Attempt,
  policy: DeliveryPolicy,
  random: () => number,
): Next {
  const wait = (count: number, asked = 0) =>
    Math.max(
      backoffMs(count, { firstMs: policy.firstRetryMs, maxMs: policy.maxRetryMs, random }),
      Math.min(asked, maxWaitMs),
    );
  if (attempt.kind === "down") return { do: "retry", afterMs: wait(failures), attempts, down: true, why: attempt.why };
  const { status, retryAfterMs } = attempt;
  if (status >= 200 && status < 300) return { do: "delivered" };
  const why = `the upstream answered ${status}`;
  if (temporaryStatuses.has(status))
    return { do: "retry", afterMs: wait(failures, retryAfterMs), attempts, down: true, why };
  if (permanentStatuses.has(status) || attempts + 1 >= policy.maxAttempts)
    return { do: "bury", attempts: attempts + 1, why };
  return { do: "retry", afterMs: wait(attempts, retryAfterMs), attempts: attempts + 1, down: false, why };
}

/** A Retry-After header in seconds, as milliseconds. */
export function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}
