import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Transcript, TranscriptStep } from "../../../src/link/modem/at/transcript.ts";
import { loadProfiles } from "../../../src/link/modem/profile/profile-files.ts";
import { dialogTranscript, parseDialogs } from "./dialogs.ts";
import { playTranscript } from "./transcript-player.ts";

const test_ = new URL("../../", import.meta.url).pathname;
const extra = readdirSync(join(test_, "transcripts"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".json"))
  .map((name) => join(test_, "transcripts", name));
const profiles = loadProfiles();

/** Every read cut into single octets; delays and writes stay. */
function octetByOctet({ facts, steps }: Transcript): Transcript {
  return {
    facts,
    steps: steps.flatMap((step): TranscriptStep[] => {
      return step.kind === "received" ? [...step.text].map((text) => ({ kind: "received", text })) : [step];
    }),
  };
}

describe.each([join(test_, "vectors/at-transcripts.json"), ...extra])("dialogs of %s", (file) => {
  for (const dialog of parseDialogs(readFileSync(file, "utf8"))) {
    const transcript = dialogTranscript(dialog);
    const profile = profiles.match({ maker: dialog.vendor, model: dialog.model, revision: "" });
    const name = `${dialog.id} ${dialog.vendor} ${dialog.model}: ${dialog.title}`;

    test(`${name}: lines`, async () => {
      const { lines, differences } = await playTranscript(transcript, profile);
      expect(differences).toEqual([]);
      const expected = dialog.expect.lines?.filter(([role]) => role !== "event");
      if (expected !== undefined) expect(lines).toEqual(expected);
    });

    test(`${name}: commands`, async () => {
      const { commands } = await playTranscript(transcript, profile);
      for (const [index, wanted] of (dialog.expect.commands ?? []).entries()) {
        const got = commands[index];
        expect(got?.line).toBe(wanted.send);
        expect(got?.final).toBe(wanted.final);
        if (wanted.info !== undefined) expect(got?.info).toEqual(wanted.info);
        if (wanted.code !== undefined) expect(got?.code).toBe(wanted.code);
        if (wanted.aborted !== undefined) expect(got?.cancelled).toBe(wanted.aborted);
        if (wanted.promptSeen !== undefined) expect(got?.promptSeen).toBe(wanted.promptSeen);
      }
      expect(commands).toHaveLength(dialog.expect.commands?.length ?? commands.length);
    });

    test(`${name}: the same commands when every octet comes alone`, async () => {
      const whole = await playTranscript(transcript, profile);
      const split = await playTranscript(octetByOctet(transcript), profile);
      expect(split.commands).toEqual(whole.commands);
      expect(split.differences).toEqual([]);
    });
  }
});
