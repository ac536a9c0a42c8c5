import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { completeId } from "../../../src/face/cli/identifier.ts";

const ids = ["job_01k9a2b3c4d5e6f7g8h9j0k1m2", "job_01k9a2b3c4d5e6f7g8h9j0k1m3", "job_01kzzzb3c4d5e6f7g8h9j0k1m3"];

/** An API that knows these jobs, and counts how often it is asked. */
class KnownJobs {
  asked = 0;
  readonly v1 = {
    identifiers: {
      find: async ({ query: { beginning } }: { readonly query: { readonly beginning: string } }) => {
        this.asked++;
        return { items: ids.filter((id) => id.startsWith(beginning)) };
      },
    },
  };
}

describe("completeId", () => {
  const complete = (text: string) => completeId(new KnownJobs(), "job", text);

  it("takes a whole identifier as it is, without asking", async () => {
    const api = new KnownJobs();
    expect(await completeId(api, "job", `${ids[0]}`.toUpperCase())).toBe(ids[0]);
    expect(api.asked).toBe(0);
  });

  it("completes a beginning that only one record has, with or without its kind", async () => {
    for (const text of ["job_01kz", "01kz", "JOB_01KZ", " 01kzzz "]) expect(await complete(text)).toBe(ids[2]);
  });

  it("refuses one that several have, naming them, and one that is too short", async () => {
    await expect(complete("01k9a2")).rejects.toThrow(`${ids[0]}, ${ids[1]}`);
    await expect(complete("01k")).rejects.toThrow("at least 4 characters");
    await expect(complete("01k9a2")).rejects.toBeInstanceOf(GatewayError);
  });

  it("leaves what nothing begins with to the daemon's answer", async () => {
    expect(await complete("01xx")).toBe("job_01xx");
    expect(await complete("what is this?")).toBe("what is this?");
  });
});
