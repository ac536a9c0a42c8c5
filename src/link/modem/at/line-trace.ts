import { shownText } from "../../../codec/at/line-name.ts";
import { CommandSecrets } from "../../../codec/secrets/secret-data.ts";
import { showBothWays } from "../../secrets/segment-memory.ts";
import { isTracing, traceFrame } from "../../trace.ts";
import type { LineRole } from "./line-router.ts";

/**
 * Publishes the lines of one port with secrets hidden, including those that continue on the next line.
 */
export class LineTrace {
  readonly #link: string;
  readonly #show = showBothWays();
  readonly #secrets = new CommandSecrets();

  constructor(link: string) {
    this.#link = link;
  }

  line(dir: "in" | "out", line: string, role?: LineRole): void {
    if (!isTracing()) return;
    const text = shownText(line, this.#show[dir], this.#secrets);
    traceFrame({ kind: "at", dir, link: this.#link, text, ...(role === undefined ? {} : { facts: { role } }) });
  }
}
