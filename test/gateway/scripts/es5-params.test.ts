import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { parseIccid } from "../../../src/codec/euicc/iccid.ts";
import type { Target } from "../../../src/gateway/model/target.ts";
import { es5FromParams, es5Params } from "../../../src/gateway/scripts/es5-params.ts";

const aid = parseAid("A0000005591010FFFFFFFF8900001300");
const target: Target = {
  id: "tgt_t",
  kind: "euicc",
  tags: [],
  esimProfiles: [{ aid, iccid: parseIccid("8901000000000000012"), state: "disabled", fallback: false }],
  reach: {},
  settings: {},
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};
const Document = z.object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) });
const Es5Work = z.object({ discriminator: z.object({ mapping: z.record(z.string(), z.string()) }) });
const Call = z.object({ properties: z.object({ function: z.unknown(), params: z.unknown() }) });
const ofProfile = [
  "enableProfile",
  "disableProfile",
  "deleteProfile",
  "setFallbackAttribute",
  "setEmergencyProfileAttribute",
];

describe("a profile in the parameters of an ES5 function", () => {
  it.each(ofProfile)("of %s goes by aid, isdP and iccid", (name) => {
    for (const params of [
      { aid },
      { isdP: aid },
      { isdP: aid.toLowerCase() },
      { aid, isdP: aid },
      { iccid: "8901000000000000012F" },
    ])
      expect(es5FromParams(name, params, target)).toEqual({ name, isdP: aid });
  });

  it.each(["createISDP", "auditStatus"])("of %s goes by aid and isdP", (name) => {
    expect(es5FromParams(name, { isdP: aid }, target)).toMatchObject({ isdP: aid });
    expect(es5FromParams(name, { aid }, target)).toMatchObject({ isdP: aid });
  });

  it("is refused when two names say two profiles", () => {
    const params = { aid, isdP: aid.replace("13", "14") };
    expect(() => es5FromParams("enableProfile", params, target)).toThrow(
      /params\.isdP: selects a different profile than aid/,
    );
  });
});

describe("the description of the API", () => {
  const text = readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8");
  const { schemas } = Document.parse(JSON.parse(text)).components;
  const { mapping } = Es5Work.parse(schemas.Es5Work).discriminator;

  it("says of every function which parameters it takes", () => {
    expect(Object.keys(mapping).sort()).toEqual(Object.keys(es5Params).sort());
    for (const [name, shape] of Object.entries(es5Params)) {
      const { properties } = Call.parse(schemas[mapping[name]?.split("/").at(-1) ?? ""]);
      const { $schema: _, ...params } = z.toJSONSchema(shape, { io: "input" });
      expect(properties, name).toMatchObject({ function: { const: name }, params });
    }
  });

  it.each(Object.keys(es5Params))("names for %s what is taken, and nothing else", (name) => {
    const shape = Object.entries(es5Params).find(([one]) => one === name)?.[1].shape ?? {};
    for (const key of Object.keys(shape))
      expect(messageOf(() => es5FromParams(name, { [key]: undefined }, target))).not.toMatch(/[Uu]nrecognized/);
    expect(messageOf(() => es5FromParams(name, { nonsense: 1 }, target))).toMatch(/^params\./);
  });
});

function messageOf(call: () => unknown): string {
  try {
    call();
    return "";
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}
