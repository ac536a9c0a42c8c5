import { withoutUndefined } from "../../../src/base/defined.ts";
import { ApduChannel } from "../../../src/link/card/channel.ts";
import type { ChannelService } from "../../../src/link/card/terminal/channel-service.ts";
import { Terminal } from "../../../src/link/card/terminal/terminal.ts";
import type { TerminalHooks } from "../../../src/link/card/terminal/terminal-contract.ts";
import type { TerminalSettings } from "../../../src/link/card/terminal/terminal-settings.ts";
import { ManualClock } from "./manual-clock.ts";
import { ScriptedCard } from "./scripted-card.ts";

/** A terminal over the real APDU channel, a scripted card and a clock by hand. */
export function bench(
  options: {
    readonly card?: (card: ScriptedCard) => void;
    readonly settings?: Partial<TerminalSettings>;
    readonly hooks?: TerminalHooks;
    readonly channels?: (clock: ManualClock) => ChannelService;
  } = {},
) {
  const clock = new ManualClock();
  const card = new ScriptedCard();
  options.card?.(card);
  const channel: ApduChannel = new ApduChannel({
    connection: card,
    link: "test",
    clock,
    onAnswer: (response, apdu) => terminal.answered(response, apdu),
  });
  const terminal: Terminal = new Terminal({
    card: channel,
    clock,
    ...withoutUndefined({ settings: options.settings, hooks: options.hooks }),
    ...(options.channels === undefined ? {} : { channels: options.channels(clock) }),
  });
  /** Lets the card say something at the next poll, and everything that follows. */
  const say = async (...commands: readonly string[]) => {
    card.pending.push(...commands.map((command) => command.replace(/\s/g, "")));
    await channel.transmit(Uint8Array.of(0x80, 0xf2, 0x00, 0x0c));
    await clock.advance(0);
  };
  return { clock, card, channel, terminal, say };
}
