import { writeFileSync } from "node:fs";
import { profileJsonSchema } from "../src/link/modem/profile/profile-json-schema.ts";

writeFileSync(new URL("../hardware-profiles/schema.json", import.meta.url), profileJsonSchema());
