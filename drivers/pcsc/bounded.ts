import type { GatewayError } from "../../src/base/gateway-error.ts";

/** How long a call may take and what ends it early. */
export interface Bounds {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Waits for `work`, but no longer than its bounds allow. At the end of the time, or when aborted, `abandon` is called
 * with the reason; it must make `work` harmless, because its caller no longer waits.
 */
export function bounded<T>(
  work: Promise<T>,
  { timeoutMs, signal }: Bounds,
  late: () => GatewayError,
  abandon: (why: unknown) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const give = (why: unknown) => {
      finish();
      reject(why);
      abandon(why);
    };
    const timer = setTimeout(() => give(late()), timeoutMs);
    const onAbort = () => give(signal?.reason);
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    work.then(
      (value) => {
        finish();
        resolve(value);
      },
      (error) => {
        finish();
        reject(error);
      },
    );
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}
