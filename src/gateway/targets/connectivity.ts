import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { concatBytes, equalBytes } from "../../base/hex.ts";
import { catTlvBytes, readCatTlvs } from "../../codec/cat/comprehension.ts";
import { ConnectivityParameters } from "../../codec/euicc/addressing.ts";
import type { Templates } from "../../codec/euicc/templates.ts";
import { type Connection, connectionObjects, connectionOf } from "../../codec/gp/connection.ts";
import { SessionParameters } from "../../codec/gp/session-parameters.ts";
import { readTlvs, tlvBytes } from "../../codec/kit/ber.ts";
import { decode, encode } from "../../codec/kit/codec.ts";
import { loginObjects, loginRanges } from "../../codec/secrets/login-secrets.ts";
import { parseAddress, showAddress, TpAddress } from "../../codec/sms/address.ts";

/** How the card reaches its SM-SR by HTTPS. */
interface HttpsReach extends Connection {
  readonly host?: string;
  readonly agentId?: string;
  readonly uri?: string;
  readonly retry?: { readonly attempts: number; readonly delaySeconds: number };
  readonly security?: { readonly pskIdentity: string; readonly kvn: number; readonly keyId: number };
}

/** Where the card reaches its SM-SR. SGP.02 §4.1.1.10 */
export interface SmsrReach {
  /** Destination of its short messages. */
  readonly number?: string;
  readonly https?: HttpsReach;
}

/** How a profile reaches the network. SGP.02 §4.1.3.4 */
export interface ProfileReach {
  /** SMSC of its short messages. */
  readonly serviceCentre?: string;
  /** Access point and login for HTTPS. */
  readonly https?: Connection;
  readonly catTp?: Connection;
}

/** Values of A3 and A5 in decoded form. @throws codec.* */
export function smsrReachOf(templates: Templates): SmsrReach {
  const { A3: sms, A5: https } = templates;
  const address = sms === undefined ? undefined : readTlvs(sms).find((one) => one.tag === 0x81);
  return {
    ...(address === undefined ? {} : { number: showAddress(decode(TpAddress, address.value)) }),
    ...(https === undefined ? {} : { https: httpsOf(https) }),
  };
}

function httpsOf(octets: Uint8Array): HttpsReach {
  const { connection = [], security, retry, http } = decode(SessionParameters, octets);
  return {
    ...connectionOf(connection),
    ...withoutUndefined({ host: http?.host, agentId: http?.agentId, uri: http?.uri }),
    ...(retry === undefined ? {} : { retry: { attempts: retry.attempts, delaySeconds: retry.delaySeconds } }),
    ...(security === undefined
      ? {}
      : {
          security: {
            pskIdentity: Buffer.from(security.pskIdentity).toString("latin1"),
            kvn: security.key.version,
            keyId: security.key.id,
          },
        }),
  };
}

/** Templates A3 and A5 with the given values. @throws codec.*, target.invalid */
export function smsrTemplates(reach: SmsrReach): { readonly A3?: Uint8Array; readonly A5?: Uint8Array } {
  const { number, https } = reach;
  return {
    ...(number === undefined ? {} : { A3: tlvBytes(0x81, encode(TpAddress, parseAddress(number))) }),
    ...(https === undefined ? {} : { A5: httpsBytes(https) }),
  };
}

function httpsBytes(https: HttpsReach): Uint8Array {
  const { host, agentId, uri, retry, security, ...connection } = https;
  const objects = connectionObjects(connection);
  const http = withoutUndefined({ host, agentId, uri });
  return encode(SessionParameters, {
    ...(objects.length === 0 ? {} : { connection: objects }),
    ...(security === undefined
      ? {}
      : {
          security: {
            pskIdentity: Buffer.from(security.pskIdentity, "latin1"),
            key: { version: security.kvn, id: security.keyId },
            hash: undefined,
          },
        }),
    ...(retry === undefined ? {} : { retry: { ...retry, failureReport: new Uint8Array(0) } }),
    ...(Object.keys(http).length === 0 ? {} : { http }),
  });
}

/** Values of A0, A1 and A2 in decoded form. @throws codec.* */
export function profileReachOf({ A0, A1, A2 }: Templates): ProfileReach {
  const whole = concatBytes(
    ...(A0 === undefined ? [] : [tlvBytes(0xa0, A0)]),
    ...(A1 === undefined ? [] : [tlvBytes(0xa1, A1)]),
    ...(A2 === undefined ? [] : [tlvBytes(0xa2, A2)]),
  );
  const { sms, catTp, https } = decode(ConnectivityParameters, whole);
  const centre = sms?.serviceCentre;
  return {
    ...(centre === undefined ? {} : { serviceCentre: `${centre.tonNpi === 0x91 ? "+" : ""}${centre.digits}` }),
    ...(https === undefined ? {} : { https: connectionOf(https) }),
    ...(catTp === undefined ? {} : { catTp: connectionOf(catTp) }),
  };
}

/** The parameters of the ES8 or ES6 function that sets the given values. @throws codec.* */
export function profileParameters(reach: ProfileReach): ConnectivityParameters {
  const { serviceCentre, https, catTp } = reach;
  const digits = serviceCentre?.replace(/^\+/, "");
  return {
    ...(digits === undefined
      ? {}
      : { sms: { serviceCentre: { tonNpi: serviceCentre?.startsWith("+") ? 0x91 : 0x81, digits } } }),
    ...(catTp === undefined ? {} : { catTp: connectionObjects(catTp) }),
    ...(https === undefined ? {} : { https: connectionObjects(https) }),
  };
}

/** The same without passwords: only the presence of each is returned. */
export function withoutPasswords<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "password" ? "set" : inner)));
}

/**
 * Templates (A1, A2, A4 and A5) without their logins, as an export contains them; one that cannot be decoded and
 * may contain a login is omitted.
 */
export function withoutLogins(templates: Templates): Templates {
  return Object.fromEntries(
    Object.entries(templates).flatMap(([tag, octets]): [string, Uint8Array][] => {
      const connection = tag.toUpperCase() !== "A5" && tag.toUpperCase() !== "A0" && tag.toUpperCase() !== "A3";
      const logins = [...loginRanges(octets), ...loginObjects(octets, 0, octets.length, connection)];
      if (logins.length === 0) return [[tag, octets]];
      try {
        return [[tag, connection ? withoutTexts(octets) : withoutSessionLogin(octets)]];
      } catch (error) {
        if (isGatewayError(error)) return [];
        throw error;
      }
    }),
  );
}

const textString = 0x0d;

function withoutTexts(objects: Uint8Array): Uint8Array {
  return catTlvBytes(readCatTlvs(objects).filter(({ tag }) => tag !== textString));
}

function withoutSessionLogin(octets: Uint8Array): Uint8Array {
  const parts = readTlvs(octets).map(({ tag, value }) => tlvBytes(tag, tag === 0x84 ? withoutTexts(value) : value));
  return concatBytes(...parts);
}

/** Templates as given; those that were exported without their login keep the stored login. */
export function withKnownLogins(given: Templates, known: Templates): Templates {
  const exported = withoutLogins(known);
  return Object.fromEntries(
    Object.entries(given).map(([tag, value]) => {
      const shown = exported[tag];
      const unchanged = shown !== undefined && equalBytes(shown, value);
      return [tag, unchanged ? (known[tag] ?? value) : value];
    }),
  );
}
