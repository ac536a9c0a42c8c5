import { z } from "zod";

/** Who confirms notifications: this gateway, the SM-SR, or no one, so that the card switches back. */
export const notificationModes = ["local", "relay", "withhold"] as const;
export type NotificationMode = (typeof notificationModes)[number];

/** A mode as it is given or stored; earlier versions called `local` `bench`. */
export const notificationMode = z
  .enum([...notificationModes, "bench"])
  .transform((mode): NotificationMode => (mode === "bench" ? "local" : mode))
  .describe("`bench` is the former name of `local`, still accepted");
