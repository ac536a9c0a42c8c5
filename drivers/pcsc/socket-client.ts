import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";
import { toHex } from "../../src/base/hex.ts";
import type { CardConnection } from "../../src/link/card-reader.ts";
import { accessDenied } from "./access-rule.ts";
import { atrProblem } from "./atr.ts";
import { type Bounds, bounded } from "./bounded.ts";
import type { PcscClient, ReaderSnapshot } from "./pcsc-client.ts";
import { PcscdSocket } from "./pcscd-socket.ts";
import {
  answerLength,
  cardProtocol,
  connectRequest,
  fieldsRequest,
  pcscCommand,
  readConnectAnswer,
  readField,
  readReaderStates,
  resultOf,
  shareMode,
} from "./protocol.ts";
import { listMinor, readersOf } from "./readers-state.ts";
import { pcscError, pcscResult } from "./result-code.ts";
import { SocketCard } from "./socket-card.ts";

/** Supported protocol versions: 4.4 and every later minor version. */
const major = 4;
const firstMinor = 4;
/** The newest minor version whose messages differ: pcscd accepts it or answers with its own. */
const newestMinor = listMinor;
/** Delay before the one retry after pcscd closed the connection at once. */
const secondLookMs = 100;
/** Time limit for requests that involve no card. */
const serviceTimeoutMs = 3_000;

/**
 * Client of pcscd's own socket: one connection per card and one for events, so that a mute card blocks nothing else.
 * pcsc-lite protocol 4.4 and later
 */
export class SocketPcscClient implements PcscClient {
  readonly name = "pcscd socket";
  readonly #path: string;
  /** The minor version to propose first. */
  #minor: number = newestMinor;

  constructor(path: string) {
    this.#path = path;
  }

  async *watch(signal: AbortSignal): AsyncIterable<readonly ReaderSnapshot[]> {
    if (signal.aborted) return;
    const socket = await this.#greet({ timeoutMs: serviceTimeoutMs });
    const stop = () => socket.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      yield* socket.minor < listMinor ? this.#watchFixed(socket, signal) : this.#watchList(socket, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      socket.close();
    }
  }

  /** Up to 4.5 pcscd answers the wait request with the current readers. */
  async *#watchFixed(socket: PcscdSocket, signal: AbortSignal): AsyncIterable<readonly ReaderSnapshot[]> {
    const wait = fieldsRequest(pcscCommand.waitReaderStateChange, []);
    const length = answerLength.readersState;
    while (!signal.aborted) {
      const states = await inTime(socket, socket.request(wait, length));
      // A change between our registration and the answer is reported before the answer, so what came first is not it.
      if (socket.unread === 0) yield readReaderStates(states, length);
      await socket.receive(answerLength.change);
    }
  }

  /**
   * From 4.6 on the wait request has no answer. A version request sent after it is answered once the wait request is in
   * force; a change may be reported before or after that answer, in the same number of octets. The readers are listed on
   * a second connection, where change reports cannot interfere.
   */
  async *#watchList(socket: PcscdSocket, signal: AbortSignal): AsyncIterable<readonly ReaderSnapshot[]> {
    const wait = fieldsRequest(pcscCommand.waitReaderStateChange, []);
    const version = fieldsRequest(pcscCommand.version, [major, socket.minor, 0]);
    const questions = await this.#greet({ timeoutMs: serviceTimeoutMs });
    try {
      while (!signal.aborted) {
        await inTime(socket, socket.request(Buffer.concat([wait, version]), answerLength.version));
        yield await inTime(questions, readersOf(questions));
        await socket.receive(answerLength.change);
      }
    } finally {
      questions.close();
    }
  }

  async connect(reader: string, bounds: Bounds): Promise<CardConnection> {
    const started = performance.now();
    const left = (): Bounds => ({
      ...bounds,
      timeoutMs: Math.max(1, bounds.timeoutMs - (performance.now() - started)),
    });
    const socket = await this.#greet(left());
    try {
      return await this.#take(socket, reader, left());
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  async #take(socket: PcscdSocket, reader: string, bounds: Bounds): Promise<CardConnection> {
    const late = () =>
      new GatewayError("card.unresponsive", `${reader}: the card could not be powered up in time`, {
        detail: { reader, timeoutMs: bounds.timeoutMs },
      });
    const work = async () => {
      const established = await socket.request(
        fieldsRequest(pcscCommand.establishContext, [2, 0, 0]),
        answerLength.context,
      );
      this.#succeeded(resultOf(established), reader);
      const context = readField(established, 4);
      const answer = await socket.request(
        connectRequest(context, reader, shareMode.exclusive, cardProtocol.t0 | cardProtocol.t1),
        answerLength.connect,
      );
      const { card, protocol, rv } = readConnectAnswer(answer);
      if (rv !== pcscResult.success) throw await refusal(socket, reader, rv);
      return new SocketCard({ socket, reader, context, card, protocol });
    };
    const taken = bounded(work(), bounds, late, () => socket.close());
    const card = await taken;
    await bounded(card.readAtr(), bounds, late, () => socket.close());
    return card;
  }

  #succeeded(rv: number, reader: string): void {
    if (rv !== pcscResult.success) throw pcscError(rv, "connect", reader);
  }

  /** Connects and agrees on the protocol version. */
  async #greet(bounds: Bounds): Promise<PcscdSocket> {
    const timeoutMs = Math.min(bounds.timeoutMs, serviceTimeoutMs);
    let socket: PcscdSocket | undefined;
    let abandoned = false;
    const once = async () => {
      socket = await PcscdSocket.open(this.#path);
      if (abandoned) socket.close();
      await this.#negotiate(socket);
      return socket;
    };
    // A pcscd that is shutting down closes the connection as well; the second attempt then finds none.
    const work = () =>
      once().catch(async (error: unknown) => {
        if (!isGatewayError(error, "link.denied") || abandoned) throw error;
        await new Promise((resolve) => setTimeout(resolve, secondLookMs));
        return once();
      });
    const late = () => new GatewayError("link.service", "pcscd does not respond in time", { detail: { timeoutMs } });
    try {
      return await bounded(work(), { ...bounds, timeoutMs }, late, () => {
        abandoned = true;
      });
    } catch (error) {
      socket?.close();
      throw error;
    }
  }

  async #negotiate(socket: PcscdSocket): Promise<void> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const asked = fieldsRequest(pcscCommand.version, [major, this.#minor, 0]);
      const answer = await socket.request(asked, answerLength.version);
      const theirs = { major: readField(answer, 0), minor: readField(answer, 4) };
      const rv = resultOf(answer);
      if (rv === pcscResult.success) {
        // Some accept versions that they do not support: the version they report is decisive.
        socket.minor = Math.min(this.#minor, Math.max(theirs.minor, firstMinor));
        // pcscd may have been upgraded since.
        this.#minor = Math.min(newestMinor, Math.max(theirs.minor, firstMinor));
        return;
      }
      if (rv === pcscResult.securityViolation || rv === pcscResult.noService)
        throw accessDenied("pcscd refuses the connection", { rv });
      const known = theirs.major === major && theirs.minor >= firstMinor && theirs.minor !== this.#minor;
      if (rv !== pcscResult.serviceStopped || !known) {
        throw new GatewayError(
          "link.driver",
          `pcscd uses protocol ${theirs.major}.${theirs.minor}, which is not supported`,
          {
            detail: { rv, major: theirs.major, minor: theirs.minor },
          },
        );
      }
      this.#minor = theirs.minor;
    }
    throw new GatewayError("link.driver", "pcscd refuses the protocol version that it announced");
  }
}

/** Why a card could not be connected: the answer to reset often shows why a card does not power up. */
async function refusal(socket: PcscdSocket, reader: string, rv: number): Promise<GatewayError> {
  const error = pcscError(rv, "connect", reader);
  if (error.code !== "card.unresponsive") return error;
  const atr = (await readersOf(socket)).find(({ name }) => name === reader)?.atr ?? new Uint8Array(0);
  const problem = atrProblem(atr);
  if (problem === undefined) return error;
  return new GatewayError("card.unresponsive", `${reader}: ${problem}`, {
    detail: { ...error.detail, atr: toHex(atr) },
  });
}

async function inTime<T>(socket: PcscdSocket, work: Promise<T>): Promise<T> {
  const late = () => new GatewayError("link.service", "pcscd did not list its readers in time");
  return bounded(work, { timeoutMs: serviceTimeoutMs }, late, () => socket.close());
}
