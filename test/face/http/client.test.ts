import { expect, it } from "vitest";
import { ApiClient } from "../../../src/face/cli/client.ts";
import { ApiBench } from "./api-bench.ts";

it("the command line's client reaches a daemon over TCP with a token, and over TLS as far as it trusts it", async () => {
  await using bench = await ApiBench.open();
  const token = await bench.token("cli", ["read"]);
  expect(await new ApiClient({ url: bench.url, token }).get("/v1")).toMatchObject({ name: "otagate" });
  await expect(new ApiClient({ url: bench.url }).get("/v1")).rejects.toMatchObject({ code: "api.unauthorized" });
  await expect(new ApiClient({ url: bench.url.replace("http:", "https:"), token }).get("/v1")).rejects.toMatchObject({
    code: "api.unreachable",
  });
});
