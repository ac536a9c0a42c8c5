import { expect, it } from "vitest";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { DownloadOrderShape, storedOrder } from "../../../src/gateway/downloads/order.ts";
import { packageFacts, preflight, unacceptedObstacles } from "../../../src/gateway/downloads/preflight.ts";
import { es8Vector } from "../../es8-vectors.ts";
import { target } from "../records.ts";

const { package: octets } = es8Vector("download", "download-large");
const aid = parseAid("A0000005591010FFFFFFFF8900001300");
const order = storedOrder(DownloadOrderShape.parse({ target: "tgt_1", package: Buffer.from(octets).toString("hex") }));
const { iccid } = packageFacts(octets, 1000);
const input = { target: target(), keySets: [], octets, isdP: aid, order, chain: [] };
const codes = (more: object) => preflight({ ...input, ...more }).map(({ code }) => code);
const profile = { state: "disabled", fallback: false } as const;

it.each([
  ["no SCP81 keys", {}, ["scp81-keys"]],
  ["another download", { underWay: "dld_1" }, ["under-way", "scp81-keys"]],
  [
    "a card without HTTPS",
    { target: target({ eis: { capabilities: { HttpSupport: false } } }) },
    ["scp81-keys", "https"],
  ],
  ["its AID in use", { target: target({ esimProfiles: [{ ...profile, aid }] }) }, ["scp81-keys", "aid-in-use"]],
  [
    "its ICCID in use",
    {
      target: target({
        esimProfiles: [{ ...profile, aid: parseAid("A0000005591010FFFFFFFF8900001400"), ...(iccid && { iccid }) }],
      }),
    },
    ["scp81-keys", "iccid-in-use"],
  ],
] as const)("the preflight finds %s", (_, more, expected) => {
  expect(codes(more)).toEqual(expected);
});

it("an obstacle is accepted by its code only if it can be", () => {
  const found = preflight({ ...input, target: target({ esimProfiles: [{ ...profile, aid }] }) });
  expect(unacceptedObstacles(found, ["aid-in-use", "scp81-keys"]).map(({ code }) => code)).toEqual(["scp81-keys"]);
});
