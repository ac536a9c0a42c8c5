import type { Attachment, Cell, PhoneSide, RadioNetwork } from "../network/radio.ts";

/** Registration as +CREG counts it: 0 not searching, 1 home, 2 searching, 3 denied, 5 roaming. 3GPP TS 27.007 §7.2 */
export interface RegistrationState {
  readonly stat: 0 | 1 | 2 | 3 | 5;
  readonly cell?: Cell;
  /** EMM cause of a refusal. */
  readonly cause?: number;
}

/** What registration needs of its modem. */
interface RegistrationDeps {
  readonly network: RadioNetwork;
  readonly imei: string;
  readonly subscriber: () => { readonly imsi: string; readonly msisdn: string };
  readonly deliver: PhoneSide["deliver"];
  readonly authenticate: NonNullable<PhoneSide["authenticate"]>;
  readonly onChange: (state: RegistrationState) => void;
  /** How long a phone waits before it tries again. */
  readonly searchMs: number;
}

/** The modem's radio: searches, attaches, loses service, tries again. */
export class Registration {
  readonly #deps: RegistrationDeps;
  #state: RegistrationState = { stat: 0 };
  #attachment: Attachment | undefined;
  #search: AbortController | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(deps: RegistrationDeps) {
    this.#deps = deps;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** The way to the network while registered. */
  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  get registered(): boolean {
    return this.#attachment !== undefined;
  }

  /** Begins to search, from the start when it already does. Resolves when the first attempt is over. */
  async start(): Promise<void> {
    this.#end();
    const search = new AbortController();
    this.#search = search;
    this.#set({ stat: 2 });
    await this.#attempt(search);
  }

  /** Leaves the network and stays away. */
  stop(): void {
    this.#end();
    this.#set({ stat: 0 });
  }

  async #attempt(search: AbortController): Promise<void> {
    const { network, imei, subscriber, deliver, authenticate, searchMs } = this.#deps;
    const again = () => {
      this.#retry = setTimeout(() => void this.#attempt(search), searchMs);
      this.#retry.unref();
    };
    const phone: PhoneSide = {
      deliver,
      authenticate,
      lost: (reason) => {
        if (this.#search !== search || search.signal.aborted) return;
        this.#attachment = undefined;
        this.#set(reason.at === "no-cell" ? { stat: 2 } : { stat: 2, cause: reason.cause });
        again();
      },
    };
    const outcome = await network.attach({ imei, ...subscriber() }, phone, search.signal).catch(() => undefined);
    if (search.signal.aborted) {
      if (outcome?.at === "registered") outcome.attachment.detach();
      return;
    }
    if (outcome?.at === "registered") {
      this.#attachment = outcome.attachment;
      this.#set({ stat: outcome.roaming ? 5 : 1, cell: outcome.cell });
      return;
    }
    this.#set(outcome?.at === "denied" ? { stat: 3, cause: outcome.cause } : { stat: 2 });
    again();
  }

  #end(): void {
    this.#search?.abort();
    this.#search = undefined;
    clearTimeout(this.#retry);
    this.#attachment?.detach();
    this.#attachment = undefined;
  }

  #set(state: RegistrationState): void {
    const changed = state.stat !== this.#state.stat || state.cause !== this.#state.cause;
    this.#state = state;
    if (changed) this.#deps.onChange(state);
  }
}

/** What follows `+CREG: ` in the unsolicited form. 3GPP TS 27.007 §7.2, §10.1.20, §10.1.22 */
export function registrationFields({ stat, cell, cause }: RegistrationState, detail: number): string {
  if (detail >= 3 && cause !== undefined) return `${stat},,,,0,${cause}`;
  if (detail < 2 || cell === undefined) return `${stat}`;
  const area = cell.area.toString(16).toUpperCase().padStart(4, "0");
  const id = cell.cell.toString(16).toUpperCase().padStart(8, "0");
  return `${stat},"${area}","${id}",${cell.technology}`;
}
