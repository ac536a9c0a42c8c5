import { describe, expect, it } from "vitest";
import { milenage } from "../../../simulators/euicc/algorithms/milenage.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { checkPackage } from "../../../src/codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { buildPackage } from "../../../src/crypto/personalize-package.ts";
import { download } from "../../simulators/euicc/packages.ts";
import { bench, secured, Terminal } from "../../simulators/euicc/terminal.ts";
import { errorCode } from "../mutated.ts";

const key = (octet: number, octets = 16) => octet.toString(16).padStart(2, "0").repeat(octets);

const values = {
  iccid: "8900012000000000017",
  imsi: "001010000000013",
  k: key(0x11),
  opc: key(0x22),
  pin1: "1234",
  puk1: "12345678",
  adm1: "87654321",
  kic: key(0x33),
  kid: key(0x44),
  kik: key(0x55),
};

const mnoSd = { keyVersion: 1, keyType: "aes" } as const;
const outline = { version: "2.3", algorithm: "milenage", mnoSd, values } as const;

describe("a package that is built", () => {
  it.each(["2.0", "2.1", "2.2", "2.3", "2.3.1", "3.0", "3.1", "3.2", "3.3", "3.3.1"])(
    "has nothing that a card refuses, in version %s",
    (version) => {
      const octets = buildPackage({ ...outline, version });
      expect(checkPackage(octets)).toEqual([]);
      expect(describePackage(readProfilePackage(octets))).toMatchObject({
        version: version.slice(0, 3),
        iccid: values.iccid,
        iccidFile: values.iccid,
        imsi: values.imsi,
        services: ["usim", "milenage"],
        trailing: 0,
      });
    },
  );

  it.each([
    ["TUAK of 128 bits", "tuak", { opc: key(0x22, 32) }, ["usim", "tuak128"]],
    ["TUAK of 256 bits", "tuak", { k: key(0x11, 32), opc: key(0x22, 32) }, ["usim", "tuak256"]],
    ["the test algorithm", "test", {}, ["usim", "usim-test-algorithm"]],
  ] as const)("has %s", (_, algorithm, more, services) => {
    const { opc, ...rest } = values;
    const octets = buildPackage({
      ...outline,
      algorithm,
      values: algorithm === "test" ? rest : { ...values, ...more },
    });
    expect(checkPackage(octets)).toEqual([]);
    expect(describePackage(readProfilePackage(octets)).services).toEqual(services);
    expect(opc).toBe(key(0x22));
  });

  it("has names, addresses, and AES keys of 256 bits", () => {
    const more = { spn: "Bench", smsc: "+447700900123", msisdn: "+447700900456", "connectivity-smsc": "+447700900123" };
    const octets = buildPackage({
      ...outline,
      values: { ...values, ...more, "profile-type": "test", kic: key(0x33, 32) },
    });
    expect(checkPackage(octets)).toEqual([]);
    const { connectivity, profileType, securityDomains } = describePackage(readProfilePackage(octets));
    expect({ connectivity, profileType }).toMatchObject({
      connectivity: { serviceCentre: "+447700900123" },
      profileType: "test",
    });
    expect(securityDomains[0]?.keys[0]?.components).toEqual([{ type: "88", octets: 32 }]);
  });

  it("has 3DES keys, a PSK and a second security domain, and requires all of their keys", () => {
    const ssd = { keyVersion: 2, keyType: "3des", pskVersion: 0x4a } as const;
    const own = {
      "key.sd2.02.kic": key(6, 24),
      "key.sd2.02.kid": key(7),
      "key.sd2.02.kik": key(8),
      "key.sd2.4a.01": key(9),
    };
    const whole = { ...outline, mnoSd: { ...ssd, pskVersion: 0x40 }, ssd, values: { ...values, ...own, psk: key(10) } };
    const octets = buildPackage(whole);
    expect(checkPackage(octets)).toEqual([]);
    const domains = describePackage(readProfilePackage(octets)).securityDomains;
    const keysOf = (index: number) =>
      domains[index]?.keys.map((one) => [
        one.version,
        one.identifier,
        one.components[0]?.type,
        one.components[0]?.octets,
      ]);
    expect(keysOf(0)).toEqual([
      ["02", "01", "80", 16],
      ["02", "02", "80", 16],
      ["02", "03", "80", 16],
      ["40", "01", "85", 16],
    ]);
    expect(keysOf(1)?.[0]).toEqual(["02", "01", "80", 24]);
    expect(domains[1]?.aid).toBe("A00000055910100102736456616C7565");
    for (const name of [...Object.keys(own), "psk"]) {
      const rest = Object.fromEntries(Object.entries(whole.values).filter(([one]) => one !== name));
      expect(() => buildPackage({ ...whole, values: rest })).toThrow(`${name} is required`);
    }
  });

  it.each([
    [{ mnoSd: { ...mnoSd, keyVersion: 16 } }, "mnoSd.keyVersion must be 01 to 0F"],
    [{ mnoSd: { ...mnoSd, channels: "8" } }, "mnoSd.channels must be hexadecimal"],
    [
      { mnoSd: { ...mnoSd, pskVersion: 0x30 }, values: { ...values, psk: key(1) } },
      "mnoSd.pskVersion must be 40 to 4F",
    ],
  ])("refuses %j", (more, message) => {
    expect(() => buildPackage({ ...outline, ...more })).toThrow(message);
  });

  it("requires what has no default, and a version of the format", () => {
    const { kid, ...withoutKid } = values;
    const { opc, ...withoutOpc } = values;
    expect(() => buildPackage({ ...outline, values: withoutKid })).toThrow("kid is required");
    expect(() => buildPackage({ ...outline, values: withoutOpc })).toThrow("opc is required");
    expect(errorCode(() => buildPackage({ ...outline, version: "4.0" }))).toBe("codec.text");
    expect([kid, opc]).toEqual([key(0x44), key(0x22)]);
  });
});

it("the simulated eUICC installs and enables it, and authenticates the network with its keys", async () => {
  const set = bench({ settings: { reportLimit: 250 } }, {});
  await set.terminal.start();
  const { profile, response } = download(set.card, buildPackage(outline));
  expect(response).toBe("3007A0053003800100");
  const enable = `AA1C221A80E28800153A03124F10${profile.aid}`;
  const answer = await set.terminal.download(secured(enable, 1, { spi: "1601" })[0] ?? "");
  expect(answer).toMatch(/AB0780010123029000/);
  await set.terminal.serve(answer);
  const card = new SimulatedEuicc({ state: set.card.state });
  const terminal = new Terminal(card);
  await terminal.start();
  await terminal.apdu("00A40004022FE2");
  expect(await terminal.apdu("00B000000A")).toBe("980010020000000010F79000");
  await terminal.apdu("00A4040410A0000000871002FF33FF018900000100");
  expect(await terminal.apdu("0020000108" + "31323334FFFFFFFF")).toBe("9000");
  await terminal.apdu("00A40004026F07");
  expect(await terminal.apdu("00B0000009")).toBe("0809101000000000319000");
  await terminal.apdu("00A40004026F78");
  expect(await terminal.apdu("00B0000002")).toBe("00089000");
  const [rand, sqn, amf] = [fromHex(key(0x5a)), fromHex("000000000041"), fromHex("8000")];
  const { ak, macA, res, ck, ik } = milenage(fromHex(values.k), fromHex(values.opc), rand, sqn, amf);
  const autn = concatBytes(
    sqn.map((octet, i) => octet ^ (ak[i] ?? 0)),
    amf,
    macA,
  );
  expect(await terminal.apdu(`008800812210${toHex(rand)}10${toHex(autn)}`)).toMatch(
    new RegExp(`^DB08${toHex(res)}10${toHex(ck)}10${toHex(ik)}`),
  );
});
