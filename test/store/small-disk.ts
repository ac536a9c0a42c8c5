import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there can be no disk of its own here; undefined when there can. */
export function noDiskReason(): string | undefined {
  if (process.getuid?.() !== 0) return "only root may mount a disk";
  const folder = mkdtempSync(join(tmpdir(), "otagate-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { encoding: "utf8" });
  if (mounted.status === 0) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return mounted.status === 0 ? undefined : `mount does not work: ${mounted.stderr ?? mounted.error?.message}`;
}

/** A disk of a few megabytes that can be filled to its last octet. */
export class SmallDisk implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "otagate-disk-"));
  readonly #filler = join(this.folder, "filler");

  constructor(kilobytes: number) {
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", this.folder]);
    if (mounted.status !== 0) throw new Error(String(mounted.stderr));
  }

  /** Leaves nothing free. */
  fill(): void {
    const file = openSync(this.#filler, "a");
    try {
      for (const octets of [65_536, 4096, 1]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(octets));
        } catch {
          // Not even that much fits.
        }
      }
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  [Symbol.dispose](): void {
    spawnSync("umount", ["-l", this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}
