import { expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { isInstalled, peStatusName, readEuiccResponse } from "../../../src/codec/euicc/euicc-response.ts";
import { es8Vectors } from "./vectors.ts";

it.each(es8Vectors("euicc-response").map((vector) => [vector.id, vector]))("%s", (_, vector) => {
  const read = readEuiccResponse(fromHex(vector.octets ?? ""));
  const statuses = read?.statuses.map((one) => {
    const isWord = one.status >= 0x6000 && one.status <= 0x9fff;
    const word = `SW ${one.status.toString(16).toUpperCase()}`;
    return { ...one, name: isWord ? word : peStatusName(one.status).replaceAll(" ", "-") };
  });
  expect({ statuses, aborted: read?.aborted, message: read?.message ?? null }).toEqual(vector.expect);
  expect(read === undefined ? undefined : isInstalled(read)).toBe(
    vector.expect.aborted === false && statuses?.some(({ status }) => status === 0),
  );
});
