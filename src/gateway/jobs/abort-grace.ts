/** How long aborted work may take to report its progress. */
const abortGraceMs = 400;

/**
 * The outcome of work that may ignore its signal: after an abort, only an outcome within {@link abortGraceMs} counts.
 * The work itself may continue; its end is not reported.
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
