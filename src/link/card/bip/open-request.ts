import { withoutUndefined } from "../../../base/defined.ts";
import { type BearerDescription, type OtherAddress, packetBearers, transport } from "../../../codec/cat/bearer.ts";
import type { CatTlv } from "../../../codec/cat/comprehension.ts";
import { catObject, catObjects, findObject, objectValue } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import { bipProblem } from "../../../codec/cat/result.ts";
import { type Answer, answer, beyondCapabilities } from "../answer.ts";
import type { Destination } from "./rules.ts";

/** When the link of a channel is to come up. ETSI TS 102 223 §6.4.27 */
type LinkMoment = "immediate" | "on-demand" | "background";

/** The request in an OPEN CHANNEL; login and password of the bearer are never read. ETSI TS 102 223 §6.6.27 */
export interface OpenRequest {
  readonly bearer: BearerDescription;
  readonly bufferSize: number;
  readonly destination: Destination;
  readonly moment: LinkMoment;
  readonly reconnect: boolean;
  readonly accessPoint?: string;
}

/** Bearer and buffer size, which every answer to OPEN CHANNEL carries. */
export function openAnswerObjects(bearer: BearerDescription, bufferSize: number): readonly CatTlv[] {
  return [catObject("bearerDescription", bearer), catObject("bufferSize", bufferSize)];
}

function moment(qualifier: number): LinkMoment {
  if (qualifier & 0x04) return "background";
  return qualifier & 0x01 ? "immediate" : "on-demand";
}

/** An address after the transport level is the destination; one before it is the local address. */
function destinationAddress(objects: readonly CatTlv[]): OtherAddress | undefined {
  const level = objects.findIndex((object) => object.tag === catObjects.transportLevel.tag);
  const addresses = (list: readonly CatTlv[]) => list.filter((object) => object.tag === catObjects.otherAddress.tag);
  const [behind] = addresses(objects.slice(level + 1));
  if (behind !== undefined) return objectValue("otherAddress", behind);
  // A single address placed before the transport level is still the destination.
  const [before] = addresses(objects.slice(0, Math.max(0, level)));
  const value = before === undefined ? undefined : objectValue("otherAddress", before);
  return value?.kind === "dynamic" ? undefined : value;
}

/** The request in an OPEN CHANNEL, or the answer that refuses it. @throws codec.* for a malformed object */
export function openRequest(command: ProactiveCommand): OpenRequest | Answer {
  const { objects, details } = command;
  const bearer = findObject(objects, "bearerDescription");
  if (bearer === undefined) return { result: "valuesMissing" };
  if (!packetBearers.has(bearer.type)) return beyondCapabilities;
  const bufferSize = findObject(objects, "bufferSize");
  if (bufferSize === undefined) return { result: "valuesMissing" };
  const level = findObject(objects, "transportLevel");
  if (level === undefined || (level.protocol !== transport.tcpClient && level.protocol !== transport.udpClient)) {
    return answer("bipError", openAnswerObjects(bearer, bufferSize), [bipProblem.transportLevel]);
  }
  const address = destinationAddress(objects);
  if (address === undefined) return { result: "valuesMissing" };
  if (address.kind !== "ipv4" && address.kind !== "ipv6") return { result: "dataNotUnderstood" };
  const accessPoint = findObject(objects, "networkAccessName");
  return {
    bearer,
    bufferSize,
    destination: {
      protocol: level.protocol === transport.tcpClient ? "tcp" : "udp",
      host: address.host,
      port: level.port,
    },
    moment: moment(details.qualifier),
    reconnect: (details.qualifier & 0x02) !== 0,
    ...withoutUndefined({ accessPoint }),
  };
}
