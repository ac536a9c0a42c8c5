import { expect, it } from "vitest";
import { ConnectivityParameters } from "../../../src/codec/euicc/addressing.ts";
import { templatesIn, writeTemplates } from "../../../src/codec/euicc/templates.ts";
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
  const profile = templatesIn(octets);
  const { user: _, password: __, ...rest } = https;
  const kept = profileReachOf(withoutLogins(profile));
  expect(kept).toEqual({ serviceCentre: "+447700900000", https: rest, catTp: rest });
  const given = smsrTemplates({ number: "+447700900001", https: { ...https, host: "smsr.example", uri: "/x" } });
  expect(smsrReachOf(withoutLogins(given))).toEqual({
    number: "+447700900001",
    https: { ...rest, host: "smsr.example", uri: "/x" },
  });
  expect(JSON.stringify(writeTemplates(withoutLogins({ ...profile, ...given })))).not.toContain(
    Buffer.from(https.password).toString("hex").toUpperCase(),
  );
});
