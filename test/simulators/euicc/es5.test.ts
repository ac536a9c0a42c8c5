import { describe, expect, it } from "vitest";
import { aesCmac } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { bench, byte, secured } from "./terminal.ts";

const aid = (field: string) => `A0000005591010FFFFFFFF8900${field}00`;
const lv = (value: string) => byte(value.length / 2) + value;

/** A started card and a way to run ES5 commands on it: C-APDUs in, R-APDUs out. */
async function isdR(options: Parameters<typeof bench>[0] = {}) {
  const set = bench({ ...options, settings: { reportLimit: 250, isdRMinimumSecurity: true, ...options.settings } });
  await set.terminal.start();
  let cntr = 0;
  const run = async (...apdus: string[]): Promise<string[]> => {
    const body = apdus.map((apdu) => `22${ber(apdu.length / 2)}${apdu}`).join("");
    cntr += 1;
    let answer = "";
    for (const part of secured(`AE80${body}0000`, cntr, { spi: "1601" })) answer = await set.terminal.download(part);
    return responses(answer.slice(0, -4));
  };
  const one = async (apdu: string) => (await run(apdu))[0] ?? "";
  return { ...set, run, one };
}

const ber = (length: number) => (length < 0x80 ? byte(length) : `81${byte(length)}`);

/** R-APDUs of a clear PoR with an indefinite response template. */
function responses(por: string): string[] {
  const found: string[] = [];
  let at = por.indexOf("AF80", 30) + 4;
  while (at > 3 && por.slice(at, at + 2) === "23") {
    const long = por.slice(at + 2, at + 4) === "81";
    const length = Number.parseInt(por.slice(at + (long ? 4 : 2), at + (long ? 6 : 4)), 16);
    const start = at + (long ? 6 : 4);
    found.push(por.slice(start, start + length * 2));
    at = start + length * 2;
  }
  return found;
}

const store = (dgi: string, value: string, p1 = "88", p2 = "00") => {
  const data = dgi + lv(value);
  return `80E2${p1}${p2}${lv(data)}00`;
};
const enable = (field: string) => store("3A03", `4F10${aid(field)}`);
const disable = (field: string) => store("3A04", `4F10${aid(field)}`);
const fallback = (field: string) => store("3A05", `4F10${aid(field)}`);
const remove = (field: string) => `80E40040124F10${aid(field)}00`;
const create = (field: string, parameters = "C90481020370") => {
  const data = [aid("000D"), aid("000E"), aid(field), "80C000", parameters, ""].map(lv).join("");
  return `80E60C00${lv(data)}00`;
};
const status = (field: string, list = "") => `80F24002${lv(`4F10${aid(field)}${list}`)}00`;

describe("ES5 of the simulated eUICC", () => {
  it("creates an ISD-P by the worked example's octets and refuses it a second time", async () => {
    const { one } = await isdR();
    const example =
      "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C00006C904810203700000";
    expect(await one(example)).toBe("009000");
    expect(await one(example)).toBe("6985");
    expect(await one(status("0014", "5C034F9F70"))).toBe(`E3164F10${aid("0014")}9F7001079000`);
  });

  it("accounts memory: quotas reserve, free memory shrinks, too much is 6A84, deletion frees", async () => {
    const { one } = await isdR();
    const free = async () => Number.parseInt((await one("80CAFF2100")).slice(16, 24), 16);
    const before = await free();
    expect(await one(create("0014", "C90481020370EF0483028000"))).toBe("009000");
    expect(before - (await free())).toBe(0x8000);
    expect(await one(status("0014"))).toContain("8F0400008000910400008000");
    expect(await one(create("0015", "EF06830400FFFFFF"))).toBe("6A84");
    expect(await one(remove("0014"))).toBe("009000");
    expect(await free()).toBe(before);
  });

  it("audits: all profiles, one, only the tags asked for, none", async () => {
    const { one, run } = await isdR();
    expect(await one(status("0012", "5C034F9F70"))).toBe(`E3164F10${aid("0012")}9F70013F9000`);
    expect(await one(status("0013", "5C044F9F7053"))).toBe(`E3194F10${aid("0013")}9F70011F5301009000`);
    expect(await one("80F24002024F0000")).toMatch(/^E3.*E3.*9000$/);
    expect(await one(status("0077"))).toBe("6A88");
    expect(await run("80CABF3000", "80CAFF2100")).toEqual(["6A80"]);
    expect(await one("80CABF30035C016600")).toBe(
      "BF3040663E733C06072A864886FC6B01600C060A2A864886FC6B02020101630906072A864886FC6B03640B06092A864886FC6B048000640B06092A864886FC6B0481049000",
    );
    expect(await one("80CA00E000")).toContain("C00401018810");
  });

  it("pages GET STATUS answers that do not fit one R-APDU", async () => {
    const { card } = bench({ profiles: 14 });
    const target = card.application();
    if (!target) throw new Error("a card has an ISD-R");
    const script = fromHex("AE80220880F24002024F0000220880F24003024F0000220880F24003024F00000000");
    const answers = responses("".padStart(30) + toHex(card.runRemote(target, card.openRemote(target), script)));
    expect(answers.map((answer) => answer.slice(-4))).toEqual(["6310", "6310", "9000"]);
    expect(answers.join("").match(/4F10A0000005591010FFFFFFFF89/g)).toHaveLength(14);
  });

  it("gives the error words of the state rules", async () => {
    const { run, one, state } = await isdR({ profiles: 3 });
    expect(await run(enable("0012"))).toEqual(["6985"]);
    expect(await run(enable("0099"))).toEqual(["6A88"]);
    expect(await run(disable("0013"))).toEqual(["6985"]);
    expect(await run(disable("0012"))).toEqual(["6985"]);
    expect(await run(remove("0012"))).toEqual(["6985"]);
    expect(await one(fallback("0013"))).toBe("9000");
    expect(state.profiles.map((profile) => profile.fallback)).toEqual([false, true, false]);
    expect(await run(remove("0013"))).toEqual(["6985"]);
    expect(await run(remove("0014"))).toEqual(["009000"]);
    expect(await run(remove("0014"))).toEqual(["6A88"]);
    expect(await one(store("3A03", "4F03A00000"))).toBe("6A88");
    expect(await one(store("3A03", "50"))).toBe("6A80");
    expect(await one("80E6400000")).toBe("6A86");
    expect(await one("80EE000000")).toBe("6D00");
    expect(await one("20E2880000")).toBe("6E00");
  });

  it("obeys POL1: no disabling, no deletion", async () => {
    const { one, state } = await isdR({ profiles: 3 });
    const [first, second] = state.profiles;
    if (!first || !second) throw new Error("the fixture has three profiles");
    first.pol1 = 1;
    second.pol1 = 2;
    expect(await one(enable("0013"))).toBe("69E1");
    expect(await one(remove("0013"))).toBe("69E1");
    expect(await one(fallback("0013"))).toBe("9000");
    expect(await one(disable("0012"))).toBe("69E1");
  });

  it("takes SM-SR addressing parameters and only replaces the templates given", async () => {
    const { one, state } = await isdR();
    expect(await one("80E288000F3A070CA30A81080B911234567890F1")).toBe("9000");
    expect(state.isdR.addressing).toEqual({ A3: "81080B911234567890F1" });
    expect(await one(store("3A07", "A30781050685214365"))).toBe("9000");
    expect(state.isdR.addressing).toEqual({ A3: "81050685214365" });
    expect(await one(store("3A07", "A50389018A"))).toBe("9000");
    expect(Object.keys(state.isdR.addressing)).toEqual(["A3", "A5"]);
    expect(await one(store("3A07", "99"))).toBe("6A80");
  });

  it("moves the emergency attribute and keeps it apart from the fall-back attribute", async () => {
    const { one, state } = await isdR();
    expect(await one(store("3A09", `4F10${aid("0013")}`))).toBe("9000");
    expect(state.profiles[1]?.emergency).toBe(true);
    expect(await one(fallback("0013"))).toBe("6985");
    expect(await one(enable("0013"))).toBe("6985");
    expect(await one("80E28800033A090000")).toBe("9000");
    expect(state.profiles[1]?.emergency).toBe(false);
  });

  it("finalises a hand-over: only the key sets listed stay", async () => {
    const { one, state } = await isdR();
    expect(await one("80E400000AF203010103F20341010200")).toBe("6A88");
    expect(await one("80E400000AF203010103F20340010200")).toBe("9000");
    expect(await one("80E4000005F20301010300")).toBe("9000");
    expect(state.isdR.keySets.map(({ kvn }) => kvn)).toEqual([1]);
  });

  it("deletes by token whatever POL1 says, and never with a wrong token", async () => {
    const { one, state } = await isdR();
    const target = state.profiles[1];
    if (!target) throw new Error("the fixture has two profiles");
    const tokenKey = "202122232425262728292A2B2C2D2E2F";
    target.pol1 = 2;
    target.isdpKeySets.push({ kvn: 0x70, type: "TOKEN", keys: [{ id: 1, type: "AES", value: tokenKey }], ccLength: 8 });
    target.sdData = { "42": "4953445031", "45": "4953505344494E01", "5F20": "47534D4101" };
    const data = "4F10A0000005591010FFFFFFFF8900001300B61C4205495344503145084953505344494E015F200547534D4101930101";
    const token = toHex(aesCmac(fromHex(tokenKey), fromHex(`004030${data}`)));
    expect(token).toBe("4B9BBA4161327B5D1B1DE65EBCA0381D");
    expect(await one(`80E4004042${data}9E10${"00".repeat(16)}00`)).toBe("6982");
    expect(await one(`80E4004042${data}9E10${token}00`)).toBe("009000");
    expect(state.profiles).toHaveLength(1);
  });

  it("takes PUT KEY for the ISD-R under the key set's own DEK and checks the KCV", async () => {
    const { one, state } = await isdR();
    const before = state.isdR.keySets.length;
    expect(await one(`80D80081${lv(`0288${lv(`10${"00".repeat(16)}`)}03000000`)}00`)).toBe("9485");
    expect(state.isdR.keySets).toHaveLength(before);
  });
});

describe("scripts to the ISD-R", () => {
  it("stop at the first error and answer in kind", async () => {
    const { terminal } = bench({ settings: { reportLimit: 250 } });
    await terminal.start();
    const audit =
      secured(`AA26220580CAFF2100221D80F24002174F10${aid("0013")}5C034F9F7000`, 4, { spi: "1601" })[0] ?? "";
    expect(await terminal.download(audit)).toMatch(/AB338001022312FF210D8101028204.{8}83023A929000231A?/);
    const nested = secured("AE80AA00220580CAFF21000000", 5, { spi: "1601" })[0] ?? "";
    expect(await terminal.download(nested)).toMatch(/AF809001010000/);
    expect(await terminal.download(secured("AE800000", 6, { spi: "1601" })[0] ?? "")).toMatch(/AF8000009000$/);
    expect(await terminal.download(secured("AA0122", 7, { spi: "1601" })[0] ?? "")).toMatch(/AB0680010090010[23]9000$/);
    expect(await terminal.download(secured("220580CAFF2100", 8, { spi: "1601" })[0] ?? "")).toMatch(/016E009000$/);
    const hybrid = secured("AE07220580CAFF2100", 9, { spi: "1601" })[0] ?? "";
    expect(await terminal.download(hybrid)).toMatch(/AF802312FF21.*00009000$/);
  });

  it("chain: later parts go on in the session of the first, a part without one is refused", async () => {
    const { terminal } = bench({ settings: { reportLimit: 250 } });
    await terminal.start();
    const send = (script: string, cntr: number) => terminal.download(secured(script, cntr, { spi: "1601" })[0] ?? "");
    expect(await send("AA0A830102220580CAFF2100", 1)).toMatch(/AB068001008301019000$/);
    const perso = `221C80E6200016000010${aid("0013")}00000000`;
    expect(await send(`AA${byte(3 + perso.length / 2)}830101${perso}`, 2)).toMatch(/2303009000/);
    expect(await send("AA0A830103220580CAFF2100", 3)).toMatch(/2312FF21/);
    expect(await send("AA0A830103220580CAFF2100", 4)).toMatch(/8301019000$/);
  });
});

describe("confirmation", () => {
  it("deletes a profile whose POL1 demands it and lists it", async () => {
    const { terminal, state, run } = await isdR({ profiles: 3 });
    await run(fallback("0014"));
    const left = state.profiles[0];
    if (left) left.pol1 = 4;
    expect(await run(enable("0013"))).toEqual(["9000"]);
    await terminal.restart();
    await terminal.locationStatus();
    expect(await run("80E28900073A08044E02FFFF00")).toEqual(["6A88"]);
    expect(await run("80E28900073A08044E02000100")).toEqual([`80124F10${aid("0012")}9000`]);
    expect(state.profiles.map((profile) => profile.aid)).toEqual([aid("0013"), aid("0014")]);
  });
});
