import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatTranscript, parseTranscript } from "../../../src/link/modem/at/transcript.ts";
import type { ModemProfile } from "../../../src/link/modem/profile/profile.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import { playTranscript } from "./transcript-player.ts";

const folder = new URL("../../transcripts/", import.meta.url).pathname;
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".at"));
const profiles = loadProfiles();

function profileOf(facts: Readonly<Record<string, string>>): ModemProfile {
  if (facts.profile !== undefined) return profiles.get(facts.profile);
  return profiles.match({ maker: facts.vendor ?? "", model: facts.model ?? "", revision: "" });
}

describe("recorded dialogs replay byte-exact through the engine", () => {
  for (const name of files.sort()) {
    const transcript = parseTranscript(readFileSync(join(folder, name), "utf8"));
    test(`${name}: ${transcript.facts.title ?? ""}`, async () => {
      const { differences, lines } = await playTranscript(transcript, profileOf(transcript.facts));
      expect(differences).toEqual([]);
      const expected = transcript.steps.flatMap((step) => (step.kind === "expected" ? [[step.role, step.text]] : []));
      if (expected.length > 0) expect(lines).toEqual(expected);
    });
    test(`${name} replays with every profile`, async () => {
      for (const profile of profiles.list()) {
        const { differences } = await playTranscript(transcript, profile);
        expect(differences, profile.name).toEqual([]);
      }
    });
    test(`${name} survives writing and reading`, () => {
      expect(parseTranscript(formatTranscript(transcript))).toEqual(transcript);
    });
  }
});
