import type { Migration } from "../migration.ts";
import { initial } from "./0001-initial.ts";
import { scp81 } from "./0002-scp81.ts";
import { smsc } from "./0003-smsc.ts";
import { smscParts } from "./0004-smsc-parts.ts";
import { api } from "./0005-api.ts";
import { upstream } from "./0006-upstream.ts";
import { jobWake } from "./0007-job-wake.ts";
import { policy } from "./0008-policy.ts";
import { campaign } from "./0009-campaign.ts";
import { wantedSession } from "./0010-wanted-session.ts";
import { packetOrder } from "./0011-packet-order.ts";
import { packetRecent } from "./0012-packet-recent.ts";
import { smscNetwork } from "./0013-smsc-network.ts";
import { ledger } from "./0014-ledger.ts";
import { targetFields } from "./0015-target-fields.ts";
import { secretColumns } from "./0016-secret-columns.ts";
import { sealSecrets } from "./0017-seal-secrets.ts";
import { heardCounters } from "./0018-heard-counters.ts";

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
