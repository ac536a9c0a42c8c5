/** How long the work may take to specify how far it got, once it was abandoned. */
const abortGraceMs = 400;

/**
 * The outcome of work that may not heed its signal: once that is aborted, only what comes nearly at once. The work
 * itself may continue; its end is not reported.
 * @throws what the work throws, or the signal's reason
 */
export function withAbortGrace<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), abortGraceMs);
    };
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.finally(over).then(resolve, reject);
  });
}
