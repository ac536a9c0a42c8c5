import { describe, expect, it } from "vitest";
import { parseCampaignOrder } from "../../../src/gateway/campaign/order.ts";
import { JobOrder } from "../../../src/gateway/jobs/job-order.ts";
import { describedTarget } from "../../../src/gateway/targets/target-import.ts";
import { readRequest } from "../../../src/store/octet-rows.ts";

const eid = "89001012012341234012345678901224";
const work = { kind: "es5", function: "auditEid" };

const orders: readonly (readonly [string, (spi: string) => Uint8Array | undefined])[] = [
  ["request.spi", (spi) => JobOrder.parse({ target: eid, work, request: { spi } }).request?.spi],
  [
    "request.spi",
    (spi) => parseCampaignOrder({ name: "x", targets: { kind: "all" }, action: work, request: { spi } }).request.spi,
  ],
  ["settings.spi", (spi) => describedTarget({ eid, settings: { spi } }).settings?.spi],
];

describe("the SPI of a job, a campaign and a target", () => {
  it("is octets, in whatever case it was written", () => {
    for (const [, spiOf] of orders) expect(spiOf("021a")).toEqual(Uint8Array.of(0x02, 0x1a));
  });

  it.each(["FFFF", "1623", "8021", "16C1", "16", "16zz"])("%s is refused with the name of its field", (spi) => {
    for (const [field, spiOf] of orders) {
      const [name = "", inner = ""] = field.split(".");
      expect(() => spiOf(spi)).toThrow(new RegExp(`${name}[^a-z]+${inner}`));
    }
  });
});

it("a stored request has its SPI as text", () => {
  expect(readRequest({ bearer: "auto", maxPackets: 4, spi: "1621" })).toEqual({
    bearer: "auto",
    maxPackets: 4,
    spi: Uint8Array.of(0x16, 0x21),
  });
  expect(readRequest({ bearer: "auto", maxPackets: 4 })).not.toHaveProperty("spi");
});
