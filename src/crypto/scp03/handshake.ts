import { GatewayError } from "../../base/gateway-error.ts";
import type { InitializeUpdateAnswer } from "../../codec/gp/initialize-update.ts";
import { equalSecret } from "../mac.ts";
import {
  cardChallenge,
  type DerivedSession,
  deriveSession,
  type Scp03Size,
  type StaticKeys,
  wrongMac,
} from "./session-keys.ts";

/** What a host offers a security domain to open a secure channel. GP Amendment D §6.2 */
export interface ChannelOffer {
  readonly kvn: number;
  readonly keys: StaticKeys;
  /** As many octets as challenges, cryptograms and MACs have: 8, or 16 in the mode S16. */
  readonly hostChallenge: Uint8Array;
  /** AID of the security domain that is addressed. */
  readonly aid: Uint8Array;
}

/** Both challenges are known: keys and cryptograms of the session. */
export interface Handshake {
  readonly session: DerivedSession;
  readonly size: Scp03Size;
  /** Sequence counter of the card: it counts every INITIALIZE UPDATE that the card answers. */
  readonly sequence?: number;
  /**
   * Whether the card's challenge is the one that follows from its sequence and the AID; absent if the card gives no
   * sequence, because its challenges are random.
   */
  readonly challengePredictable?: boolean;
}

/** The size of an offer's challenge. @throws crypto.key for another number of octets */
export function offerSize({ hostChallenge: { length } }: ChannelOffer): Scp03Size {
  if (length === 8 || length === 16) return length;
  throw new GatewayError("crypto.key", `a host challenge must have 8 or 16 octets, not ${length}`);
}

/**
 * The handshake that a card with this sequence counter will answer: a host can authenticate in the same script as it
 * asks. New keys start at 0, and their first answer has the sequence 1. GP Amendment D §6.2.2.1
 */
export function predictHandshake(offer: ChannelOffer, sequence: number): Handshake {
  const size = offerSize(offer);
  const challenge = cardChallenge(offer.keys.enc, sequence, offer.aid, size);
  const session = deriveSession(offer.keys, offer.hostChallenge, challenge, size);
  return { session, size, sequence, challengePredictable: true };
}

/**
 * Checks the card's answer to INITIALIZE UPDATE. GP Amendment D §6.2.2.2
 * @throws crypto.authentication for a wrong cryptogram, crypto.algorithm for another protocol than SCP03
 */
export function acceptHandshake(offer: ChannelOffer, answer: InitializeUpdateAnswer): Handshake {
  const size = offerSize(offer);
  if (answer.scp !== 3) throw new GatewayError("crypto.algorithm", `the card offers SCP0${answer.scp}, not SCP03`);
  const session = deriveSession(offer.keys, offer.hostChallenge, answer.cardChallenge, size);
  if (!equalSecret(session.cardCryptogram, answer.cardCryptogram)) throw wrongMac("the card cryptogram is wrong");
  const { sequence } = answer;
  if (sequence === undefined) return { session, size };
  const expected = cardChallenge(offer.keys.enc, sequence, offer.aid, size);
  return { session, size, sequence, challengePredictable: equalSecret(expected, answer.cardChallenge) };
}
