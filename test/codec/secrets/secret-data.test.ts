import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { publicLine, shownText } from "../../../src/codec/at/line-name.ts";
import { showScript } from "../../../src/codec/secrets/script-secrets.ts";
import { CommandSecrets, secretOfCommand, withoutRanges } from "../../../src/codec/secrets/secret-data.ts";
import * as fc from "../../fast-check.ts";

const key = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
const login = "04757365726E616D65";
const password = "047365637265742D70617373776F7264";
const connection = `3502030139020578470704617065786D6D0D09${login}0D10${password}3C0301AD9C`;

function shown(...apdus: string[]): string[] {
  const secrets = new CommandSecrets();
  return apdus.map((text) => {
    const apdu = fromHex(text);
    return toHex(withoutRanges(apdu, secrets.next(apdu)?.ranges ?? []));
  });
}

/** STORE DATA blocks of `size` octets over data. */
function blocks(data: string, size: number, p1 = 0x08): string[] {
  const octets = fromHex(data);
  const count = Math.max(1, Math.ceil(octets.length / size));
  return Array.from({ length: count }, (_, block) => {
    const part = octets.subarray(block * size, (block + 1) * size);
    const last = block === count - 1 ? 0x80 : 0;
    return toHex(Buffer.concat([Buffer.from([0x80, 0xe2, p1 | last, block, part.length]), part]));
  });
}

describe("secrets of commands", () => {
  it("PINs and PUKs, whatever the class", () => {
    for (const cla of ["00", "01", "A0", "80", "C3"])
      for (const ins of ["20", "24", "26", "28", "2C"])
        expect(shown(`${cla}${ins}000110${key}`)).toEqual([`${cla}${ins}000110${"00".repeat(16)}`]);
  });

  it("PUT KEY, with an extended length and without", () => {
    expect(shown(`84D8000111${key}00`)[0]).not.toContain("C0DE");
    expect(shown(`84D80001000011${key}00`)[0]).not.toContain("C0DE");
  });

  it("keys in STORE DATA, cut into blocks anywhere", () => {
    const data = `0070020102811310${key}3A030412345678`;
    for (let size = 1; size < 40; size++) {
      const all = shown(...blocks(data, size)).join("");
      expect(all, String(size)).not.toContain("C0DE");
      expect(all.replace(/80E2[08]8..../g, ""), String(size)).not.toContain("DEC0");
    }
  });

  it("blocks whose beginning was not seen lose all; the next first block is read again", () => {
    expect(shown(`80E2880110${key}`)[0]).not.toContain("C0DE");
    expect(shown("80E2080102AABB", "80E28800053A03020102")).toEqual(["80E20801020000", "80E28800053A03020102"]);
    const skipped = blocks(`811310${key}`, 8);
    expect(shown(skipped[0] ?? "", skipped[2] ?? "").join()).not.toContain("C0DE");
  });

  it("logins in connectivity parameters, in every block and form, and nothing else of them", () => {
    const stores = [
      [`3A07${hexLength(`A2${hexLength(connection)}`)}`, 0x08],
      [`3A07${hexLength(`A303810191A5${hexLength(`84${hexLength(connection)}89098A0761646D696E2E78`)}`)}`, 0x08],
      [`85${hexLength(`84${hexLength(connection)}86020001`)}`, 0x10],
      [`A5${hexLength(`84${hexLength(connection)}`)}`, 0x10],
      [`F4${hexLength(`FA${hexLength(connection)}`)}`, 0x10],
      [`85${hexLength(`84${hexLength(connection)}`)}`, 0x00],
    ] as const;
    for (const [data, p1] of stores) {
      for (let size = 1; size <= data.length / 2; size++) {
        const all = shown(...blocks(data, size, p1))
          .map((block) => block.slice(10))
          .join("");
        expect(all, `${data} by ${size}`).toHaveLength(data.length);
        for (const word of [login, password])
          for (const part of [word.slice(0, 8), word.slice(-8)]) expect(all).not.toContain(part);
        // The access point is no secret. One octet at a time, too little is seen to know.
        if (size > 8 && p1 !== 0) expect(all).toContain("617065786D6D");
      }
    }
  });

  it("files of keys, written after they were selected, on each channel", () => {
    expect(shown("00A40004026F08", `00D6000010${key}`)[1]).not.toContain("C0DE");
    expect(shown("00A40804047FFF6F08", `00D6000010${key}`)[1]).not.toContain("C0DE");
    expect(shown("00A40004026F08", "01A40004026F07", `00D6000010${key}`)[2]).not.toContain("C0DE");
    expect(shown("00A40004026F08", "00A40004026F07", `00D6000010${key}`)[2]).toContain("C0DE");
    expect(shown("00A40004025F3A", "00A40004024F20", `00DC010410${key}`)[2]).toContain("C0DE");
    expect(shown("00A40004025F3B", "00A40004024F20", `00D6000010${key}`)[2]).not.toContain("C0DE");
    const secrets = new CommandSecrets();
    secrets.next(fromHex("00A40004026F08"));
    expect(secrets.answersWithKeys(fromHex("00B0000021"))).toBe(true);
    secrets.next(fromHex("00A40004026F07"));
    expect(secrets.answersWithKeys(fromHex("00B0000009"))).toBe(false);
  });

  describe("files of keys by short identifier", () => {
    const usim = "00A4040C10A0000000871002FFFFFFFF8900000000";
    const hides = (before: readonly string[], write: string, read: string) => {
      expect(shown(...before, write).at(-1), write).not.toContain("C0DE");
      const secrets = new CommandSecrets();
      for (const one of before) secrets.next(fromHex(one));
      secrets.next(fromHex(read));
      expect(secrets.answersWithKeys(fromHex(read)), read).toBe(true);
    };
    const shows = (before: readonly string[], write: string, read: string) => {
      expect(shown(...before, write).at(-1), write).toContain("C0DE");
      const secrets = new CommandSecrets();
      for (const one of before) secrets.next(fromHex(one));
      secrets.next(fromHex(read));
      expect(secrets.answersWithKeys(fromHex(read)), read).toBe(false);
    };
    const write = `00D6000010${key}`;

    it.each(["88", "89", "98"])("P1 %s of READ and UPDATE BINARY", (p1) => {
      hides([usim], `00D6${p1}0010${key}`, `00B0${p1}0021`);
      hides([usim], `00D7${p1 === "88" ? "0008" : "0009"}1253${`10${key}`}`, "00B1000802540000");
      hides([usim, `00B0${p1}0021`], write, "00B0000021");
      hides([], `00D6${p1}0010${key}`, `00B0${p1}0021`);
    });

    it("P2 of the record commands, and the file in P1 and P2 of odd instructions", () => {
      hides([usim], `00DC014410${key}`, "00B2014410");
      hides([usim], `00D76F081253${`10${key}`}`, "00B16F0904540000");
      hides([usim, "00A40004025F3B"], `00D6810010${key}`, "00B0820009");
      hides([usim, "00A40004025FC0"], `00D6850010${key}`, "00B083003E");
      hides(["00A40004026F08"], `00D700001253${`10${key}`}`, "00B1000002540000");
      hides(["00A40004026F08"], `00DB008012${`8010${key}`}`, "00CB008001");
    });

    it("other files, and those of the root, are shown", () => {
      shows([usim], `00D6870010${key}`, "00B0870009");
      shows(["00A40004023F00"], `00D6880010${key}`, "00B0880005");
      shows([usim], `00D76F071253${`10${key}`}`, "00B16F0704540000");
      shows([usim, "00A40004026F08"], `00D6870010${key}`, "00B0870009");
    });

    it.each([
      "00A4000402FFFF",
      "00A40004022FE2",
      "00A40004027F10",
      "00A4040C05A000000001",
      "00A40304",
      "00A400",
      "00A40004056F07",
      "00A400FF026F07",
      "00A40804047F206F3A",
    ])("SELECT %s may fail: the file of keys may still be selected", (select) => {
      hides(["00A40004026F08", select], write, "00B0000021");
      hides([usim, select], `00D6880010${key}`, "00B0880021");
    });

    it.each(["00A40004026F07", "00A40004027FFF", "00A40004023F00", "00A40804022FE2", "00A40804047FFF6F07"])(
      "SELECT %s cannot fail",
      (select) => shows(["00A40004026F08", select], write, "00B0000009"),
    );
  });

  it("of a block by itself: keys are named, a login is not a key", () => {
    expect(secretOfCommand(fromHex(`80E2880013811310${key}`))).toBe("key");
    expect(
      secretOfCommand(fromHex(`80E28800${hexLength(`3A07${hexLength(`A2${hexLength(connection)}`)}`)}`)),
    ).toBeUndefined();
    expect(secretOfCommand(fromHex("80E28801053A03020102"))).toBeUndefined();
  });

  it("never fail, and keep lengths, whatever the octets are", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (apdus) => {
        const secrets = new CommandSecrets();
        for (const tail of apdus)
          for (const head of [[], [0x80, 0xe2, 0x08, 0x00], [0x80, 0xe2, 0x90, 0x01]]) {
            const apdu = Uint8Array.from([...head, ...tail]);
            for (const [from, to] of secrets.next(apdu)?.ranges ?? [])
              expect(from >= 0 && to <= apdu.length).toBe(true);
          }
      }),
      { numRuns: 300 },
    );
  });
});

describe("scripts", () => {
  const script = (objects: string) => fromHex(`AA${hexLength(objects)}`);
  const clear = `A01180010281010182${"0A43414C4C2D544553548303898811"}`;

  it("hide a profile package that travels in clear, and none that is ciphered", () => {
    const k = `8110${key}8210${key}`;
    const parts = `86${hexLength(clear)}86${hexLength(k)}87${hexLength(k)}`;
    for (const octets of [script(parts), fromHex(parts)]) {
      const { bytes, hidden } = showScript(octets);
      expect(hidden).toBe(true);
      expect(toHex(bytes)).not.toContain("C0DE");
    }
    const ciphered = `86${hexLength(`${"5AC3".repeat(32)}${"17".repeat(8)}`)}`;
    expect(showScript(script(ciphered)).hidden).toBe(false);
  });

  it("hide the login of a session trigger", () => {
    const trigger = `81${hexLength(`83${hexLength(`84${hexLength(connection)}`)}`)}`;
    const { bytes } = showScript(fromHex(trigger));
    expect(toHex(bytes)).not.toContain(password);
    expect(toHex(bytes)).toContain("617065786D6D");
  });
});

describe("AT lines", () => {
  const proactive = `D0${hexLength(`810301400182028182${connection}`)}`;

  it("hide the login of OPEN CHANNEL, fetched or told of", () => {
    for (const line of [
      `+CSIM: ${proactive.length + 4},"${proactive}9000"`,
      `+CGLA: 100,${proactive}9000`,
      `+CUSATP: "${proactive}"`,
      `^STGI: 0,"${proactive.toLowerCase()}"`,
    ]) {
      expect(publicLine(line).toUpperCase()).not.toContain(password.slice(0, 10));
      expect(publicLine(line).toUpperCase()).toContain("617065786D6D");
    }
    const text = "D00F810301218082028102 8D0404414243".replace(" ", "");
    expect(publicLine(`+CUSATP: "${text}"`)).toContain(text);
  });

  it("know what came before: keys in several blocks, files of keys", () => {
    const secrets = new CommandSecrets();
    const line = (apdu: string) => shownText(`AT+CSIM=${apdu.length},"${apdu}"`, undefined, secrets);
    expect(line("00A40004026F08")).toContain("6F08");
    expect(line(`00D6000010${key}`)).not.toContain("C0DE");
    for (const block of blocks(`811310${key}`, 7)) expect(line(block)).not.toContain("C0DE");
    expect(publicLine(`AT+CSIM=42,"80E2880110${key}"`)).not.toContain("C0DE");
  });
});

function hexLength(hex: string): string {
  const length = hex.length / 2;
  return `${length < 128 ? "" : "81"}${length.toString(16).padStart(2, "0")}${hex}`.toUpperCase();
}
