import type { Narrator } from "./narrator.ts";
import type { Stage } from "./stage.ts";

/** One part of the demo; a failure that it expects goes to the reporter, others are thrown. */
export type Act = (stage: Stage, narrator: Narrator) => Promise<void>;
