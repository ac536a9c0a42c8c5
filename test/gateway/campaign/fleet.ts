import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import type { Executed } from "../../../simulators/euicc/execution-log.ts";
import { createEuiccState, type FixtureOptions } from "../../../simulators/euicc/fixture.ts";
import type { Misbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { CampaignId } from "../../../src/base/id.ts";
import { Campaigns, type ShownCampaign } from "../../../src/gateway/campaign/campaigns.ts";
import { CampaignRunner } from "../../../src/gateway/campaign/runner.ts";
import type { CampaignItem } from "../../../src/gateway/model/campaign.ts";
import { Bench } from "../bench.ts";

export type Card = SimulatedEuicc;

/** A bench with many cards and the campaigns over them. */
export class Fleet implements AsyncDisposable {
  readonly bench: Bench;
  readonly cards: Card[] = [];
  readonly runner: CampaignRunner;
  readonly desk: Campaigns;
  /** What the cards ran, by EID, as they say themselves. */
  readonly executed = new Map<string, Executed[]>();

  private constructor(bench: Bench) {
    this.bench = bench;
    this.runner = new CampaignRunner({
      ...bench.useCaseDeps,
      notifications: "local",
      tickMs: 200,
    });
    this.desk = new Campaigns({ store: bench.store, runner: this.runner, clock: systemClock });
  }

  static async open(folder?: string): Promise<Fleet> {
    const fleet = new Fleet(await Bench.open(folder));
    await fleet.bench.gateway.start();
    await fleet.runner.start();
    return fleet;
  }

  async add(seed: string, options: FixtureOptions & { misbehaviour?: Misbehaviour } = {}): Promise<Card> {
    const { misbehaviour = {}, ...fixture } = options;
    const state = createEuiccState({ seed, ...fixture });
    const ran: Executed[] = [];
    this.executed.set(state.eid, ran);
    const card = new SimulatedEuicc({ state, misbehaviour, onExecuted: (record) => ran.push(structuredClone(record)) });
    this.cards.push(card);
    await this.bench.add(card, `reader ${seed}`);
    return card;
  }

  /** How often the card carried out an EnableProfile. SGP.02 §4.1.1.2 */
  switches(card: Card): number {
    const commands = (this.executed.get(card.state.eid) ?? []).flatMap(({ apdus }) => apdus);
    return commands.filter(({ command, sw }) => /^80E2.{6}3A03/.test(command) && sw === "9000").length;
  }

  async over(id: CampaignId, ms = 60_000): Promise<ShownCampaign> {
    return this.bench.until(async () => {
      const shown = await this.desk.show(id);
      const idle = shown.progress.counts.running === 0;
      return idle && shown.campaign.state !== "running" ? shown : undefined;
    }, ms);
  }

  /** The outcome of one card. */
  async item(id: CampaignId, card: Card): Promise<CampaignItem> {
    const items = await this.desk.items(id, undefined, undefined, 1000);
    const found = items.find((item) => item.label === card.state.eid);
    if (found === undefined) throw new Error("the card is not in the campaign");
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner.stop();
    await this.bench[Symbol.asyncDispose]();
  }
}
