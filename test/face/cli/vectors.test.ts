import { describe, expect, it } from "vitest";
import { at, publishedVectors, scp80Vectors, textsAt, type Vector } from "../../scp80-vectors.ts";
import { runLines } from "./run-commands.ts";

interface Line {
  readonly id: string;
  readonly line: unknown;
  readonly expected: unknown;
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

function lineOf(vector: Vector, expected: unknown = vector.expect): Line {
  return { id: vector.id, line: { id: vector.id, ...record(vector.in) }, expected };
}

/** Everything of `expect` but how the message looks around the packet, which has a command of its own. */
function withoutSms(vector: Vector): unknown {
  const { sms: _, envelope: __, por: ___, por_tp_ud: ____, submitted: _____, ...rest } = record(vector.expect);
  return rest;
}

function check(args: readonly string[], lines: readonly Line[]): void {
  it(`answers all ${lines.length} lines as the vectors say`, async () => {
    expect(lines.length).toBeGreaterThan(0);
    const answers = await runLines(
      args,
      lines.map((one) => one.line),
    );
    expect(answers.map((answer) => answer.id)).toEqual(lines.map((one) => one.id));
    for (const [index, one] of lines.entries()) expect(answers[index]).toMatchObject(record(one.expected));
  });
}

describe("scp80 wrap", () => {
  const groups = ["command", "sgp02", "concat", "endtoend"].flatMap((group) => scp80Vectors(group));
  check(
    ["scp80", "wrap"],
    [...groups, ...publishedVectors("command")].map((vector) => lineOf(vector, withoutSms(vector))),
  );
});

describe("scp80 unwrap", () => {
  const positive = [
    ...scp80Vectors("response"),
    ...scp80Vectors("response_concat"),
    ...publishedVectors("response"),
    ...scp80Vectors("negative_response").filter((vector) => at(vector, "expect.error_any_of") === null),
  ];
  describe("of responses", () =>
    check(
      ["scp80", "unwrap"],
      positive.map((vector) => {
        const { error_any_of: _, ...expected } = record(vector.expect);
        return lineOf(vector, expected);
      }),
    ));

  it("refuses what must not pass, with an acceptable class and the status to surface", async () => {
    const negative = [...scp80Vectors("negative_response"), ...publishedVectors("negative_response")].filter(
      (vector) => at(vector, "expect.error_any_of") !== null,
    );
    const answers = await runLines(
      ["scp80", "unwrap"],
      negative.map((vector) => lineOf(vector).line),
    );
    for (const [index, vector] of negative.entries()) {
      const answer = answers[index];
      expect(textsAt(vector, "expect.error_any_of"), vector.id).toContain(at(answer, "error.class"));
      expect(at(answer, "status"), vector.id).toBe(at(vector, "expect.status"));
    }
  });

  it("judges commands as a receiver does", async () => {
    const negative = scp80Vectors("negative_command");
    const answers = await runLines(
      ["scp80", "unwrap"],
      negative.map((vector) => lineOf(vector).line),
    );
    for (const [index, vector] of negative.entries()) {
      expect(answers[index]).toMatchObject({ error: { code: expect.any(String) }, ...record(vector.expect) });
    }
  });

  describe("of a card emulation's answers", () => {
    const exchanges = scp80Vectors("endtoend").flatMap((vector) => {
      const own = { ...record(vector.in), id: vector.id };
      const submitted = at(vector, "expect.submitted");
      const first = {
        id: vector.id,
        line: { ...own, tp_ud: at(vector, "expect.por_tp_ud") },
        expected: at(vector, "expect.por"),
      };
      if (submitted === undefined) return [first];
      const { por, packet } = record(submitted);
      const expected = { ...record(por), packet };
      return [first, { id: vector.id, line: { ...own, tp_ud: at(submitted, "tp_ud") }, expected }];
    });
    check(["scp80", "unwrap"], exchanges);
  });

  describe("of commands", () => {
    const commands = [...scp80Vectors("command"), ...scp80Vectors("sgp02"), ...scp80Vectors("concat")];
    check(
      ["scp80", "unwrap"],
      commands.map((vector) => {
        const { kic_key, kid_key, cc_len, payload, cntr, tar, spi } = record(vector.in);
        const tp_ud = [...textsAt(vector, "expect.tp_ud")].reverse();
        const { rc_cc, cpl, chl, pcntr } = record(vector.expect);
        return {
          id: vector.id,
          line: { id: vector.id, kic_key, kid_key, cc_len, tp_ud },
          expected: { data: payload, cntr, tar, spi, rc_cc, cpl, chl, pcntr },
        };
      }),
    );
  });
});

describe("script encode", () =>
  check(
    ["script", "encode"],
    scp80Vectors("script").map((vector) => lineOf(vector)),
  ));

describe("script decode", () => {
  check(
    ["script", "decode"],
    scp80Vectors("script_response").map((vector) => lineOf(vector)),
  );

  it("reads every script that was encoded", async () => {
    const vectors = scp80Vectors("script");
    const answers = await runLines(
      ["script", "decode"],
      vectors.map((vector) => ({ id: vector.id, data: at(vector, "expect.expanded_indefinite") })),
    );
    for (const [index, vector] of vectors.entries()) {
      expect(answers[index]).toMatchObject({ format: "expanded-indefinite", kind: "command" });
      const apdus = at(vector, "in.apdus");
      if (apdus !== undefined) expect(answers[index]?.apdus).toEqual(apdus);
    }
  });
});

describe("tpdu", () => {
  const vectors = scp80Vectors("tpdu");

  describe("decode without any hint", () => {
    it(`gives exactly the fields of all ${vectors.length} vectors`, async () => {
      const answers = await runLines(
        ["tpdu", "decode"],
        vectors.map(({ id, tpdu }) => ({ id, tpdu })),
      );
      expect(answers.map((answer) => answer.fields)).toEqual(vectors.map((vector) => vector.fields));
    });
  });

  describe("decode with the place of a report", () =>
    check(
      ["tpdu", "decode"],
      vectors.map((vector) => ({
        id: vector.id,
        line: { id: vector.id, tpdu: vector.tpdu, rp: at(vector, "fields.rp") },
        expected: { fields: vector.fields },
      })),
    ));

  describe("encode", () =>
    check(
      ["tpdu", "encode"],
      vectors.map(({ id, tpdu, fields }) => ({ id, line: { id, fields }, expected: { tpdu } })),
    ));

  it("takes the messages around every packet apart and builds them again", async () => {
    const messages = ["command", "sgp02", "concat"].flatMap((group) =>
      scp80Vectors(group).flatMap((vector) => [
        ...textsAt(vector, "expect.sms.sms_deliver"),
        ...textsAt(vector, "expect.sms.sms_submit"),
      ]),
    );
    const taken = await runLines(
      ["tpdu", "decode"],
      messages.map((tpdu) => ({ tpdu })),
    );
    const built = await runLines(
      ["tpdu", "encode"],
      taken.map(({ fields }) => ({ fields })),
    );
    expect(built.map((answer) => answer.tpdu)).toEqual(messages);
  });
});

describe("envelope", () => {
  check(
    ["envelope"],
    scp80Vectors("envelope").map((vector) => lineOf(vector)),
  );

  describe("around every packet", () =>
    check(
      ["envelope"],
      [...scp80Vectors("command"), ...scp80Vectors("sgp02"), ...scp80Vectors("concat")].flatMap((vector) =>
        textsAt(vector, "expect.sms.sms_deliver").map((tpdu, index) => {
          const { sc, sc_toa } = record(at(vector, "expect.sms.params"));
          return {
            id: vector.id,
            line: { id: vector.id, tpdu, sc, sc_toa },
            expected: { apdu: textsAt(vector, "expect.sms.envelope")[index] },
          };
        }),
      ),
    ));
});
