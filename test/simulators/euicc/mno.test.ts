import { describe, expect, it } from "vitest";
import { checksum, encipher } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { bench, byte, secured } from "./terminal.ts";

/** A 3DES packet (2 keys, CC, ciphered) as an operator's OTA platform sends it. */
function tripleDes(
  script: string,
  cntr: number,
  tar: string,
  keys: { kic: string; kid: string },
  spi = "1601",
): string {
  const data = fromHex(script);
  const padding = (8 - ((14 + data.length) % 8)) % 8;
  const padded = concatBytes(data, new Uint8Array(padding));
  const head = fromHex(`${(22 + padded.length).toString(16).padStart(4, "0")}15${spi}1515${tar}`);
  const front = fromHex(cntr.toString(16).padStart(10, "0") + byte(padding));
  const mac = checksum("3des2", fromHex(keys.kid), concatBytes(head, front, padded), 8);
  const body = encipher("3des2", fromHex(keys.kic), concatBytes(front, mac, padded));
  return `027000${toHex(concatBytes(head, body))}`;
}

async function operator() {
  const set = bench({ settings: { reportLimit: 250 } });
  await set.terminal.start();
  const [profile] = set.state.profiles;
  if (!profile) throw new Error("the fixture has profiles");
  const value = (kvn: number, id: number) =>
    profile.mnoKeySets.find((keySet) => keySet.kvn === kvn)?.keys.find((key) => key.id === id)?.value ?? "";
  const des = { kic: value(1, 1), kid: value(1, 2) };
  const aes = { kic: fromHex(value(2, 1)), kid: fromHex(value(2, 2)) };
  return { ...set, profile, des, aes };
}

describe("operator OTA to the enabled profile", () => {
  it("manages files by 3DES and by AES key sets, each with its own counter", async () => {
    const { terminal, profile, des, aes } = await operator();
    const read = "00A40004023F0000A40004022FE200B000000A";
    const iccid = `${profile.iccid}F`.replace(/(.)(.)/g, "$2$1").slice(0, 20);
    expect(await terminal.download(tripleDes(read, 1, "B00000", des))).toMatch(new RegExp(`039000${iccid}9000$`));
    const byAes = { keys: aes, kvn: 2, tar: "B00001", spi: "1601" };
    expect(await terminal.download(secured(read, 1, byAes)[0] ?? "")).toMatch(new RegExp(`039000${iccid}9000$`));
    expect(await terminal.download(secured("00A40004026F7B00D600000321F354", 2, byAes)[0] ?? "")).toMatch(
      /0290009000$/,
    );
    expect(profile.files["7FFF/6F7B"]?.[0]).toMatch(/^21F354/);
    const expanded = "AA18220700A40004023F00220700A40004022FE2220400A40304";
    expect(await terminal.download(secured(expanded, 3, byAes)[0] ?? "")).toMatch(/AB81..800103.*83023F00.*90009000$/);
  });

  it("answers what TS 102 225 answers, unlike the ISD-R", async () => {
    const { terminal, des, aes } = await operator();
    const good = tripleDes("00A40004023F00", 5, "B00000", des);
    expect(await terminal.download(good)).toMatch(/000000000500000161..9000$/);
    expect(await terminal.download(good)).toMatch(/000000000500029000$/);
    expect(await terminal.download(`${good.slice(0, -2)}00`)).toMatch(/^02710000.*019000$/);
    expect(
      await terminal.download(secured("00A40004023F00", 9, { keys: aes, kvn: 9, tar: "B00000", spi: "1601" })[0] ?? ""),
    ).toMatch(/069000$/);
    expect(
      await terminal.download(secured("00A40004023F00", 9, { keys: aes, tar: "BFFF00", spi: "1601" })[0] ?? ""),
    ).toMatch(/099000$/);
    const clear = "027000000E0D00011010B00000000000000900";
    expect(await terminal.download(clear)).toBe("027100000B0AB000000000000009000A9000");
  });

  it("changes POL1 through the operator's security domain (ES6)", async () => {
    const { terminal, profile, aes } = await operator();
    const to = { keys: aes, kvn: 2, tar: "B20100", spi: "1601" };
    const perso = "221C80E6200016000010A0000005591010FFFFFFFF8900000F0000000000";
    const store = "220B80E28800063A0603810101";
    const script = `AA${byte((perso.length + store.length) / 2)}${perso}${store}`;
    expect(await terminal.download(secured(script, 1, to)[0] ?? "")).toMatch(/AB0C800102230300900023029000/);
    expect(profile.pol1).toBe(1);
    const alone = `AA${byte(store.length / 2)}${store}`;
    expect(await terminal.download(secured(alone, 2, to)[0] ?? "")).toMatch(/230269859000$/);
    expect(profile.pol1).toBe(1);
  });

  it("keeps each remote session with the application that its keys are for", async () => {
    const { terminal, aes } = await operator();
    const select = "00A4040010A0000005591010FFFFFFFF8900000100";
    const files = { keys: aes, kvn: 2, tar: "B00000", spi: "1601" };
    expect(await terminal.download(secured(`AA172215${select}`, 1, files)[0] ?? "")).toMatch(/23026A829000$/);
    const isdR = { spi: "1601" };
    expect(await terminal.download(secured("AA09220700A40004023F00", 1, isdR)[0] ?? "")).toMatch(/23026D009000$/);
  });

  it("sends a long answer in segments by SMS-SUBMIT", async () => {
    const { terminal, aes } = await operator();
    const script = "AA1B220700A40004022F00220900A40804047F106F3C220500B20104B0";
    const whole = { keys: aes, kvn: 2, tar: "B00000", spi: "1639" };
    const served = await terminal.serve(await terminal.download(secured(script, 1, whole)[0] ?? ""));
    expect(served).toHaveLength(3);
    expect(served[0]).toContain("7FF68C070003010301710001");
    expect(served[2]).toContain("050003010303");
  });
});
