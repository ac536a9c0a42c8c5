import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { octetText } from "../../base/octet-text.ts";
import { type Aid, ownIsdPAid, parseTar } from "../../codec/euicc/aid.ts";
import { classifyCommand } from "../../codec/euicc/es5/classify.ts";
import { es5Commands } from "../../codec/euicc/es5/functions.ts";
import { tarText } from "../../codec/euicc/identity-shapes.ts";
import type { Log } from "../../link/driver.ts";
import type { Job, JobOrigin } from "../model/job.ts";
import type { JobQueue } from "../model/new-job.ts";
import type { Repositories, Store } from "../model/store.ts";
import { enabledProfile, type Target } from "../model/target.ts";
import { scriptCommands } from "../scripts/script-body.ts";
import {
  type ProfileReach,
  profileParameters,
  profileReachOf,
  type SmsrReach,
  smsrReachOf,
  smsrTemplates,
  withoutPasswords,
} from "../targets/connectivity.ts";
import { addressingOf, applyCommand } from "../targets/eis.ts";
import { findTarget } from "../targets/target-lookup.ts";

/** TAR that most MNO-SDs have; SGP.02 fixes none. */
const mnoSdTar = parseTar("B20100");

const number = z.string().regex(/^\+?[0-9]{1,20}$/, "must be 1 to 20 digits, with or without +");
const text = z.string().min(1).max(255);

const connection = {
  bearer: z
    .string()
    .regex(/^([0-9a-fA-F]{2})+$/, "must be hexadecimal octets")
    .optional()
    .describe("Bearer type and its parameters; 03 is the default bearer"),
  bufferSize: z.number().int().min(1).max(65_535).optional(),
  networkAccessName: text.max(100).optional().describe("APN"),
  user: text.optional(),
  password: text.optional().describe("Write-only"),
  protocol: z.enum(["tcp", "udp"]).optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  address: z.union([z.ipv4(), z.ipv6()]).optional().describe("IP address of the SM-SR"),
};

/** Connectivity parameters as a client sets them; absent ones stay as they are. */
export const ConnectivityShape = z
  .strictObject({
    smsr: z
      .strictObject({
        number: number.optional().describe("Destination of the card's short messages (A3)"),
        https: z
          .strictObject({
            ...connection,
            host: text.optional(),
            agentId: text.optional(),
            uri: text.optional(),
            retry: z
              .strictObject({
                attempts: z.number().int().min(0).max(65_535),
                delaySeconds: z.number().int().min(0).max(359_999),
              })
              .optional(),
            security: z
              .strictObject({
                pskIdentity: text,
                kvn: z.number().int().min(1).max(127),
                keyId: z.number().int().min(0).max(127),
              })
              .optional(),
          })
          .optional()
          .describe("HTTPS parameters for the SM-SR (A5)"),
      })
      .optional(),
    profile: z
      .strictObject({
        serviceCentre: number.optional().describe("SMSC of the profile (A0)"),
        https: z.strictObject(connection).optional().describe("Access point and login (A2)"),
        catTp: z.strictObject(connection).optional(),
        tar: tarText.prefault(mnoSdTar).describe("Security domain of the operator; the target needs its keys (ES6)"),
      })
      .optional()
      .describe("Parameters of the enabled profile"),
  })
  .refine((given) => given.smsr !== undefined || given.profile !== undefined, "smsr or profile is required");
export type ConnectivityShape = z.infer<typeof ConnectivityShape>;

/** Connectivity parameters as far as they are stored; of passwords only their presence. */
interface ShownConnectivity {
  readonly smsr: SmsrReach;
  readonly profiles: readonly (ProfileReach & { readonly aid: Aid; readonly iccid?: string })[];
  /** Templates that are stored but cannot be decoded. */
  readonly unreadable: readonly string[];
}

/** Connectivity parameters of cards as one object. SGP.02 §4.1.1.10, §4.1.3.4 */
export class ConnectivityParameters {
  readonly #store: Store;
  readonly #jobs: JobQueue;
  readonly #log: Log;

  constructor({ store, jobs, log }: { readonly store: Store; readonly jobs: JobQueue; readonly log: Log }) {
    this.#store = store;
    this.#jobs = jobs;
    this.#log = log;
  }

  /** The parameters from the EIS and the updates so far; they cannot be read from the card. @throws target.unknown */
  async show(reference: string): Promise<ShownConnectivity> {
    const target = await this.#store.read((r) => findTarget(r, reference));
    return withoutPasswords(knownParameters(target));
  }

  /**
   * Orders the changes on the card. HTTPS parameters that are not given are taken from the known ones and from changes
   * that are still open, since the card replaces a template as a whole. Wrong values orphan a card, so old and new
   * values are logged.
   * @throws target.unknown, target.invalid, codec.* for invalid values
   */
  async set(reference: string, given: ConnectivityShape, origin: JobOrigin): Promise<Job[]> {
    const { smsr, profile } = given;
    const makers = [
      ...(smsr === undefined ? [] : [(target: Target) => smsrWork(smsr, merged(knownParameters(target).smsr, smsr))]),
      ...(profile === undefined ? [] : [(target: Target) => profileWork(target, knownParameters(target), profile)]),
    ];
    // All or nothing: invalid values are refused before any job is ordered.
    const target = await this.#store.read(async (r) => {
      const found = await asOrdered(r, await findTarget(r, reference));
      for (const make of makers) make(found);
      return found;
    });
    this.#log.warn(
      {
        target: target.id,
        eid: target.eid,
        before: withoutPasswords(knownParameters(target)),
        after: withoutPasswords(given),
      },
      "changing connectivity parameters of a card",
    );
    const jobs: Job[] = [];
    for (const make of makers) {
      const work = async (r: Repositories, now: Target) => make(await asOrdered(r, now));
      jobs.push((await this.#jobs.submit({ target: target.id, work, origin })).job);
    }
    return jobs;
  }
}

const changes: ReadonlySet<string> = new Set(["updateSMSRAddressingParameters", "updateConnectivityParameters"]);

/** The target as it will be after its open jobs have changed its connectivity parameters, in order. */
async function asOrdered(r: Repositories, target: Target): Promise<Target> {
  const open = await r.jobs.list({ target: target.id, state: ["queued", "running", "waiting"] }, undefined, 1000);
  const works = open
    .sort((one, other) => one.seq - other.seq)
    .map(({ work }) => work)
    .filter((work) => work.kind !== "packet" && changes.has(work.function?.name ?? ""));
  return works
    .flatMap(scriptCommands)
    .map((apdu) => classifyCommand(apdu).function)
    .reduce((now, fn) => (changes.has(fn.name) ? applyCommand(now, fn, undefined, {}) : now), target);
}

function knownParameters(target: Target): ShownConnectivity {
  const unreadable: string[] = [];
  const read = <T>(name: string, parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      unreadable.push(name);
      return undefined;
    }
  };
  const addressing = addressingOf(target);
  const smsr = Object.entries(addressing).map(([tag, value]) => read(tag, () => smsrReachOf({ [tag]: value })));
  const profiles = target.esimProfiles.flatMap(({ aid, iccid, connectivity }) => {
    const reach =
      connectivity === undefined ? undefined : read(`connectivity of ${aid}`, () => profileReachOf(connectivity));
    return reach === undefined ? [] : [{ aid, ...withoutUndefined({ iccid }), ...reach }];
  });
  return { smsr: Object.assign({}, ...smsr), profiles, unreadable };
}

type Given = NonNullable<ConnectivityShape["smsr"]>;

function merged(before: SmsrReach, given: Given): SmsrReach {
  const https = given.https === undefined ? undefined : { ...before.https, ...withoutUndefined(given.https) };
  return withoutUndefined({ number: given.number, https });
}

function smsrWork(given: Given, reach: SmsrReach) {
  const { A3, A5 } = smsrTemplates(reach);
  const params = octetText({
    ...(given.number === undefined || A3 === undefined ? {} : { sms: given.number }),
    ...(A5 === undefined ? {} : { https: A5 }),
  });
  return { kind: "es5", function: "updateSMSRAddressingParameters", params } as const;
}

function profileWork(target: Target, before: ShownConnectivity, given: NonNullable<ConnectivityShape["profile"]>) {
  const enabled = enabledProfile(target);
  if (enabled === undefined)
    throw new GatewayError("target.invalid", "profile: the EIS contains no enabled profile", {
      detail: { field: "profile" },
    });
  const now = before.profiles.find((one) => one.aid === enabled.aid);
  const { tar, serviceCentre } = given;
  const part = (name: "https" | "catTp") =>
    given[name] === undefined ? {} : { [name]: { ...now?.[name], ...withoutUndefined(given[name]) } };
  const reach: ProfileReach = {
    ...withoutUndefined({ serviceCentre }),
    ...part("https"),
    ...part("catTp"),
  };
  const apdus = [
    ...es5Commands({ name: "installForPersonalization", sd: ownIsdPAid }),
    ...es5Commands({ name: "updateConnectivityParameters", connectivity: profileParameters(reach) }),
  ];
  return {
    kind: "script",
    tar,
    apdus,
    function: { name: "updateConnectivityParameters", params: { aid: enabled.aid } },
  } as const;
}
