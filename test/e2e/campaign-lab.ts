import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EuiccState } from "../../simulators/euicc/card-state.ts";
import { exportEis } from "../../simulators/euicc/eis.ts";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { Product } from "./product.ts";

/** What is odd about a card. */
export type Oddity = (state: EuiccState) => void;

/** A rack of simulated eUICCs inside a daemon: profile A (8901…) enabled, B (8944…) disabled, a third as fall-back. */
export class CampaignLab extends Product {
  readonly cards: readonly EuiccState[];

  constructor(cards: readonly (Oddity | undefined)[]) {
    const names = cards.map((_, n) => `card-${n}.json`);
    super({
      readers: { enabled: false },
      scp81: { enabled: false },
      simulate: { euiccs: names },
      sms: { envelopeAnswerTimeoutMs: 1000, retransmissions: 0 },
    });
    this.cards = cards.map((odd, n) => rackCard(n, odd));
    mkdirSync(this.state, { mode: 0o700 });
    for (const [n, state] of this.cards.entries()) writeFileSync(this.#file(n), JSON.stringify(state));
  }

  /** Brings the cards' EISs in by the command that the manual names. */
  async import(tag: string): Promise<void> {
    const all = this.cards.map((state, n) => ({ ...exportEis(state), name: `unit-${n}`, tags: [tag] }));
    const { code, stderr } = await this.run(["target", "import", this.file("eis.json", all)]);
    if (code !== 0) throw new Error(stderr);
  }

  /** The card as it has written itself down. */
  card(n: number): EuiccState {
    return JSON.parse(readFileSync(this.#file(n), "utf8"));
  }

  #file(n: number): string {
    return join(this.state, `card-${n}.json`);
  }

  /** First digits of the ICCID of the card's enabled profile. */
  operator(n: number): string | undefined {
    return this.card(n)
      .profiles.find(({ state }) => state === "enabled")
      ?.iccid.slice(0, 4);
  }
}

function rackCard(n: number, odd: Oddity | undefined): EuiccState {
  const state = createEuiccState({ seed: `rack ${n}`, profiles: 3, settings: { confirmationSeconds: 2 } });
  const [a, b, spare] = state.profiles;
  if (a === undefined || b === undefined || spare === undefined) throw new Error("three profiles were made");
  Object.assign(a, { iccid: `8901${a.iccid.slice(4)}`, fallback: false });
  Object.assign(b, { iccid: `8944${b.iccid.slice(4)}` });
  spare.fallback = true;
  odd?.(state);
  return state;
}

/** The operator of profile A forbids to disable it: the card refuses the switch with 69E1. */
export const lockedIn: Oddity = ({ profiles }) => {
  Object.assign(profiles[0] ?? {}, { pol1: 1 });
};
