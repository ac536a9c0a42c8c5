import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { BearerDescription, bearerName, gprsBearer, type OtherAddress, transport } from "../cat/bearer.ts";
import type { CatTlv } from "../cat/comprehension.ts";
import { catObject, findObject, findTlv, objectValue } from "../cat/object.ts";
import { type TextString, textOf, textString } from "../cat/text.ts";
import { decode } from "../kit/codec.ts";

/** What a card's OPEN CHANNEL needs, in decoded form; every part is optional. GP Amendment B §3.8.1 */
export interface Connection {
  /** Bearer type and its parameters in hexadecimal; `03` is the default bearer. */
  readonly bearer?: string;
  /** Octets. */
  readonly bufferSize?: number;
  /** Access point name, dotted. */
  readonly networkAccessName?: string;
  readonly user?: string;
  readonly password?: string;
  readonly protocol?: "tcp" | "udp";
  readonly port?: number;
  /** IPv4 or IPv6 text. */
  readonly address?: string;
}

/**
 * The objects of a connection in the order of OPEN CHANNEL. TS 102 223 §6.6.27
 * @param comprehension sets the comprehension-required flag of all
 * @throws codec.* for values that do not fit
 */
export function connectionObjects(connection: Connection, comprehension = false): CatTlv[] {
  const objects: CatTlv[] = [];
  const { bearer, bufferSize, networkAccessName, user, password, port, address } = connection;
  if (bearer !== undefined) {
    objects.push(catObject("bearerDescription", bearerOctets(bearer), comprehension));
  }
  if (bufferSize !== undefined) objects.push(catObject("bufferSize", bufferSize, comprehension));
  if (networkAccessName !== undefined) {
    objects.push(catObject("networkAccessName", networkAccessName, comprehension));
  }
  if (user !== undefined || password !== undefined) {
    objects.push(catObject("textString", login(user), comprehension));
    if (password !== undefined) objects.push(catObject("textString", login(password), comprehension));
  }
  if (port !== undefined) {
    const protocol = connection.protocol === "udp" ? transport.udpClient : transport.tcpClient;
    objects.push(catObject("transportLevel", { protocol, port }, comprehension));
  }
  if (address !== undefined) {
    const kind = address.includes(":") ? "ipv6" : "ipv4";
    objects.push(catObject("otherAddress", { kind, host: address }, comprehension));
  }
  return objects;
}

/** Bearer type and parameters from hexadecimal. TS 102 223 §8.52 @throws codec.text, codec.value, codec.length */
export function bearerOctets(text: string): BearerDescription {
  const bearer = decode(BearerDescription, fromHex(text));
  if (bearerName(bearer.type) === undefined)
    throw codecError("codec.value", `bearer type ${text.slice(0, 2)} is reserved; 03 is the default bearer`, 0);
  gprsBearer(bearer);
  return bearer;
}

/** Decodes the objects of a connection; objects without a field in {@link Connection} are left out. @throws codec.* */
export function connectionOf(objects: readonly CatTlv[]): Connection {
  const bearer = findTlv(objects, "bearerDescription");
  const bufferSize = findObject(objects, "bufferSize");
  const networkAccessName = findObject(objects, "networkAccessName");
  const level = findObject(objects, "transportLevel");
  const address = host(findObject(objects, "otherAddress"));
  const [user, password] = objects
    .filter((object) => object.tag === 0x0d)
    .map((object) => text(objectValue("textString", object)));
  return {
    ...(bearer === undefined ? {} : { bearer: toHex(bearer.value) }),
    ...withoutUndefined({ bufferSize, networkAccessName, user, password }),
    ...(level === undefined
      ? {}
      : { port: level.port, ...(level.protocol === transport.udpClient ? { protocol: "udp" } : {}) }),
    ...withoutUndefined({ address }),
  };
}

function login(value: string | undefined): TextString | undefined {
  return value === undefined || value === "" ? undefined : textString(value);
}

function text(value: TextString | undefined): string {
  return value === undefined ? "" : textOf(value);
}

function host(address: OtherAddress | undefined): string | undefined {
  return address?.kind === "ipv4" || address?.kind === "ipv6" ? address.host : undefined;
}
