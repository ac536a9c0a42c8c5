import { GatewayError } from "../../base/gateway-error.ts";
import { nearest } from "../../base/nearest.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import type { SmsBearer } from "../../link/sms-bearer.ts";
import type { LinkTest, LinkTestReport } from "./link-test-report.ts";

/** The identity of a card, as read over its link. */
export interface CardIdentity {
  /** Answer to reset, hexadecimal; absent behind a modem. */
  readonly atr?: string;
  readonly eid?: Eid;
  readonly iccid?: Iccid;
  readonly imsi?: string;
  /** A SIM older than the UICC. */
  readonly generation?: "2G";
}

/** A live connection to cards: a reader with its card, a modem, an SMSC account. */
export interface Link {
  readonly id: string;
  readonly kind: "reader" | "modem" | "smsc";
  /** State as text and numbers for display; never keys. */
  describe(): Readonly<Record<string, unknown>>;
  readonly state: { readonly up: boolean; readonly reason?: string };
  /** Carries short messages, if it can. */
  readonly bearer?: SmsBearer;
  /** The card in it, once it is identified. */
  readonly card?: CardIdentity | undefined;
  /**
   * Exclusive raw access to the card: while it runs, no other exchange reaches it.
   * @throws card.*, link.*
   */
  withCard?<T>(
    work: (transmit: (apdu: Uint8Array) => Promise<{ data: Uint8Array; sw: number }>) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Power-cycles or resets it. */
  reset?(kind: "warm" | "cold"): Promise<void>;
  /** Switches the power off and on. @throws link.driver when this is not possible */
  powerCycle?(): Promise<void>;
  /**
   * One AT command unchanged; resolves with the lines of the modem's answer, its final result last.
   * @throws modem.*, link.*
   */
  command?(line: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Numbers for metrics, under fixed names: present values, and counts since the start. */
  numbers?(): { readonly now: Readonly<Record<string, number>>; readonly total: Readonly<Record<string, number>> };
  /** Tests with a known card that the link carries messages to cards unchanged. @throws target.*, link.* */
  test?(test: LinkTest, signal: AbortSignal): Promise<LinkTestReport>;
  /** Announces open work for the card, so that the link polls faster. */
  expectActivity?(until: number): void;
}

type LinkChange =
  | { readonly kind: "added" | "changed"; readonly link: Link }
  | { readonly kind: "removed"; readonly id: string };

/** The present links. */
export class Links {
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<(change: LinkChange) => void>();

  add(link: Link): void {
    this.#links.set(link.id, link);
    this.#notify({ kind: "added", link });
  }

  remove(id: string): void {
    if (this.#links.delete(id)) this.#notify({ kind: "removed", id });
  }

  /** To be called by the owner of the link when its state or card has changed. */
  changed(id: string): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#notify({ kind: "changed", link });
  }

  find(id: string): Link | undefined {
    return this.#links.get(id);
  }

  /** By id, or by a unique part of it. @throws link.unknown */
  get(reference: string): Link {
    const exact = this.#links.get(reference);
    if (exact !== undefined) return exact;
    const matches = [...this.#links.values()].filter((link) => link.id.toLowerCase().includes(reference.toLowerCase()));
    const [only] = matches;
    if (only === undefined || matches.length > 1) {
      const close = nearest(
        reference,
        [...this.#links.keys()].flatMap((id) => [id, id.slice(id.indexOf(":") + 1)]),
      );
      const hint = close === undefined ? "" : `; did you mean '${close}'?`;
      const trouble = matches.length > 1 ? "matches more than one link" : `is not a link${hint}`;
      throw new GatewayError("link.unknown", `'${reference}' ${trouble}`, {
        detail: { link: reference, links: [...this.#links.keys()] },
      });
    }
    return only;
  }

  /** Warnings for an order for this link only: it may wait for a link that never comes up. */
  warningsOf(id: string | undefined): readonly string[] {
    return id === undefined || this.#links.has(id) ? [] : [`link '${id}' does not exist`];
  }

  list(): readonly Link[] {
    return [...this.#links.values()];
  }

  onChange(listener: (change: LinkChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #notify(change: LinkChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
