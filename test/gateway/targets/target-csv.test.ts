import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { csvTargets } from "../../../src/gateway/targets/target-csv.ts";

const eid = "89001012012341234012345678901224";
const [a, b, c] = ["A1".repeat(16), "B2".repeat(16), "C3".repeat(16)];

type Shape = Awaited<ReturnType<typeof csvTargets>>["targets"][number]["shape"];

/** The description with its keys as text. */
const withKeys = (shape: Shape | undefined) => ({
  ...shape,
  keySets: shape?.keySets.map((set) => ({
    ...set,
    keys: set.keys.map((key) => ({ ...key, value: toHex(key.value.reveal()) })),
  })),
});

const read = async (text: string, defaults = {}) =>
  (await csvTargets(text, defaults)).targets.map(({ shape }) => shape);
const refusal = (text: string) =>
  csvTargets(text).then(
    () => ({ code: "none", message: "", detail: {} }),
    (error: unknown) => Object(error),
  );

describe("a key file in CSV", () => {
  it("is read as RFC 4180 has it: quotes, doubled quotes, separators and line ends in cells", async () => {
    const [one, two] = await read(`﻿"eid","name","tags"\r\n${eid},"a, ""b""","x;y z"\r\n\r\n${eid},"two\nlines",\r\n`);
    expect(one).toMatchObject({ eid, name: 'a, "b"', tags: ["x", "y", "z"] });
    expect(two).toMatchObject({ name: "two\nlines" });
  });

  it.each([",", ";", "\t"])("may be separated by %j", async (mark) => {
    const [one] = await read([["EID", "KIC", "KID"].join(mark), [eid, a, b].join(mark)].join("\n"));
    expect(withKeys(one)).toMatchObject({
      eid,
      keySets: [{ kvn: 1, type: "SCP80", keys: [{ value: a }, { value: b }] }],
    });
  });

  it("has the columns of card vendors' files: key sets by number, and what is of no use is named and dropped", async () => {
    const text = [
      "IMSI,ICCID,ACC,PIN1,PUK1,PIN2,PUK2,KI,OPC,ADM1,KIC1,KID1,KIK1,KIC2,KID2,KIK2,KIC3,KID3,KIK3",
      `999700000000001,8988211000000000015F,0001,1111,11111111,0101,01010101,${"55".repeat(16)},${"66".repeat(16)},12345678,${a},${b},${c},${b},${c},${a},,,`,
    ].join("\r\n");
    const { targets, notes } = await csvTargets(text);
    expect(notes).toEqual([
      "ignored, and never stored: acc, pin1, puk1, pin2, puk2, ki, opc, adm1",
      expect.stringContaining("imported as AES"),
    ]);
    expect(withKeys(targets[0]?.shape)).toMatchObject({
      imsi: "999700000000001",
      iccid: "8988211000000000015",
      keySets: [
        {
          kvn: 1,
          algorithm: "AES",
          keys: [
            { id: 1, value: a },
            { id: 2, value: b },
            { id: 3, value: c },
          ],
        },
        { kvn: 2, keys: [{ value: b }, { value: c }, { value: a }] },
      ],
    });
    expect(JSON.stringify(targets.map(({ shape }) => withKeys(shape)))).not.toContain("5555");
    const other = await read(text, { algorithm: "3DES", tars: ["B00010"] });
    expect(other[0]).toMatchObject({ keySets: [{ algorithm: "3DES", tars: ["B00010"] }, { algorithm: "3DES" }] });
  });

  it("has the columns of a card key provider", async () => {
    const head =
      "id,eid,iccid,UICC_SCP02_KIC1,UICC_SCP02_KID1,UICC_SCP02_KIK1,SCP03_ENC_ISDR,SCP03_MAC_ISDR,SCP03_DEK_ISDR,SCP03_KIC_ISDR,SCP80_KIC1,SCP80_KID1";
    const { targets, notes } = await csvTargets(
      `${head}\ncard1,${eid},,${a},${a},${a},${b},${b},${b},${b},${c},${c}\n`,
    );
    expect(withKeys(targets[0]?.shape)).toMatchObject({
      eid,
      keySets: [{ kvn: 1, keys: [{ value: c }, { value: c }] }],
    });
    expect(notes[0]).toContain("id, uicc_scp02_kic1, uicc_scp02_kid1");
    expect(JSON.stringify(targets.map(({ shape }) => withKeys(shape)))).not.toContain(a);
  });

  it("has a PSK with its identity", async () => {
    const [one] = await read(`iccid,psk,psk_kvn,psk_identity\n8988211000000000015,${a},65,card-1\n`);
    expect(withKeys(one)).toMatchObject({
      keySets: [{ kvn: 65, type: "SCP81", keys: [{ id: 1, value: a }], pskIdentity: "card-1" }],
    });
  });

  it.each([
    ["", "text"],
    ["\n \n", "text"],
    ["eid,kicc\n", "kicc"],
    ["eid,eid\n", "eid"],
    ["eid,,kic\n", "column 2"],
    [`eid,kic,kid\n${eid},${a}\n`, "kic, kid"],
    [`eid,kic,kid\n${eid},,${a}\n`, "kic, kid"],
    [`eid,KIC2,KID2\n${eid},${a}\n`, "kic2, kid2"],
    [`eid,kic,kid\n${eid},${a}x,${b}\n`, "kic"],
    [`eid,kic,kid,kik\n${eid},${a},${b},zz\n`, "kik"],
    [`eid,KIC1,KID1\n${eid},${a},zz\n`, "kid1"],
    [`eid,dek\n${eid},${a}\n`, "dek"],
    [`eid,kvn\n${eid},1\n`, "kvn"],
    [`eid,psk_kvn\n${eid},64\n`, "psk_kvn"],
    [`eid,kvn,kic,kid\n${eid},16,${a},${b}\n`, "kvn"],
    [`eid,kvn,kic,kid\n${eid},x,${a},${b}\n`, "kvn"],
    [`eid,cntr,kic,kid\n${eid},1F,${a},${b}\n`, "cntr"],
    [`eid,kic,kid,kic1,kid1\n${eid},${a},${b},${a},${b}\n`, "tars"],
    [`eid,iccid\n,\n${eid},x\n`, "iccid"],
    [`iccid\n${a}\n`, "iccid"],
    [`eid,name\n${eid},${a}\n`, "name"],
    ["name\nx\n", "eid"],
    [`eid,name\n${eid},"a\n`, "line 2"],
    [`eid,name\n${eid},a"b"\n`, "line 2"],
    [`eid\n${eid},1\n`, "line 2"],
  ])("that is wrong is refused by line and column, never by value: %j", async (text, field) => {
    const { code, message, detail } = await refusal(text);
    expect([code, detail.field]).toEqual(["target.invalid", field]);
    if (text.trim() !== "") expect(message).toMatch(/^line [12345]/);
    for (const value of [a, b]) expect(JSON.stringify([message, detail])).not.toContain(value);
  });

  it("gets the intended column suggested", async () => {
    expect((await refusal("eid,msisnd\n")).message).toContain("did you mean 'msisdn'?");
  });

  it("of a megabyte is read in turns with others", async () => {
    const line = `${eid},card,1,AES,${a},${b},5,lab`;
    const text = `eid,name,kvn,algorithm,kic,kid,cntr,tags\n${`${line}\n`.repeat(Math.floor(1_000_000 / line.length))}`;
    const lags: number[] = [];
    let last = performance.now();
    const timer = setInterval(() => {
      lags.push(performance.now() - last);
      last = performance.now();
    }, 1);
    const { targets } = await csvTargets(text);
    clearInterval(timer);
    expect(targets.length).toBeGreaterThan(7000);
    expect(lags.length).toBeGreaterThan(20);
  });
});
