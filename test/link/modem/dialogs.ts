import { z } from "zod";
import type { Transcript, TranscriptStep } from "../../../src/link/modem/at/transcript.ts";

const Dialog = z.object({
  id: z.string(),
  vendor: z.string(),
  model: z.string(),
  title: z.string().default(""),
  script: z.array(
    z.looseObject({
      host: z.string().optional(),
      modem: z.string().optional(),
      event: z.string().optional(),
      afterMs: z.number().optional(),
    }),
  ),
  expect: z
    .object({
      lines: z.array(z.tuple([z.string(), z.string()])).optional(),
      commands: z
        .array(
          z.looseObject({
            send: z.string(),
            final: z.string(),
            info: z.array(z.string()).optional(),
            code: z.number().optional(),
            aborted: z.boolean().optional(),
            promptSeen: z.boolean().optional(),
          }),
        )
        .optional(),
    })
    .default({}),
});
export type Dialog = z.infer<typeof Dialog>;

/** Dialogs in the JSON form `at-dialogs/1`. */
export function parseDialogs(text: string): readonly Dialog[] {
  return z.object({ format: z.literal("at-dialogs/1"), dialogs: z.array(Dialog) }).parse(JSON.parse(text)).dialogs;
}

const events = new Map([
  ["host-timeout", "timeout"],
  ["port-gone", "port-gone"],
  ["port-back", "port-back"],
] as const);

/** The same dialog as steps of a transcript; `afterMs` becomes a delay. */
export function dialogTranscript({ vendor, model, title, script }: Dialog): Transcript {
  const steps = script.flatMap(({ host, modem, event, afterMs }): TranscriptStep[] => {
    const delay: TranscriptStep[] = afterMs === undefined || afterMs === 0 ? [] : [{ kind: "delay", ms: afterMs }];
    if (host !== undefined) return [...delay, { kind: "sent", text: host }];
    if (modem !== undefined) return [...delay, { kind: "received", text: modem }];
    const name = [...events].find(([from]) => from === event)?.[1];
    return name === undefined ? delay : [...delay, { kind: "event", name }];
  });
  return { facts: { vendor, model, title }, steps };
}
