import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { parseDuration } from "../../base/duration.ts";
import { minRetentionMs, type Retention } from "../../gateway/model/retention.ts";

/** A period such as `90d`, in milliseconds. */
const period = z.string("must be a time such as 90d or 12h").transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= minRetentionMs) return ms;
  const message = ms === undefined ? `'${text}' must be a time such as 90d or 12h` : "must be at least one hour (1h)";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** The `retention` part of the configuration: how long finished records are kept; indefinitely if absent. */
export const RetentionConfig = z.strictObject({
  /** Ended jobs and all that belongs to them, notifications, profile switches, the inbox. */
  jobs: period.optional(),
  events: period.optional(),
  audit: period.optional(),
});
export type RetentionConfig = z.infer<typeof RetentionConfig>;

/** The periods in the form that the gateway uses. */
export function retentionOf({ jobs, events, audit }: RetentionConfig): Retention {
  return withoutUndefined({ jobsMs: jobs, eventsMs: events, auditMs: audit });
}
