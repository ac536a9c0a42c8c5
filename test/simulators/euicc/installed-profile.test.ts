import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { milenage } from "../../../simulators/euicc/algorithms/milenage.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { aesBlock, aesCbc } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import { FileStateStore } from "../../../simulators/euicc/state-store.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { download, vectorPackage } from "./packages.ts";
import { bench, byte, secured, Terminal } from "./terminal.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A card on which the vector's small package was downloaded and enabled by ES5. */
async function enabled() {
  const folder = mkdtempSync(join(tmpdir(), "card-"));
  folders.push(folder);
  const path = join(folder, "card.json");
  const set = bench({ settings: { reportLimit: 250 } }, { store: new FileStateStore(path) });
  await set.terminal.start();
  const { profile, response } = download(set.card, vectorPackage("package-small"));
  expect(response).toBe("3007A0053003800100");
  const enable = `AA1C221A80E28800153A03124F10${profile.aid}`;
  const answer = await set.terminal.download(secured(enable, 1, { spi: "1601" })[0] ?? "");
  expect(answer).toMatch(/AB0780010123029000/);
  await set.terminal.serve(answer);
  return { ...set, profile, path };
}

/** The card as it is after a restart with what its state file contains. */
async function restarted(path: string) {
  const state = new FileStateStore(path).load() ?? expect.fail("no state file");
  state.settings.reportLimit = 250;
  const card = new SimulatedEuicc({ state, store: new FileStateStore(path) });
  const terminal = new Terminal(card);
  await terminal.start();
  return { card, state, terminal };
}

const usim = "00A40404" + "10" + "A0000000871002FF33FF018900000100";
const swapped = (digits: string) => digits.replace(/(.)(.)/g, "$2$1");

describe("a downloaded profile that is enabled", () => {
  it("is what the card shows: ICCID and IMSI by its files, its access rules and PINs", async () => {
    const { path } = await enabled();
    const { terminal, state } = await restarted(path);
    expect(state.profiles.find((one) => one.state === "enabled")?.iccid).toBe("8900012846614985534");
    await terminal.apdu("00A40004022FE2");
    expect(await terminal.apdu("00B000000A")).toBe(
      `${swapped("8900012846614985534F")}9000`.replace("98000182", "98001082"),
    );
    expect(await terminal.apdu(usim)).toMatch(/8410A0000000871002FF33FF018900000100.*C60301810A.*9000$/);
    await terminal.apdu("00A40004026F07");
    expect(await terminal.apdu("00B0000009")).toBe("6982");
    expect(await terminal.apdu("0020000108" + "31313131FFFFFFFF")).toBe("63C2");
    expect(await terminal.apdu("0020000108" + "30363134FFFFFFFF")).toBe("9000");
    expect(await terminal.apdu("00B0000009")).toBe("0809101073836880849000");
    expect(await terminal.apdu("00D6000009080910107383688085")).toBe("9000");
    await terminal.apdu("00A40004023F00");
    await terminal.apdu("00A40004022F05");
    expect(await terminal.apdu("00D6000002656E")).toBe("6982");
    await terminal.apdu(usim);
    expect(await terminal.apdu("0020008108" + "38333437FFFFFFFF")).toBe("9000");
    expect(await terminal.apdu("0020000A083536323539323031")).toBe("9000");
    await terminal.apdu("00A40004023F00");
    await terminal.apdu("00A40004022F05");
    expect(await terminal.apdu("00D6000002656E")).toBe("9000");
    const again = await restarted(path);
    await again.terminal.apdu(usim);
    await again.terminal.apdu("0020000108" + "30363134FFFFFFFF");
    await again.terminal.apdu("00A40004026F07");
    expect(await again.terminal.apdu("00B0000009")).toBe("0809101073836880859000");
  });

  it("keeps the attempts of its PINs and unblocks them with their PUK", async () => {
    const { path } = await enabled();
    const first = await restarted(path);
    for (const left of ["63C2", "63C1", "63C0"])
      expect(await first.terminal.apdu(`0020000108${"39".repeat(8)}`)).toBe(left);
    const { terminal } = await restarted(path);
    expect(await terminal.apdu("0020000108" + "30363134FFFFFFFF")).toBe("6983");
    expect(await terminal.apdu("002C000110" + "3939363938363031" + "31313131FFFFFFFF")).toBe("9000");
    expect(await terminal.apdu("0020000108" + "31313131FFFFFFFF")).toBe("9000");
  });

  it("authenticates the network by K and OPc of the package, and asks for resynchronisation", async () => {
    const { path } = await enabled();
    const { terminal } = await restarted(path);
    await terminal.apdu(usim);
    await terminal.apdu("0020000108" + "30363134FFFFFFFF");
    const [k, opc] = [fromHex("E425445F999830BDD0D19AF0321E678A"), fromHex("B680EA0C097AE315E69CC0BDFD6BEBD5")];
    const rand = fromHex("5A".repeat(16));
    const sqn = fromHex("000000000041");
    const { ak, macA, res, ck, ik } = milenage(k, opc, rand, sqn, fromHex("8000"));
    const autn = concatBytes(
      sqn.map((octet, i) => octet ^ (ak[i] ?? 0)),
      fromHex("8000"),
      macA,
    );
    const command = `0088008122${"10"}${toHex(rand)}10${toHex(autn)}`;
    expect(await terminal.apdu(command)).toMatch(
      new RegExp(`^DB08${toHex(res)}10${toHex(ck)}10${toHex(ik)}08.{16}9000$`),
    );
    expect(await terminal.apdu(command)).toMatch(/^DC0E.{28}9000$/);
    const again = await restarted(path);
    await again.terminal.apdu(usim);
    await again.terminal.apdu("0020000108" + "30363134FFFFFFFF");
    expect(await again.terminal.apdu(command)).toMatch(/^DC0E/);
  });

  it("is managed with its own keys, TARs and security level", async () => {
    const { path, profile } = await enabled();
    const { terminal, state } = await restarted(path);
    const own = state.profiles.find(({ aid }) => aid === profile.aid);
    const [set] = own?.mnoKeySets ?? [];
    const value = (id: number) => fromHex(set?.keys.find((key) => key.id === id)?.value ?? "");
    const keys = { kic: value(1), kid: value(2) };
    const files = { keys, tar: "B00010", spi: "1601" };
    const answer = await terminal.download(secured("00A40004026F0700B0000009", 1, files)[0] ?? "");
    expect(answer).toMatch(/0290000809101073836880849000$/);
    expect(await terminal.download(secured("00A40004026F07", 2, { ...files, tar: "B00001" })[0] ?? "")).toMatch(
      /099000$/,
    );
    expect(await terminal.download(secured("00A40004026F07", 2, { ...files, spi: "0601" })[0] ?? "")).toMatch(
      /0A9000$/,
    );
    const domain = { keys, tar: "B20100", spi: "1601" };
    const perso = "221C80E6200016000010A0000005591010FFFFFFFF8900000F0000000000";
    const policy = "220B80E28800063A0603810101";
    const script = `AA${byte((perso.length + policy.length) / 2)}${perso}${policy}`;
    expect(await terminal.download(secured(script, 3, domain)[0] ?? "")).toMatch(/AB0C800102230300900023029000/);
    expect(own?.pol1).toBe(1);
    const connectivity = "221680E28800113A070EA00C060791447700099055820100";
    const update = `AA${byte((perso.length + connectivity.length) / 2)}${perso}${connectivity}`;
    expect(await terminal.download(secured(update, 4, domain)[0] ?? "")).toMatch(/AB0C800102230300900023029000/);
    expect(own?.connectivity.A0).toBe("060791447700099055820100");
  });

  it("lists its applications, shows its key sets and takes new keys under its own DEK", async () => {
    const { path, profile } = await enabled();
    const { terminal, state } = await restarted(path);
    const own = state.profiles.find(({ aid }) => aid === profile.aid);
    const value = (id: number) => fromHex(own?.mnoKeySets[0]?.keys.find((key) => key.id === id)?.value ?? "");
    const to = { keys: { kic: value(1), kid: value(2) }, tar: "B20100", spi: "1601" };
    const list = await terminal.download(secured("AA0A220880F24002024F0000", 1, to)[0] ?? "");
    expect(list).toContain("E3164F10A0000000871002FF33FF0189000001009F700107");
    expect(list).toContain("E30F4F09A000000559101000019F700107");
    expect(await terminal.download(secured("AA07220580CA00E000", 2, to)[0] ?? "")).toContain(
      "E012C00401018810C00402018810C00403018810",
    );
    const fresh = "0F".repeat(16);
    const wrapped = toHex(aesCbc(value(3), new Uint8Array(16), fromHex(fresh), "encipher"));
    const check = toHex(aesBlock(fromHex(fresh), new Uint8Array(16).fill(1)).slice(0, 3));
    const put = (kcv: string) => `AA1F221D80D8000118028811${"10"}${wrapped}03${kcv}`;
    expect(await terminal.download(secured(put("000000"), 3, to)[0] ?? "")).toMatch(/23029485/);
    expect(await terminal.download(secured(put(check), 4, to)[0] ?? "")).toMatch(new RegExp(`230602${check}9000`));
    expect(own?.mnoKeySets.find(({ kvn }) => kvn === 2)?.keys[0]?.value).toBe(fresh);
  });

  it("is not there after a download that failed or broke off", () => {
    const { card, state } = bench();
    card.powerOn();
    const { profile } = download(card, vectorPackage("package-small").subarray(0, 800));
    expect(profile).toMatchObject({ state: "personalized", mnoKeySets: [], iccid: "" });
    expect(profile.installed).toBeUndefined();
    card.reset();
    const failed = download(card, vectorPackage("package-small"), { loadFails: { block: 1, status: 4 } });
    expect(failed.response).toBe("3009A0053003800104" + "8100");
    expect(state.profiles.filter((one) => one.installed)).toEqual([]);
    expect(download(card, vectorPackage("package-small"), { loadSilent: true })).toMatchObject({
      response: "",
      profile: { state: "disabled" },
    });
    expect(download(card, vectorPackage("package-small"), { loadMac: true }).authentic).toBe(false);
    expect(download(card, vectorPackage("package-small"), { loadAborts: true }).response).toBe(
      "3009A00530038001008100",
    );
  });
});
