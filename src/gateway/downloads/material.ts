import { GatewayError } from "../../base/gateway-error.ts";
import { aidOctets } from "../../codec/euicc/aid.ts";
import { ecCurve } from "../../codec/euicc/ec-curve.ts";
import { keyControl } from "../../codec/euicc/key-establishment.ts";
import { cutPackage } from "../../codec/euicc/scp03t.ts";
import { readInitializeUpdate } from "../../codec/gp/initialize-update.ts";
import { type EcPrivateKey, ecPrivateKey } from "../../crypto/certificates/ec-key.ts";
import type { Establishment } from "../../crypto/key-establishment/establish.ts";
import type { SecureChannel } from "../../crypto/scp03/apdu-channel.ts";
import { acceptHandshake, type ChannelOffer, type Handshake } from "../../crypto/scp03/handshake.ts";
import { authenticateBlock, sealBlock } from "../../crypto/scp03/scp03t-channel.ts";
import type { Download, HandshakeFacts } from "../model/download.ts";

/** Certificate and key of an SM-DP. SGP.02 §2.3.2 */
export interface SmDp {
  readonly name: string;
  /** 7F21. */
  readonly certificate: Uint8Array;
  readonly key: EcPrivateKey;
}

/** What the steps of a download are made of, besides its record. */
export interface DownloadMaterial {
  readonly smDp: SmDp;
  /** The profile package. */
  readonly octets: Uint8Array;
}

function missing(what: string): GatewayError {
  return new GatewayError("download.state", `the download has no ${what}`);
}

/** The key establishment of a download with its ephemeral key. @throws crypto.* */
export function establishmentOf({ order, cardKey, secrets }: Download): Establishment {
  const curve = ecCurve(cardKey.curve);
  if (curve === undefined) throw missing("curve of the card's key");
  if (secrets.ephemeral === undefined) throw missing("ephemeral key");
  const { kvn, keyOctets, derivationRandom } = order;
  return {
    control: keyControl({ kvn, keyOctets, derivationRandom }),
    ephemeral: ecPrivateKey(curve, secrets.ephemeral),
    card: { curve, point: cardKey.point },
  };
}

/** The offer of a secure channel with the keys of the new ISD-P. */
export function offerOf({ order, isdP, secrets }: Download, hostChallenge: Uint8Array): ChannelOffer {
  const [enc, mac] = secrets.keys ?? [];
  if (enc === undefined || mac === undefined) throw missing("SCP03 keys");
  return { kvn: order.kvn, keys: { enc, mac }, hostChallenge, aid: aidOctets(isdP) };
}

/** The handshake that the card has answered. @throws crypto.authentication */
export function handshakeOf(download: Download, { hostChallenge, answer }: HandshakeFacts): Handshake {
  return acceptHandshake(offerOf(download, hostChallenge), readInitializeUpdate(answer, 8));
}

/** The sealed blocks of a package, and the channel after each of them. SGP.02 §4.1.3.3 */
export function sealedPackage(handshake: Handshake, octets: Uint8Array, blockOctets: number) {
  let { channel } = authenticateBlock(handshake);
  const blocks: Uint8Array[] = [];
  const channels: SecureChannel[] = [];
  for (const clear of cutPackage(octets, blockOctets, { allowLarge: true })) {
    const sealed = sealBlock(channel, clear);
    channel = sealed.channel;
    blocks.push(sealed.block);
    channels.push(channel);
  }
  return { blocks, channels };
}
