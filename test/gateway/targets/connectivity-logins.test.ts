import { expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { ConnectivityParameters } from "../../../src/codec/euicc/addressing.ts";
import { readTlvs } from "../../../src/codec/kit/ber.ts";
import { encode } from "../../../src/codec/kit/codec.ts";
import {
  profileParameters,
  profileReachOf,
  smsrReachOf,
  smsrTemplates,
  withoutLogins,
} from "../../../src/gateway/targets/connectivity.ts";

const https = {
  networkAccessName: "apn.example",
  user: "me",
  password: "open sesame",
  port: 443,
  address: "192.0.2.1",
};

it("exports connectivity parameters without their logins, all else as it was", () => {
  const octets = encode(
    ConnectivityParameters,
    profileParameters({ serviceCentre: "+447700900000", https, catTp: https }),
  );
  const profile = Object.fromEntries(
    readTlvs(octets).map(({ tag, value }) => [tag.toString(16).toUpperCase(), toHex(value)]),
  );
  const { user: _, password: __, ...rest } = https;
  const kept = profileReachOf(withoutLogins(profile));
  expect(kept).toEqual({ serviceCentre: "+447700900000", https: rest, catTp: rest });
  const smsr = smsrTemplates({ number: "+447700900001", https: { ...https, host: "smsr.example", uri: "/x" } });
  const given = Object.fromEntries(
    Object.entries(smsr).map(([tag, value]) => [
      tag,
      typeof value === "string" ? value : toHex(value ?? new Uint8Array()),
    ]),
  );
  expect(smsrReachOf(withoutLogins(given))).toEqual({
    number: "+447700900001",
    https: { ...rest, host: "smsr.example", uri: "/x" },
  });
  expect(JSON.stringify(withoutLogins({ ...profile, ...given }))).not.toContain(
    Buffer.from(https.password).toString("hex").toUpperCase(),
  );
});
