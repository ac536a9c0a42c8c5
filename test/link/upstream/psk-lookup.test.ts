import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { pskIdentityText } from "../../../src/codec/gp/psk-identity.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { findPsk, lookUpPsk, type PskEntry } from "../../../src/link/scp81/psk-source.ts";
import { UpstreamClient } from "../../../src/link/upstream/http-client.ts";
import { PskLookup } from "../../../src/link/upstream/psk-lookup.ts";

const mine = "89001012012341234012345678901224";
const other = "89044000000000000000000000000042";
const aid = "A0000005591010FFFFFFFF8900000100";
const identity = pskIdentityText({ eid: mine, aid, kid: 1, kvn: 0x40 });
const psk = new Uint8Array(16).fill(7);

/** A look-up whose upstream answers with this. */
function asked(answer: object): PskLookup {
  const client = new UpstreamClient({ name: "above", connections: 1, tls: {} });
  client.call = async () => ({ status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer)) });
  return new PskLookup(
    { client, clock: systemClock, log: silentLog, targetOf: async (eid) => `tgt_${eid.slice(-2)}` },
    { upstream: "above", url: new URL("http://localhost/keys"), timeoutMs: 1000, keepMs: 1000, unknownMs: 1000 },
  );
}

describe("a key asked of an upstream", () => {
  it("is bound to the EID that the identity names", async () => {
    const found = await asked({ psk: "07".repeat(16) }).find(identity);
    expect(found).toMatchObject({ eid: mine, target: "tgt_24" });
    expect(await asked({ psk: "07".repeat(16), eid: mine }).find(identity)).toMatchObject({ eid: mine });
  });

  it("is refused when the upstream answers with another EID", async () => {
    expect(await asked({ psk: "07".repeat(16), eid: other }).find(identity)).toBeUndefined();
  });

  it("of an opaque identity is bound to the EID of the answer", async () => {
    expect(await asked({ psk: "07".repeat(16), eid: other }).find("card-1")).toMatchObject({ eid: other });
  });
});

describe("any source of keys", () => {
  const wrong: PskEntry = { psk, target: "tgt_42", eid: other };

  it("never answers an identity that names an EID with a key of another one", async () => {
    expect(findPsk(() => wrong, identity)).toBeUndefined();
    expect(findPsk(() => wrong, identity.toLowerCase())).toBeUndefined();
    expect(await lookUpPsk(async () => wrong, identity)).toBeUndefined();
    expect(findPsk(() => ({ psk, target: "tgt_24" }), identity)).toMatchObject({ eid: mine });
    expect(findPsk(() => wrong, "opaque")).toBe(wrong);
  });
});
