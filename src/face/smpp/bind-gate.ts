import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { addressGroup } from "./address-group.ts";
import { FailureDelay, type FailureDelayLimits } from "./failure-delay.ts";
import { addressRule, verifyPassword } from "./password.ts";
import type { BindDecision, BindRequest, SmscClient } from "./port.ts";
import { type VerificationLimits, VerificationQueue } from "./verification-queue.ts";

/** A configured account. */
interface SmscAccount extends SmscClient {
  readonly passwordHash: string;
  /** Addresses and networks that may bind; all when absent or empty. */
  readonly allow?: readonly string[];
}

interface Account {
  readonly account: SmscAccount;
  readonly allowed: (address: string) => boolean;
}

export type BindLimits = VerificationLimits & FailureDelayLimits;

interface BindGateDeps {
  readonly clock: Clock;
  /** Checks a password against its hash: expensive. */
  readonly verify?: (password: string, hash: string) => Promise<boolean>;
}

type Verdict = "right" | "wrong" | "busy";

/** A check that binds with the same credentials from one address share. */
interface Check {
  readonly verdict: Promise<Verdict>;
  readonly stop: AbortController;
  waiting: number;
}

/** Maximum number of remembered verified passwords per account. */
const maxRemembered = 4;
const keyOctets = 32;

/**
 * Decides on binds at low cost for unknown clients: account and address rule are checked first, a password that was
 * verified before is recognized by a keyed hash, and the expensive check runs for a few at a time, one per address,
 * after a delay that grows with each refusal.
 */
export class BindGate {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #clock: Clock;
  readonly #verify: (password: string, hash: string) => Promise<boolean>;
  readonly #queue: VerificationQueue;
  readonly #delay: FailureDelay;
  readonly #checking = new Set<string>();
  readonly #checks = new Map<string, Check>();
  /** Keyed digests of verified passwords by account; useless outside this process. */
  readonly #verified = new Map<string, Set<string>>();
  readonly #key = randomBytes(keyOctets);

  /** @throws config.invalid for an address rule that is neither an address nor a network */
  constructor(accounts: readonly SmscAccount[], limits: BindLimits, deps: BindGateDeps) {
    this.#accounts = new Map(
      accounts.map((account) => [account.systemId, { account, allowed: addressRule(account.allow) }]),
    );
    this.#clock = deps.clock;
    this.#verify = deps.verify ?? verifyPassword;
    this.#queue = new VerificationQueue(limits);
    this.#delay = new FailureDelay(limits, deps.clock);
  }

  /** The account, or the reason for the refusal. Rejects with the signal's reason if the connection was closed. */
  async decide(request: BindRequest, signal: AbortSignal): Promise<BindDecision> {
    const group = addressGroup(request.remoteAddress);
    const found = this.#accounts.get(request.systemId);
    if (found === undefined) return this.#refused("system-id", group);
    const { account, allowed } = found;
    if (!allowed(request.remoteAddress)) return this.#refused("address", group);
    const digest = this.#digest(account, request.password);
    const known = this.#verified.get(account.systemId)?.has(digest) === true;
    if (!known) {
      const check = (stop: AbortSignal) => this.#check(account, request.password, group, stop);
      const verdict = await this.#shared(`${group} ${digest}`, check, signal);
      if (verdict === "busy") return { refused: "busy" };
      if (verdict === "wrong") return this.#refused("password", group);
      this.#remember(account.systemId, digest);
    }
    this.#delay.succeeded(group);
    const { systemId, maxBinds, window, rate, deliverAs } = account;
    return { systemId, maxBinds, window, deliverAs, ...withoutUndefined({ rate }) };
  }

  /** Waits for the check of these credentials, which continues as long as a connection waits for it. */
  async #shared(key: string, check: (stop: AbortSignal) => Promise<Verdict>, gone: AbortSignal): Promise<Verdict> {
    const mine = this.#checks.get(key) ?? this.#begin(key, check);
    mine.waiting += 1;
    const left = new AbortController();
    try {
      const leaving = new Promise<never>((_, reject) => {
        gone.addEventListener("abort", () => reject(gone.reason), { once: true, signal: left.signal });
      });
      gone.throwIfAborted();
      return await Promise.race([mine.verdict, leaving]);
    } finally {
      left.abort();
      mine.waiting -= 1;
      if (mine.waiting === 0) mine.stop.abort(new GatewayError("link.lost", "the connection is closed"));
    }
  }

  #begin(key: string, check: (stop: AbortSignal) => Promise<Verdict>): Check {
    const stop = new AbortController();
    const verdict = check(stop.signal).finally(() => this.#checks.delete(key));
    // There may be no waiting connection when it is stopped.
    verdict.catch(() => undefined);
    const begun: Check = { verdict, stop, waiting: 0 };
    this.#checks.set(key, begun);
    return begun;
  }

  async #check(account: SmscAccount, password: string, group: string, signal: AbortSignal): Promise<Verdict> {
    if (this.#checking.has(group)) return "busy";
    this.#checking.add(group);
    try {
      const waitMs = this.#delay.leftMs(group);
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
      const right = await this.#queue.run(() => this.#verify(password, account.passwordHash), signal);
      return right ? "right" : "wrong";
    } catch (error) {
      if (isGatewayError(error, "link.queue-full")) return "busy";
      throw error;
    } finally {
      this.#checking.delete(group);
    }
  }

  #refused(refused: "system-id" | "password" | "address", group: string): BindDecision {
    return { refused, holdMs: this.#delay.failed(group) };
  }

  #digest({ systemId, passwordHash }: SmscAccount, password: string): string {
    return createHmac("sha256", this.#key).update([systemId, passwordHash, password].join("\0")).digest("base64");
  }

  #remember(systemId: string, digest: string): void {
    const digests = this.#verified.get(systemId) ?? new Set();
    digests.add(digest);
    if (digests.size > maxRemembered) digests.delete(digests.values().next().value ?? "");
    this.#verified.set(systemId, digests);
  }
}
