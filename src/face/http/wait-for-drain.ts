import type { ServerResponse } from "node:http";

/** Resolves with true when the answer accepts more octets, with false if it is closed or the time limit is reached. */
export function waitForDrain(raw: ServerResponse, patienceMs = 60_000): Promise<boolean> {
  if (raw.destroyed || raw.writableEnded) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (open: boolean) => {
      clearTimeout(timer);
      raw.off("drain", onDrain);
      raw.off("close", onClose);
      resolve(open);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    const timer = setTimeout(onClose, patienceMs);
    raw.once("drain", onDrain);
    raw.once("close", onClose);
  });
}
