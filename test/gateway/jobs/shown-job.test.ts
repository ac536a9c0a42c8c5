import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { octetText } from "../../../src/base/octet-text.ts";
import { parseTar } from "../../../src/codec/euicc/aid.ts";
import { shownJob, shownPackets } from "../../../src/gateway/jobs/shown-job.ts";

const key = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
const usim = "00A4040C10A0000000871002FFFFFFFF8900000000";
const script = (...apdus: string[]) =>
  ({ kind: "script", tar: parseTar("B00010"), apdus: apdus.map(fromHex) }) as const;
const answer = (data: string) => ({
  data: fromHex(`01${data}`),
  commands: [{ data: fromHex(data), sw: "9000" }],
  executed: 2,
});

describe("jobs as they are shown", () => {
  it.each([
    [usim, "00B0880021"],
    ["00A40004026F08", "00B0000021"],
    ["00A40004026F08", "00A4000402FFFF", "00B0000021"],
    [usim, "00B1000902540000"],
    [usim, "0088008100"],
  ])("hide what %s %s answered", (...apdus) => {
    const job = shownJob({ work: script(...apdus), result: answer(key) });
    expect(JSON.stringify(octetText(job))).not.toContain("C0DE");
    expect(octetText(job.result)).toMatchObject({ executed: 2, commands: [{ data: "0".repeat(32), sw: "9000" }] });
    const [packet] = shownPackets([{ userData: [], response: [fromHex(`027100${key}`)] }], script(...apdus));
    expect(packet?.response).toEqual([new Uint8Array(19)]);
  });

  it("show what other files answered", () => {
    const job = { work: script(usim, "00B0870009"), result: answer("083930010000000010") };
    expect(shownJob(job)).toEqual(job);
  });

  it("have a note as long as they are open", () => {
    const job = { work: script(usim), note: "PoR actual response to be sent by SMS-SUBMIT" };
    for (const state of ["queued", "running", "waiting"] as const)
      expect(shownJob({ ...job, state })).toMatchObject({ state, note: job.note });
    for (const state of ["done", "failed", "expired", "cancelled"] as const)
      expect(shownJob({ ...job, state })).not.toHaveProperty("note");
  });

  it("hide what is written by short identifier, and say so", () => {
    const { work } = shownJob({ work: script(usim, `00D688001107${key}`) });
    expect(octetText(work)).toMatchObject({ hidden: true, apdus: [usim, `00D6880011${"0".repeat(34)}`] });
  });
});
