import type { FixtureOptions } from "../../../drivers/simulated/euicc/fixture.ts";
import type { Misbehaviour } from "../../../drivers/simulated/euicc/misbehaviour.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { CampaignItem } from "../../../src/gateway/campaign/campaign.ts";
import { CampaignDesk, type ShownCampaign } from "../../../src/gateway/campaign/desk.ts";
import { CampaignRunner } from "../../../src/gateway/campaign/runner.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { Bench, euicc } from "../bench.ts";

export type Card = ReturnType<typeof euicc>;

/** A bench with many cards and the campaigns over them. */
export class Fleet implements AsyncDisposable {
  readonly bench: Bench;
  readonly cards: Card[] = [];
  readonly runner: CampaignRunner;
  readonly desk: CampaignDesk;

  private constructor(bench: Bench) {
    this.bench = bench;
    const { gateway } = bench;
    this.runner = new CampaignRunner({
      gateway,
      clock: systemClock,
      log: silentLog,
      notifications: "bench",
      tickMs: 200,
    });
    this.desk = new CampaignDesk({ gateway, runner: this.runner, clock: systemClock });
  }

  static async open(folder?: string): Promise<Fleet> {
    const fleet = new Fleet(await Bench.open(folder));
    await fleet.bench.gateway.start();
    await fleet.runner.start();
    return fleet;
  }

  async add(seed: string, options: FixtureOptions & { misbehaviour?: Misbehaviour } = {}): Promise<Card> {
    const card = euicc({ seed, ...options });
    this.cards.push(card);
    await this.bench.add(card, `reader ${seed}`);
    return card;
  }

  async over(id: string, ms = 60_000): Promise<ShownCampaign> {
    return this.bench.until(async () => {
      const shown = await this.desk.show(id);
      const idle = shown.progress.counts.running === 0;
      return idle && shown.campaign.state !== "running" ? shown : undefined;
    }, ms);
  }

  /** The outcome of one card. */
  async item(id: string, card: Card): Promise<CampaignItem> {
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
