import type { Migration } from "../migration.ts";
import { initial } from "./0001-initial.ts";
import { scp81 } from "./0002-scp81.ts";
import { smsc } from "./0003-smsc.ts";
import { smscParts } from "./0005-smsc-parts.ts";
import { api } from "./0010-api.ts";
import { upstream } from "./0011-upstream.ts";
import { jobWake } from "./0012-job-wake.ts";
import { policy } from "./0020-policy.ts";
import { campaign } from "./0021-campaign.ts";
import { wantedSession } from "./0022-wanted-session.ts";
import { packetOrder } from "./0030-packet-order.ts";
import { packetRecent } from "./0031-packet-recent.ts";
import { targetFields } from "./0032-target-fields.ts";
import { smscNetwork } from "./0033-smsc-network.ts";
import { ledger } from "./0060-ledger.ts";
import { secretColumns } from "./0061-secret-columns.ts";
import { sealSecrets } from "./0062-seal-secrets.ts";
import { heardCounters } from "./0063-heard-counters.ts";

/** The steps from the time before each entity had its own, in their order. */
export const earlierSteps: readonly Migration[] = [
  initial,
  scp81,
  smsc,
  smscParts,
  api,
  upstream,
  jobWake,
  policy,
  campaign,
  wantedSession,
  packetOrder,
  packetRecent,
  smscNetwork,
  ledger,
  targetFields,
  secretColumns,
  sealSecrets,
  heardCounters,
];
