import { describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { explain, explainAs } from "../../src/explain/explain.ts";
import { nodes, part, textOf } from "./worked.ts";

const tlv = (tag: string, ...values: readonly string[]): string => {
  const value = values.join("");
  const length = value.length / 2;
  const head = length < 0x80 ? "" : length < 0x100 ? "81" : "82";
  return `${tag}${head}${length.toString(16).padStart(length < 0x100 ? 2 : 4, "0")}${value}`.toUpperCase();
};

const pe = (id: string) => tlv("A0", "8000", tlv("81", id));

/** Octets that stand nowhere else, one for each kind of secret. */
const secrets = {
  k: "C0DE0001C0DE0001C0DE0001C0DE0001",
  opc: "C0DE0002C0DE0002C0DE0002C0DE0002",
  pin: "3731393337313933",
  puk: "3832303438323034",
  kic: "C0DE0003C0DE0003C0DE0003C0DE0003",
  stored: "C0DE0004C0DE0004C0DE0004C0DE0004",
  process: "C0DE0005C0DE0005",
  aKey: "C0DE0006C0DE0006",
  ki: "C0DE0007C0DE0007C0DE0007C0DE0007",
};

const elements = {
  header: tlv(
    "A0",
    "800102810101",
    tlv("82", "546573742070726F"),
    "830A89012345678901234567",
    tlv("A5", "8100", "8400"),
    tlv("A6", "060667810F010201"),
  ),
  mf: tlv("B0", pe("01"), "810667810F010201", tlv("A2", tlv("A1", "8B032F0601")), tlv("A4", tlv("83", "98"))),
  genericFileManagement: tlv("A1", pe("02"), tlv("A1", tlv("30", "80027F10", tlv("62", "82024121"), "8102ABCD"))),
  pukCodes: tlv("A3", pe("03"), tlv("A1", tlv("30", "800101", tlv("81", secrets.puk), "8201AA"))),
  pinCodes: tlv(
    "A2",
    pe("04"),
    tlv("A1", tlv("A0", tlv("30", "800101", tlv("81", secrets.pin), "820101", "830107", "840133"))),
  ),
  usim: tlv(
    "B3",
    pe("05"),
    "810667810F010204",
    tlv("A2", tlv("A1", "8410A0000000871002FFFFFFFF8907090000")),
    tlv("A3", tlv("83", "082943019999999999")),
    tlv("A5", tlv("83", secrets.ki)),
  ),
  akaParameter: tlv("A4", pe("06"), tlv("A1", tlv("A1", "800101810100", tlv("82", secrets.k), tlv("83", secrets.opc)))),
  securityDomain: tlv(
    "A6",
    pe("07"),
    tlv("A1", tlv("4F", "A0000001515350"), tlv("4F", "A000000151535041"), tlv("4F", "A000000151000000"), "820382FC80"),
    tlv("A2", tlv("30", "950138", "820101", "830101", tlv("30", tlv("30", "800188", tlv("86", secrets.kic))))),
    tlv("A3", tlv("04", `8010${(secrets.stored.length / 2).toString(16)}${secrets.stored}`)),
  ),
  rfm: tlv(
    "A7",
    pe("08"),
    tlv("4F", "A00000055910100001"),
    tlv("A0", "0403B00000", "0403B00020"),
    "810112",
    "040100",
    "040100",
  ),
  application: tlv(
    "A8",
    pe("09"),
    tlv("A1", tlv("4F", "A00000055910100002"), tlv("C4", "ABCD")),
    tlv("A2", tlv("30", tlv("4F", "A00000055910100002"), tlv("30", tlv("04", secrets.process)))),
  ),
  cdmaParameter: tlv("A5", pe("0A"), tlv("81", secrets.aKey)),
  end: tlv("AA", pe("0B")),
};

const whole = Object.values(elements).join("");

function clear(text: string): string[] {
  return Object.entries(secrets)
    .filter(([, hex]) => text.includes(hex))
    .map(([name]) => name);
}

describe("a profile package", () => {
  const found = explain(fromHex(whole));

  it("is read as BER, with every element named", () => {
    expect(found.type).toBe("profile-package");
    expect(found.node.value).toContain("header (version 2.1, ICCID 89012345678901234567)");
    for (const name of Object.keys(elements)) expect(found.node.value).toContain(name);
    expect([...nodes(found.node)].filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it("says what the parts are", () => {
    expect(part(found, "PIN (30)").children[0]?.value).toBe("PIN of application 1");
    expect(part(found, "algorithm (80)").value).toBe("Milenage");
    expect(part(found, "TARs (A0)").children.map(({ value }) => value)).toContain("UICC shared file system (RFM)");
    expect(part(found, "ef-imsi").children.map(({ label }) => label)).toEqual(["content (83)"]);
    expect(textOf(found)).toContain("ADF.USIM");
  });

  it("hides K, OPc, PINs, PUKs and keys", () => {
    expect(clear(JSON.stringify(found))).toEqual([]);
    for (const label of ["K (82)", "OPc or TOPc (83)", "PIN (81)", "PUK (81)", "key (86)"]) {
      expect(part(found, label).value).toMatch(/^\[hidden, \d+ octets\]$/);
    }
  });

  it("shows them when they are asked for", () => {
    const shown = clear(JSON.stringify(explain(fromHex(whole), { secrets: true })));
    expect(shown).toEqual(expect.arrayContaining(["k", "opc", "pin", "puk", "kic", "stored", "process", "aKey"]));
  });

  it.each(Object.entries(elements))("is known by its %s alone", (name, hex) => {
    const one = explain(fromHex(hex));
    expect(one.type).toBe("profile-package");
    expect(one.node.value).toContain(name);
  });

  it("hides them where the package is cut anywhere, or one bit of it is wrong", () => {
    const octets = fromHex(whole);
    for (let length = 1; length < octets.length; length++) {
      expect(clear(JSON.stringify(explainAs("profile-package", octets.subarray(0, length))))).toEqual([]);
    }
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const changed = Uint8Array.from(octets);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // The content of a file is a secret by the name of the file alone: under a wrong tag it is any content.
      const shown = clear(JSON.stringify(explainAs("profile-package", changed))).filter((name) => name !== "ki");
      if (shown.length > 0) expect({ bit, shown }).toBe("nothing");
    }
  });
});

describe("EUICCResponse", () => {
  it.each([
    ["3007A0053003800100", "PEStatus ok"],
    ["300AA0083006800104810106", "PEStatus not enough memory (element 6)"],
    ["300DA00930078001068101048300 8100".replace(" ", ""), "PEStatus invalid parameter (element 4)"],
    ["3009A0053003800103 8100".replace(" ", ""), "PEStatus bad values; installation aborted"],
    ["3008A006300480026985", "PEStatus status word 6985"],
    ["3009A00730058003009000", "PEStatus status word 9000"],
    ["300CA0053003800102 82036F6F70".replace(" ", ""), 'PEStatus memory failure; "oop"'],
  ])("%s: %s", (hex, words) => {
    const found = explain(fromHex(hex));
    expect(found.type).toBe("euicc-response");
    expect(found.node.value).toBe(words);
  });
});
