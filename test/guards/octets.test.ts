import { expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

/** Files that still convert between octets and hexadecimal, and how often at most. The list only gets shorter. */
const allowed: Readonly<Record<string, number>> = {
  "src/gateway/eis/eis-records.ts": 4,
  "src/gateway/jobs/late-answer.ts": 1,
  "src/gateway/jobs/packet-order.ts": 1,
  "src/gateway/notifications/notifications.ts": 1,
  "src/gateway/scp80/secured-packet.ts": 9,
  "src/gateway/scp81/admin-notification.ts": 1,
  "src/gateway/targets/agent-ids.ts": 1,
  "src/gateway/targets/connectivity.ts": 6,
  "src/gateway/targets/eis.ts": 1,
  "src/gateway/targets/target-shape.ts": 7,
  "src/gateway/upstream/cloud-event.ts": 2,
};

it("octets stay octets inside the gateway: hexadecimal belongs to faces and to the rows of the store", () => {
  const found = filesBelow(["src/gateway"], /\.ts$/).flatMap(({ path, text }) => {
    const lines = text.split("\n").filter((line) => /\b(hex|unhex|fromHex|toHex)\(/.test(line)).length;
    return lines > (allowed[path] ?? 0) ? [`${path}: ${lines} lines`] : [];
  });
  expect(found).toEqual([]);
});
