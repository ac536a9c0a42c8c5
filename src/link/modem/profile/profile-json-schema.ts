import { z } from "zod";
import { ProfileFile } from "./profile-schema.ts";

/** The text of `hardware-profiles/schema.json`: what editors and other programs check profiles with. */
export function profileJsonSchema(): string {
  const schema = z.toJSONSchema(ProfileFile, { target: "draft-2020-12", reused: "ref" });
  return `${JSON.stringify({ $id: "urn:otagate:hardware-profile", ...schema }, undefined, 2)}\n`;
}
