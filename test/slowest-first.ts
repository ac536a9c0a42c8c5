import { statSync } from "node:fs";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Folders whose files take longest, longest first: what starts last must not be what takes longest. */
const slow = ["/test/scripts/", "/test/e2e/", "/test/interop/", "/test/gateway/", "/test/face/"];

function rank(path: string): number {
  const at = slow.findIndex((folder) => path.includes(folder));
  return at < 0 ? slow.length : at;
}

/** Test files of slow folders first, large ones before small ones. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const size = new Map(files.map(({ moduleId }) => [moduleId, statSync(moduleId).size]));
    return [...files].sort(
      (a, b) =>
        (a.project.config.sequence.groupOrder ?? 0) - (b.project.config.sequence.groupOrder ?? 0) ||
        rank(a.moduleId) - rank(b.moduleId) ||
        (size.get(b.moduleId) ?? 0) - (size.get(a.moduleId) ?? 0),
    );
  }
}
