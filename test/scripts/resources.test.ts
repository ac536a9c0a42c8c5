import { describe, expect, it } from "vitest";
import { apiResources, derivedLists, listOnDisk } from "../../scripts/resources.ts";
import { routes } from "../../src/face/api/contract.ts";
import { allRoutes } from "../../src/face/http/routes/all.ts";

describe("the lists of the API", async () => {
  it.each((await derivedLists()).map((list) => [list.path, list] as const))(
    "%s is up to date; `npm run generate` writes it again",
    (_, list) => {
      expect(listOnDisk(list)).toBe(list.text);
    },
  );

  it("contain the operations that the files declare", async () => {
    const declared = (await apiResources()).map(({ resource, operations }) => [
      resource,
      Object.fromEntries(Object.entries(operations).map(([name, { route }]) => [name, route])),
    ]);
    expect(routes).toEqual(Object.fromEntries(declared));
    expect(routes.keySets.put).toBe("PUT /v1/targets/:ref/keys");
  });

  it("contain every handler once", () => {
    expect(new Set(allRoutes).size).toBe(allRoutes.length);
    expect(allRoutes.length).toBeGreaterThan(15);
  });
});
