import { describe, expect, it } from "vitest";
import { agentIdOf, eidOf, pskIdentityOf } from "../../../simulators/scp81/identity.ts";
import { commandKind, responseType, succeedAll, targetedAid } from "../../../simulators/scp81/script-bodies.ts";
import { readTrigger, serverOf } from "../../../simulators/scp81/session-data.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { scp81Vectors } from "../../codec/gp/vectors.ts";

// Values of GP Amendment B and SGP.02, not of the gateway's codecs: the simulated card reads with a codec of its own.

describe("the card's reader of triggers", () => {
  it.each(scp81Vectors.trigger)("$name", ({ params, hex }) => {
    const { connection, security, retry, http } = params.session ?? {};
    const read = readTrigger(fromHex(hex));
    expect(read.security).toEqual(
      security && { pskIdentity: security.pskIdentity, kvn: security.kvn, keyId: security.kid },
    );
    expect(read.retry).toEqual(retry && { attempts: retry.counter, delayMs: retry.delaySeconds * 1000 });
    const { host, agentId, uri } = read;
    expect({ host, agentId, uri }).toEqual({ host: http?.host, agentId: http?.agentId, uri: http?.uri });
    const server = serverOf(read.connection);
    expect(server.port).toBe(connection?.port);
    if (connection?.ip?.includes(".")) expect(server.address).toBe(connection.ip);
  });

  it.each([
    ["two TLVs", "81008100"],
    ["another tag", "8200"],
    ["two session templates", "810483008300"],
    ["a retry policy without timer", "8106830486020003"],
    ["a timer with digits above 9", "810B8309860700052503A00000"],
    ["security parameters without a key reference", "81068304850200FF"],
  ])("refuses %s", (_, hex) => {
    expect(() => readTrigger(fromHex(hex))).toThrow();
  });
});

describe("names of an eUICC", () => {
  it("has the EID's check digits, its agent id and its PSK identity", () => {
    const eid = "89001012012341234012345678901224";
    expect(eidOf(eid.slice(0, 30))).toBe(eid);
    expect(agentIdOf(eid)).toBe(`//se-id/eid/${eid};//aa-id/aid/A000000559/1010FFFFFFFF8900000100`);
    expect(pskIdentityOf(eid, 0x40, 1)).toBe(
      "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140",
    );
  });
});

describe("script bodies", () => {
  it.each([
    ["definite", "AA0E2205 80CA00FF00 2205 80F2400200", "AB0B 800102 23029000 23029000"],
    ["definite by length", "AE0E2205 80CA00FF00 2205 80F2400200", "AF80 23029000 23029000 0000"],
    ["indefinite", "AE80 2205 80CA00FF00 0000", "AF80 23029000 0000"],
  ])("succeeds in all of a %s script", (_, script, response) => {
    expect(toHex(succeedAll(fromHex(script.replaceAll(" ", ""))))).toBe(response.replaceAll(" ", ""));
  });

  it("reads the headers of a server", () => {
    expect(commandKind("application/vnd.globalplatform.card-content-mgt;version=1.0")).toBe("gp");
    expect(commandKind("Application/vnd.etsi.scp.command-data ; version=1.0")).toBe("etsi");
    expect(commandKind("application/vnd.globalplatform.card-content-mgt-response;version=1.0")).toBeUndefined();
    expect(responseType("etsi")).toBe("application/vnd.etsi.scp.response-data;version=1.0");
    expect(targetedAid("//aid/A000000559/1010FFFFFFFF8900001000")).toBe("A0000005591010FFFFFFFF8900001000");
    for (const wrong of ["//aid/A00000055/9", "/aid/A000000559/10", "//AID/A000000559/1", "//aid/A000000559/10/"])
      expect(targetedAid(wrong)).toBeUndefined();
  });
});
