import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const writer = "src/gateway/jobs/feed-job.ts";

/** Every way the job repository has to change a record that is there, also under another name. */
const change = /\bjobs\s*\.\s*(patch|defer|resume|letGo)\b|\bjobs\s*:\s*\w+\s*[,}][^;]*=\s*r\b|=\s*r\.jobs\b/;

it("one file alone changes job records", () => {
  const sources = ["src", "drivers", "simulators"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file)),
  );
  const writers = sources.filter((file) => change.test(readFileSync(join(root, file), "utf8")));
  expect(writers).toEqual([writer]);
});
