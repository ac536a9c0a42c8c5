import type { Clock } from "../../base/clock.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { type DownloadId, newId, type TargetId } from "../../base/id.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import { idempotencyOf } from "../jobs/job-order.ts";
import type { Download, DownloadFilter, DownloadOrder, PackageFacts } from "../model/download.ts";
import { unknownRecord } from "../model/identifiers.ts";
import type { JobOrigin } from "../model/job.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { freeIsdP } from "../scripts/es5-params.ts";
import { findTarget } from "../targets/target-lookup.ts";
import { chooseCredentials, type JudgedCredentials, type SmDpCredentials } from "./credentials.ts";
import { type OrderedDownload, storedOrder } from "./order.ts";
import { type PreflightFinding, packageFacts, preflight, unacceptedObstacles } from "./preflight.ts";
import { type DownloadRunner, jobKey } from "./runner.ts";
import { type FollowedDownload, progressOf } from "./shown-download.ts";
import { storedFacts } from "./stored-facts.ts";

/** What a download would do, and what speaks against it. */
interface DownloadPlan {
  readonly target: TargetId;
  readonly eid: Eid;
  readonly smDp: string;
  readonly isdP: Aid;
  readonly package: PackageFacts;
  readonly findings: readonly PreflightFinding[];
  /** The findings that stop it. */
  readonly obstacles: readonly PreflightFinding[];
  /** Its steps, in order. */
  readonly steps: readonly string[];
}

interface DownloadsDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly runner: DownloadRunner;
  readonly smDps: readonly SmDpCredentials[];
}

/** The client of an order, and the key that makes repeating it safe. */
interface OrderedBy {
  readonly origin: JobOrigin;
  readonly key?: string;
}

/** Downloads of profile packages, for all faces. SGP.02 §3.1 */
export class Downloads {
  readonly #deps: DownloadsDeps;

  constructor(deps: DownloadsDeps) {
    this.#deps = deps;
  }

  /** The plan of a download; nothing is stored or sent. @throws target.unknown, target.invalid, download.credentials */
  async plan(asked: OrderedDownload): Promise<DownloadPlan> {
    const { plan } = await this.#deps.store.read((r) => this.#plan(r, asked));
    return plan;
  }

  /**
   * Orders a download, which starts at once. If the key was already used for the same order, returns that download.
   * @throws download.preflight with the obstacles, download.credentials, target.*, api.idempotency
   */
  async start(asked: OrderedDownload, { origin, key }: OrderedBy): Promise<{ download: Download; created: boolean }> {
    const { store, clock, runner } = this.#deps;
    const now = clock.now();
    const idempotency = key === undefined ? undefined : idempotencyOf(asked, origin.client, key);
    const stored = idempotency && `${idempotency.idempotencyKey} ${idempotency.idempotencyDigest}`;
    const started = await store.write(async (r) => {
      const before = stored === undefined ? undefined : await r.downloads.byIdempotencyKey(stored);
      if (before !== undefined) return { download: before, created: false };
      const { plan, target, judged } = await this.#plan(r, asked);
      refuseObstacles(plan);
      const { cardKey } = judged;
      if (cardKey === undefined) throw noCertificate(plan.eid);
      const download: Download = {
        id: newId("dld", now),
        target: target.id,
        eid: plan.eid,
        order: storedOrder(asked),
        origin,
        package: plan.package,
        smDp: plan.smDp,
        cardKey: { curve: cardKey.curve.reference, point: cardKey.point },
        isdP: plan.isdP,
        stage: { at: "planned" },
        attempt: 1,
        ordered: 0,
        waiting: false,
        card: "absent",
        secrets: {},
        steps: [],
        createdAt: now,
      };
      await r.downloads.insert(download, asked.package, stored);
      await r.events.append({
        at: now,
        type: "download.step",
        target: target.id,
        data: { download: download.id, step: "planned", attempt: 1 },
      });
      return { download, created: true };
    });
    runner.look(started.download.id, started.download.target);
    return started;
  }

  /** @throws download.unknown */
  async get(id: DownloadId): Promise<Download> {
    return this.#deps.store.read((r) => requireDownload(r, id));
  }

  /** A download with its progress. @throws download.unknown */
  async follow(id: DownloadId): Promise<FollowedDownload> {
    return this.#deps.store.read(async (r) => this.#followed(r, await requireDownload(r, id)));
  }

  /** Newest first, before the given id. */
  async list(filter: DownloadFilter, before: string | undefined, limit: number): Promise<FollowedDownload[]> {
    return this.#deps.store.read(async (r) => {
      const found: FollowedDownload[] = [];
      for (const one of await r.downloads.list(filter, before, limit)) found.push(await this.#followed(r, one));
      return found;
    });
  }

  async #followed(r: Repositories, download: Download): Promise<FollowedDownload> {
    const found = download.stage.at === "loading" ? await r.jobs.ofKey(jobKey(download)) : undefined;
    return { download, progress: progressOf(download, found?.job, this.#deps.clock.now()) };
  }

  /**
   * Cancels a download: the step under way is withdrawn if it has not left, and what is on the card is removed.
   * @throws download.unknown, download.state
   */
  async cancel(id: DownloadId): Promise<Download> {
    const { store, jobs, runner } = this.#deps;
    const { download, job } = await store.write(async (r) => {
      const now = await requireDownload(r, id);
      if (now.endedAt !== undefined)
        throw new GatewayError("download.state", `download ${id} has ended`, { detail: { download: id } });
      const cancelled: Download = { ...now, cancelled: true };
      await r.downloads.put(cancelled);
      return { download: cancelled, job: now.waiting ? await r.jobs.ofKey(jobKey(now)) : undefined };
    });
    const { at } = download.stage;
    if (job !== undefined && at !== "clean-up" && at !== "state") {
      await jobs.cancel(job.job.id, { unsentOnly: true }).catch((error: unknown) => {
        // It was sent: its answer decides.
        if (!isGatewayError(error, "job.state")) throw error;
      });
    }
    runner.look(id, download.target);
    return download;
  }

  /** The configured SM-DPs. */
  get smDps(): readonly SmDpCredentials[] {
    return this.#deps.smDps;
  }

  async #plan(
    r: Repositories,
    asked: OrderedDownload,
  ): Promise<{ plan: DownloadPlan; target: Target; judged: JudgedCredentials }> {
    const target = await findTarget(r, asked.target);
    const { eid } = target;
    if (target.kind !== "euicc" || eid === undefined)
      throw new GatewayError("target.invalid", "target: a profile can be downloaded to an eUICC only", {
        detail: { field: "target" },
      });
    const ecasd = storedFacts(target).ecasd?.certificate;
    if (ecasd === undefined) throw noCertificate(eid);
    const now = this.#deps.clock.now();
    const judged = chooseCredentials(this.#deps.smDps, asked.smDp, { ecasd, eid }, now);
    const order = storedOrder(asked);
    const isdP = asked.aid ?? freeIsdP(target);
    const underWay = (await r.downloads.openOf(target.id))?.id;
    const findings = preflight({
      target,
      keySets: await r.keySets.list(target.id),
      octets: asked.package,
      isdP,
      order,
      chain: judged.findings,
      ...(underWay === undefined ? {} : { underWay }),
    });
    const facts = packageFacts(asked.package, order.blockOctets);
    const plan: DownloadPlan = {
      target: target.id,
      eid,
      smDp: judged.smDp.name,
      isdP,
      package: facts,
      findings,
      obstacles: unacceptedObstacles(findings, order.accept),
      steps: plannedSteps(order, facts, isdP),
    };
    return { plan, target, judged };
  }
}

function plannedSteps(order: DownloadOrder, { blocks, octets }: PackageFacts, isdP: Aid): string[] {
  return [
    `create the ISD-P ${isdP}`,
    "send the certificate of the SM-DP",
    "establish SCP03 keys",
    "open a secure channel (SCP03t)",
    `send ${octets} octets in ${blocks} block${blocks === 1 ? "" : "s"}`,
    ...(order.enable ? ["enable the profile"] : []),
    ...(order.verify ? ["read the state of the profile"] : []),
  ];
}

function refuseObstacles({ obstacles }: DownloadPlan): void {
  const [first, ...others] = obstacles;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new GatewayError("download.preflight", `${first.code}: ${first.message}${more}`, {
    detail: { field: "package", findings: obstacles.map(({ code, message }) => ({ code, message })) },
  });
}

function noCertificate(eid: Eid): GatewayError {
  const message = `the EIS of ${eid} has no usable certificate of the ECASD: import it, or read it with es5 auditForwarded`;
  return new GatewayError("target.invalid", message, { detail: { field: "target" } });
}

/** @throws download.unknown */
async function requireDownload(r: Repositories, id: DownloadId): Promise<Download> {
  const found = await r.downloads.get(id);
  if (found === undefined) throw unknownRecord("dld", id);
  return found;
}
