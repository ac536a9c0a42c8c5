import { z } from "zod";

/** Who confirms notifications: this gateway, the SM-SR, or no one, so that the card switches back. */
export const notificationModes = ["local", "relay", "withhold"] as const;
export type NotificationMode = (typeof notificationModes)[number];

/** Only the current names are recommended. */
function wrongMode(input: unknown): string {
  return input === undefined ? "is required" : `must be one of ${notificationModes.join(", ")}`;
}

/** A mode as it is given or stored; earlier versions called `local` `bench`. */
export const notificationMode = z
  .enum([...notificationModes, "bench"], { error: ({ input }) => wrongMode(input) })
  .transform((mode): NotificationMode => (mode === "bench" ? "local" : mode))
  .describe("`bench` is the former name of `local`, still accepted");
