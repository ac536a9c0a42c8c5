// Runs a command from the sources, without a build: `npx tsx scripts/run.ts target list`.
import { main } from "../src/app/main.ts";

await main(process.argv);
