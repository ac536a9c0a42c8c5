import { expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

/** Files that still convert between octets and hexadecimal, and how often at most. The list only gets shorter. */
const allowed: Readonly<Record<string, number>> = {
  "src/gateway/eis/connectivity-parameters.ts": 1,
  "src/gateway/eis/eis-records.ts": 4,
  "src/gateway/jobs/late-answer.ts": 1,
  "src/gateway/jobs/packet-order.ts": 1,
  "src/gateway/jobs/shown-job.ts": 6,
  "src/gateway/model/admin-dialog.ts": 1,
  "src/gateway/notifications/notifications.ts": 1,
  "src/gateway/scp80/evaluate-response.ts": 1,
  "src/gateway/scp80/secured-packet.ts": 10,
  "src/gateway/scp80/sms-run.ts": 1,
  "src/gateway/scp81/admin-notification.ts": 1,
  "src/gateway/scp81/admin-verdict.ts": 2,
  "src/gateway/scripts/executed-commands.ts": 1,
  "src/gateway/scripts/script-body.ts": 2,
  "src/gateway/scripts/script-parts.ts": 1,
  "src/gateway/scripts/script-verdict.ts": 7,
  "src/gateway/scripts/secure-channel-use.ts": 1,
  "src/gateway/smsc/conversations.ts": 1,
  "src/gateway/targets/agent-ids.ts": 2,
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
