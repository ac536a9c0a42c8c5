import type { DemoBench } from "./demo-bench.ts";
import type { DemoReporter } from "./demo-reporter.ts";

/** One part of the demo; a failure that it expects goes to the reporter, others are thrown. */
export type DemoStep = (bench: DemoBench, reporter: DemoReporter) => Promise<void>;
