import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { agentIdText, readAgentId } from "../../../src/codec/gp/agent-id.ts";
import { type Connection, connectionObjects, connectionOf } from "../../../src/codec/gp/connection.ts";
import { pskIdentityText, readPskIdentity } from "../../../src/codec/gp/psk-identity.ts";
import { pskDgis, pskPutKeyCommand, pskPutKeyData } from "../../../src/codec/gp/psk-load.ts";
import { readParametersCommand, sessionParametersTlv, storeDataCommands } from "../../../src/codec/gp/sd-parameters.ts";
import type { SessionParameters } from "../../../src/codec/gp/session-parameters.ts";
import { readTargetedApplication, targetedApplication } from "../../../src/codec/gp/targeted-application.ts";
import { TimerValue } from "../../../src/codec/gp/timer-value.ts";
import { SessionTrigger } from "../../../src/codec/gp/trigger.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import { pskKcv, pskKcvAes, wrapPsk } from "../../../src/crypto/psk.ts";
import * as fc from "../../fast-check.ts";
import { type SessionVector, scp81Vectors } from "./vectors.ts";

type ConnectionVector = NonNullable<SessionVector["connection"]>;

function connectionFrom(vector: ConnectionVector): Connection {
  const { buffer, apn, ip, protocol, ...rest } = vector;
  return {
    ...rest,
    ...withoutUndefined({ bufferSize: buffer, networkAccessName: apn }),
    ...(protocol === 1 ? { protocol: "udp" as const } : {}),
    ...withoutUndefined({ address: ip }),
  } as Connection;
}

function parametersFrom(vector: SessionVector): SessionParameters {
  const { connection, security, retry, http, cr } = vector;
  return {
    ...(connection && { connection: connectionObjects(connectionFrom(connection), cr ?? false) }),
    ...(security && {
      security: {
        pskIdentity: Buffer.from(security.pskIdentity),
        key: { version: security.kvn, id: security.kid },
        hash: undefined,
      },
    }),
    ...(retry && {
      retry: {
        attempts: retry.counter,
        delaySeconds: retry.delaySeconds,
        failureReport: fromHex(retry.reportFailure ?? ""),
      },
    }),
    ...(http && { http: http as NonNullable<SessionParameters["http"]> }),
  };
}

/** What a decoded set says, in the words of the vectors. */
function vectorFrom(session: SessionParameters): SessionVector {
  const { connection, security, retry, http } = session;
  const facts = connection && connectionOf(connection);
  return {
    ...(connection?.some((object) => object.cr) && { cr: true }),
    ...(facts && {
      connection: withoutUndefined({
        bearer: facts.bearer,
        buffer: facts.bufferSize,
        apn: facts.networkAccessName,
        port: facts.port,
        ip: facts.address,
        user: facts.user,
        password: facts.password,
      }),
    }),
    ...(security && {
      security: {
        pskIdentity: Buffer.from(security.pskIdentity).toString(),
        kvn: security.key.version,
        kid: security.key.id,
      },
    }),
    ...(retry && {
      retry: {
        counter: retry.attempts,
        delaySeconds: retry.delaySeconds,
        ...(retry.failureReport.length > 0 && { reportFailure: toHex(retry.failureReport) }),
      },
    }),
    ...(http && { http }),
  };
}

describe("the triggering message", () => {
  it.each(scp81Vectors.trigger)("$name: is built and read", ({ params, hex }) => {
    const trigger = {
      ...(params.session && { session: parametersFrom(params.session) }),
      ...(params.dns && {
        dns: {
          ...withoutUndefined({ fqdn: params.dns.fqdn }),
          ...(params.dns.connection && { connection: connectionObjects(connectionFrom(params.dns.connection)) }),
        },
      }),
    };
    expect(toHex(encode(SessionTrigger, trigger))).toBe(hex);
    const read = decode(SessionTrigger, fromHex(hex));
    expect(toHex(encode(SessionTrigger, read))).toBe(hex);
    expect(read.session && vectorFrom(read.session)).toEqual(params.session);
    expect(read.dns?.fqdn).toBe(params.dns?.fqdn);
  });

  it.each(scp81Vectors.trigger_reject)("$name: is refused", ({ hex }) => {
    expect(() => decode(SessionTrigger, fromHex(hex))).toThrow(GatewayError);
  });

  it("keeps TLVs of other kinds and mixed comprehension flags", () => {
    const hex = "81178311840F0503414243EE01FF350103B9020400E1020102";
    expect(toHex(encode(SessionTrigger, decode(SessionTrigger, fromHex(hex))))).toBe(hex);
  });

  it("answers random octets with catalogued errors only", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...scp81Vectors.trigger), (noise, { hex }) => {
        const mutated = fromHex(hex);
        for (let i = 0; i + 1 < noise.length; i += 2) {
          const at = ((noise[i] ?? 0) * 251) % mutated.length;
          mutated[at] = noise[i + 1] ?? 0;
        }
        for (const input of [noise, mutated, mutated.subarray(0, (noise[0] ?? 0) % mutated.length)]) {
          try {
            decode(SessionTrigger, input);
          } catch (error) {
            expect(error).toBeInstanceOf(GatewayError);
          }
        }
      }),
    );
  });
});

describe("timer values", () => {
  it.each(scp81Vectors.timer)("$seconds s are $hex", ({ seconds, hex }) => {
    expect(toHex(encode(TimerValue, seconds))).toBe(hex);
    expect(decode(TimerValue, fromHex(hex))).toBe(seconds);
  });

  it("reads plain octets when swapped digits make no sense", () => {
    expect(decode(TimerValue, fromHex("A50300001E"))).toBe(30);
  });

  it("refuses a day and more", () => {
    expect(() => encode(TimerValue, 86_400)).toThrow(GatewayError);
  });
});

describe("parameters of a security domain", () => {
  const sets = scp81Vectors.store_data.filter((vector) => vector.params !== undefined);
  it.each(sets)("$name", ({ tag, params, value, apdus }) => {
    const tlv = sessionParametersTlv(tag === "85" ? "replace" : "change", parametersFrom(params ?? {}));
    expect(toHex(tlv)).toBe(value);
    expect(storeDataCommands(tlv).map(toHex)).toEqual(apdus);
  });

  it("are read one by one", () => {
    const vector = scp81Vectors.store_data.find(({ params }) => params === undefined);
    expect([toHex(readParametersCommand("session", 0x84))]).toEqual(vector?.apdus);
    expect(toHex(readParametersCommand("session"))).toBe("80CA008500");
  });
});

describe("loading a PSK", () => {
  it.each(scp81Vectors.key_load)("$name", (vector) => {
    const key = fromHex(vector.key);
    const psk = {
      kvn: Number.parseInt(vector.kvn, 16),
      kid: Number.parseInt(vector.kid, 16),
      keyLength: key.length,
      encrypted: wrapPsk(key, fromHex(vector.dek), fromHex(vector.padding)),
      kcv: pskKcv(key),
    };
    expect(toHex(psk.kcv)).toBe(vector.kcvSha1);
    expect(toHex(pskKcvAes(key))).toBe(vector.kcvAlgorithm11);
    expect(toHex(pskPutKeyData(psk))).toBe(vector.putKeyData);
    expect(toHex(pskPutKeyCommand(psk))).toBe(vector.putKeyApdu);
    expect(toHex(pskDgis(psk).description)).toBe(vector.dgi00B9);
    expect(toHex(pskDgis(psk).key)).toBe(vector.dgi8113);
  });
});

describe("names", () => {
  it.each(scp81Vectors.psk_identity)("PSK identity $name", ({ eid, aid, kid, kvn, identity }) => {
    expect(pskIdentityText({ eid, aid, kid, kvn })).toBe(identity);
    expect(readPskIdentity(identity)).toEqual({ format: "full", eid, aid, kid, kvn });
    expect(readPskIdentity(identity.toLowerCase())).toEqual({ format: "full", eid, aid, kid, kvn });
  });

  it.each(["", "8952020012540153470F", `${"80".repeat(45)}`, `${"8".repeat(89)}`])(
    "%s is no eUICC identity",
    (text) => {
      expect(readPskIdentity(text)).toBeUndefined();
    },
  );

  it.each(scp81Vectors.agent_id)("agent id $name", ({ header, parsed }) => {
    expect(readAgentId(header) ?? null).toEqual(parsed);
    if (parsed !== null) {
      expect(agentIdText(parsed, header.includes("aaid") ? "aaid" : "aa-id")).toBe(header);
    }
  });

  it.each(scp81Vectors.targeted_application)("targeted application $name", ({ header, aid }) => {
    if (aid === null) expect(() => readTargetedApplication(header)).toThrow(GatewayError);
    else {
      expect(readTargetedApplication(header)).toBe(aid);
      expect(targetedApplication(aid)).toBe(header);
    }
  });
});
