import { describe, expect, it } from "vitest";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import type { RadioNetwork } from "../../../simulators/network/radio.ts";
import { joinNetwork, serveNetwork } from "../../../simulators/network/service.ts";
import { buildPackage } from "../../../src/crypto/personalize-package.ts";
import { download, vectorPackage } from "../euicc/packages.ts";
import { connectHost } from "../modem/host.ts";

const imsi = "001013738860848";
const keys = {
  algorithm: "milenage" as const,
  k: "E425445F999830BDD0D19AF0321E678A",
  opc: "B680EA0C097AE315E69CC0BDFD6BEBD5",
};

/** A card whose enabled profile was downloaded; it has seen sequence numbers up to this one (without index). */
function card(sequence = 0, octets = vectorPackage("package-small")): SimulatedEuicc {
  const state = createEuiccState();
  const loading = new SimulatedEuicc({ state });
  loading.powerOn();
  const { profile } = download(loading, octets);
  for (const one of state.profiles) one.state = one === profile ? "enabled" : "disabled";
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(12, "0");
  profile.authentication.sqn = hex(sequence * 32);
  profile.authentication.sqnByIndex = Array.from({ length: 32 }, () => hex(sequence));
  return new SimulatedEuicc({ state });
}

/** Registration state of a modem with the card, once PIN1 is entered. */
async function registration(network: RadioNetwork, inserted: SimulatedEuicc, pin = "0614") {
  await using modem = new SimulatedModem({ network, card: inserted });
  await using host = connectHost(modem);
  await modem.powerOn();
  expect(await host.ask("AT+CPIN?")).toContain("SIM PIN");
  await host.ask(`AT+CPIN="${pin}"`);
  for (const end = Date.now() + 3000; modem.registration.state.stat === 0 || modem.registration.state.stat === 2; ) {
    if (Date.now() > end) throw new Error("no registration");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(modem.slot.facts).toMatchObject({ imsi, iccid: expect.stringMatching(/^\d{19,20}$/) });
  return modem.registration.state;
}

describe("authentication in the simulated network", () => {
  it("admits a downloaded profile by the K and OPc of its package, and nobody else with its IMSI", async () => {
    const subscribers = [{ imsi, msisdn: "+15551000009", keys }];
    using network = closing(new SimulatedNetwork({ attachMs: 1, subscribers }));
    expect(await registration(network.radio, card())).toMatchObject({ stat: 1 });
    network.radio.subscribe({ imsi, msisdn: "+15551000009", keys: { ...keys, k: "00".repeat(16) } });
    expect(await registration(network.radio, card())).toMatchObject({ stat: 3, cause: 3 });
  });

  it.each([
    ["milenage", 16, 16],
    ["tuak", 16, 32],
    ["tuak", 32, 32],
  ] as const)(
    "admits a profile that was built, with %s and a K of %i octets",
    async (algorithm, keyOctets, opcOctets) => {
      const [k, opc, other] = ["A5".repeat(keyOctets), "5A".repeat(opcOctets), "3C".repeat(16)];
      const codes = { pin1: "2468", puk1: "12345678", adm1: "87654321" };
      const values = { iccid: "8900012000000000017", imsi, k, opc, ...codes, kic: other, kid: other, kik: other };
      const mnoSd = { keyVersion: 1, keyType: "3des" } as const;
      const built = buildPackage({ version: "2.3", algorithm, mnoSd, values });
      const subscribers = [{ imsi, msisdn: "+15551000009", keys: { algorithm, k, opc } }];
      using network = closing(new SimulatedNetwork({ attachMs: 1, subscribers }));
      expect(await registration(network.radio, card(0, built), "2468")).toMatchObject({ stat: 1 });
      network.radio.subscribe({ imsi, msisdn: "+15551000009", keys: { algorithm, k, opc: "00".repeat(opcOctets) } });
      expect(await registration(network.radio, card(0, built), "2468")).toMatchObject({ stat: 3, cause: 3 });
    },
  );

  it("follows a card whose sequence number is ahead", async () => {
    const subscribers = [{ imsi, msisdn: "+15551000009", keys }];
    using network = closing(new SimulatedNetwork({ attachMs: 1, subscribers }));
    expect(await registration(network.radio, card(0x1000))).toMatchObject({ stat: 1 });
  });

  it("works for modems of another process", async () => {
    using network = closing(
      new SimulatedNetwork({ attachMs: 1, subscribers: [{ imsi, msisdn: "+15551000009", keys }] }),
    );
    await using service = await serveNetwork(network.radio, { port: 0 });
    await using joined = await joinNetwork({ port: service.port });
    expect(await registration(joined, card(0x1000))).toMatchObject({ stat: 1 });
    network.radio.subscribe({ imsi, msisdn: "+15551000009", keys: { ...keys, opc: "00".repeat(16) } });
    expect(await registration(joined, card())).toMatchObject({ stat: 3, cause: 3 });
  });
});

/** A network that ends with its block. */
function closing(radio: SimulatedNetwork): Disposable & { readonly radio: SimulatedNetwork } {
  return { radio, [Symbol.dispose]: () => radio.close() };
}
