import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { retentionOf } from "../../src/app/config/retention.ts";
import { durationText, parseDuration } from "../../src/base/duration.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";

const dayMs = 86_400_000;

function refusal(retention: unknown): unknown {
  try {
    parseConfig({ retention }, "c.yaml");
  } catch (error) {
    if (isGatewayError(error)) return [error.code, error.message];
    throw error;
  }
  return undefined;
}

describe("the retention part of the configuration", () => {
  it("keeps everything unless told otherwise", () => {
    expect(retentionOf(parseConfig({}).retention)).toEqual({});
  });

  it("takes periods in days, hours, minutes and seconds", () => {
    const { retention } = parseConfig({ retention: { jobs: "90d", events: "12h", audit: "3600s" } });
    expect(retentionOf(retention)).toEqual({ jobsMs: 90 * dayMs, eventsMs: dayMs / 2, auditMs: 3_600_000 });
  });

  it.each([
    [{ jobs: "90" }, "c.yaml: retention.jobs: '90' must be a time such as 90d or 12h"],
    [{ jobs: "1.5d" }, "c.yaml: retention.jobs: '1.5d' must be a time such as 90d or 12h"],
    [{ events: "-1d" }, "c.yaml: retention.events: '-1d' must be a time such as 90d or 12h"],
    [{ audit: 90 }, "c.yaml: retention.audit: must be a time such as 90d or 12h"],
    [{ jobs: "59m" }, "c.yaml: retention.jobs: must be at least one hour (1h)"],
    [{ events: "0d" }, "c.yaml: retention.events: must be at least one hour (1h)"],
    [{ job: "90d" }, "c.yaml: unknown key 'retention.job'; did you mean 'jobs'?"],
  ])("refuses %j", (given, message) => {
    expect(refusal(given)).toEqual(["config.invalid", message]);
  });

  it("writes periods as it reads them", () => {
    for (const text of ["90d", "36h", "90m", "61s"]) expect(durationText(parseDuration(text) ?? 0)).toBe(text);
  });
});
