import { describe, expect, test } from "vitest";
import { namedLink } from "../../../src/face/cli/named-link.ts";
import { type Link, Links } from "../../../src/gateway/links/links.ts";

const link = (id: string): Link => ({ id, kind: "modem", describe: () => ({}), state: { up: true } });

describe("a link by name", () => {
  const links = new Links();
  for (const id of ["modem:rack1", "modem:rack2", "smsc:operator"]) links.add(link(id));

  test("is found by all or a unique part of it; one that does not exist is refused with the nearest", () => {
    expect(links.get("operator").id).toBe("smsc:operator");
    expect(() => links.get("rack")).toThrow(/matches more than one/);
    expect(() => links.get("rakc2")).toThrow(
      expect.objectContaining({ code: "link.unknown", message: "'rakc2' is not a link; did you mean 'rack2'?" }),
    );
  });

  test("that an order waits for in vain is warned of", () => {
    expect(links.warningsOf("none-such")).toEqual(["link 'none-such' does not exist"]);
    expect(links.warningsOf("modem:rack1")).toEqual([]);
    expect(links.warningsOf(undefined)).toEqual([]);
  });

  test("is asked for by --link before anything is ordered", async () => {
    const asked: string[] = [];
    const api = {
      v1: {
        links: {
          get: async ({ params: { id } }: { readonly params: { readonly id: string } }) => {
            asked.push(id);
            return { id: links.get(id).id };
          },
        },
      },
    };
    expect(await namedLink(api, "rack1")).toEqual({ link: "modem:rack1" });
    expect(await namedLink(api, undefined)).toEqual({});
    await expect(namedLink(api, "rack9x")).rejects.toMatchObject({ code: "link.unknown" });
    expect(asked).toEqual(["rack1", "rack9x"]);
  });
});
