/** Highest sequence number we use. SMPP 3.4 §5.1.4 */
export const lastSequence = 0x7fffffff;

/** The number after `last`: 1 follows the highest, numbers still in flight are skipped. */
export function nextSequence(last: number, inFlight: { has(sequence: number): boolean }): number {
  let next = last >= lastSequence ? 1 : last + 1;
  while (inFlight.has(next)) next = next === lastSequence ? 1 : next + 1;
  return next;
}
