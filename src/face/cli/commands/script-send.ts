import type { Command } from "commander";
import { withoutUndefined } from "../../../base/defined.ts";
import type { CliContext } from "../context.ts";
import { namedLink } from "../named-link.ts";
import { runJob } from "../watch-job.ts";
import { orderOf, type SendingOptions, sendingOptions } from "./es5.ts";

/** `script send`: raw C-APDUs to a security domain or file system of a target. */
export function registerScriptSend(script: Command, context: CliContext): void {
  sendingOptions(script.command("send"))
    .argument("<apdu...>", "C-APDUs in hexadecimal, in order")
    .option("--tar <tar>", "toolkit application reference", "000001")
    .option("--format <format>", "expanded-definite, expanded-indefinite or compact")
    .option("--body", "the argument is a complete script body, sent unchanged")
    .description("send C-APDUs to a target and show the answer")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate script send -t 8900… 80F24002024F0000\n  otagate script send -t my-uicc --tar B00010 --format compact 00A40004023F00 00A40004022FE2 00B000000A\n",
    )
    .action(async (apdus: string[], options: SendingOptions & { tar: string; format?: string; body?: boolean }) => {
      const work =
        options.body === true
          ? { kind: "body", tar: options.tar, body: apdus.join("") }
          : {
              kind: "script",
              tar: options.tar,
              apdus,
              ...withoutUndefined({ format: options.format }),
            };
      await using connection = await context.connect();
      const chosen = { ...options, ...(await namedLink(connection.api, options.link)) };
      await runJob(context, connection, orderOf(chosen, work), options);
    });
}
