import { withoutUndefined } from "../../src/base/defined.ts";
import type { Line } from "../line.ts";
import { openPty } from "../pty.ts";
import { listenForHosts, type SocketAddress } from "../socket-line.ts";
import type { SimulatedModem } from "./modem.ts";

/** Where hosts find a modem's AT ports. */
export type HotPlugLocation =
  | { readonly at: "pty"; readonly link?: string }
  | { readonly at: "socket"; readonly where: SocketAddress };

/** A modem's connector: plugged in, its AT port exists; pulled, it is gone and the modem has no power. */
export class HotPlug implements AsyncDisposable {
  readonly #modem: SimulatedModem;
  readonly #place: HotPlugLocation;
  #ends: AsyncDisposable | undefined;
  #address = "";

  constructor(modem: SimulatedModem, place: HotPlugLocation) {
    this.#modem = modem;
    this.#place = place;
    modem.on("leave", this.#leave);
  }

  /** Where the port is now, empty while it is pulled. */
  get address(): string {
    return this.#ends === undefined ? "" : this.#address;
  }

  /** Makes the port appear and switches the modem on. Resolves when the port is there, before the modem has registered. */
  async plugIn(): Promise<string> {
    if (this.#ends !== undefined) return this.#address;
    await this.#appear();
    void this.#modem.powerOn();
    return this.#address;
  }

  async #appear(): Promise<void> {
    if (this.#place.at === "pty") {
      const pty = await openPty(withoutUndefined({ link: this.#place.link }));
      const detach = this.#modem.attachLine(pty);
      this.#address = pty.address;
      this.#ends = {
        async [Symbol.asyncDispose]() {
          detach();
          await pty[Symbol.asyncDispose]();
        },
      };
    } else {
      const listener = await listenForHosts(this.#place.where, (line: Line) =>
        line.onClose(this.#modem.attachLine(line)),
      );
      this.#address = listener.address;
      this.#ends = listener;
    }
  }

  /** The modem restarts and takes its port along: hosts are hung up, and find it again when it has started. */
  readonly #leave = (): void => {
    const ends = this.#ends;
    // A serial server stays, and so does a name that could not be looked up again.
    if (ends === undefined || this.#place.at !== "pty" || this.#place.link === undefined) return;
    this.#ends = undefined;
    void ends[Symbol.asyncDispose]();
    this.#modem.once("boot", this.#comeBack);
  };

  readonly #comeBack = (): void => {
    if (this.#ends === undefined) void this.#appear();
  };

  /** Pulls it: hosts are hung up, the modem loses power at once. */
  async pull(): Promise<void> {
    this.#modem.off("boot", this.#comeBack);
    const ends = this.#ends;
    this.#ends = undefined;
    await ends?.[Symbol.asyncDispose]();
    await this.#modem.powerOff();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#modem.off("leave", this.#leave);
    await this.pull();
  }
}
