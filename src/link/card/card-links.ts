import { withoutUndefined } from "../../base/defined.ts";
import type { ReaderEvent, ReaderState } from "../card-reader.ts";
import { CardLink, type CardLinkDeps } from "./card-link.ts";

/** What {@link CardLinks} needs in addition to the dependencies of every link. */
export interface CardLinksDeps extends Omit<CardLinkDeps, "id" | "onChange" | "channels"> {
  /** Scheme of the driver the events come from: link ids are `scheme:reader`. */
  readonly scheme: string;
  /** Which readers are served; all unless given. Others are left to other programs. */
  readonly serves?: (reader: string) => boolean;
  /** Bearer independent protocol for one card. */
  readonly channelsFor?: (linkId: string) => CardLinkDeps["channels"];
  /** A reader was seen for the first time. */
  readonly onLink?: (link: CardLink) => void;
  /** A link changed its state or card. */
  readonly onChange?: (link: CardLink) => void;
}

/**
 * One card link per reader, fed with a driver's reader events. A link stays when its reader disappears, so that it can
 * be displayed with the reason and used again when the reader or the service returns.
 */
export class CardLinks implements AsyncDisposable {
  readonly #deps: CardLinksDeps;
  readonly #links = new Map<string, CardLink>();

  constructor(deps: CardLinksDeps) {
    this.#deps = deps;
  }

  get all(): readonly CardLink[] {
    return [...this.#links.values()];
  }

  /** Serves the events until they end. */
  async follow(events: AsyncIterable<ReaderEvent>): Promise<void> {
    for await (const event of events) this.take(event);
  }

  /** Processes one event. */
  take(event: ReaderEvent): void {
    switch (event.kind) {
      case "reader-added":
        this.#linkOf(event.reader.name)?.attach(event.reader, holdsCard(event.state));
        return;
      case "reader-removed":
        this.#links.get(event.reader)?.detach("the reader is not connected");
        return;
      case "card-inserted":
        this.#links.get(event.reader)?.cardInserted();
        return;
      case "card-removed":
        this.#links.get(event.reader)?.cardRemoved();
        return;
      case "service-down":
        for (const link of this.#links.values()) link.detach(event.reason);
        return;
      case "service-up":
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((link) => link[Symbol.asyncDispose]()));
  }

  #linkOf(reader: string): CardLink | undefined {
    const known = this.#links.get(reader);
    if (known !== undefined || this.#deps.serves?.(reader) === false) return known;
    const { scheme, channelsFor, onLink, onChange } = this.#deps;
    const id = `${scheme}:${reader}`;
    const channels = channelsFor?.(id);
    const link: CardLink = new CardLink({
      ...this.#deps,
      id,
      ...withoutUndefined({ channels }),
      onChange: () => this.#links.has(reader) && onChange?.(link),
    });
    this.#links.set(reader, link);
    onLink?.(link);
    return link;
  }
}

/** A mute card is tried again: it may respond now. */
function holdsCard(state: ReaderState): boolean {
  return state.at !== "empty";
}
