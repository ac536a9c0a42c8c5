import { it } from "vitest";
import { PcscliteClient } from "../../../drivers/pcsc/pcsclite-fallback.ts";
import { pcscLabProblem } from "../../../simulators/pcsc-lab.ts";
import { pcscContract } from "./contract.ts";

/** The package, or a build of it elsewhere. */
const specifier = process.env.OTAGATE_TEST_PCSCLITE ?? "pcsclite";

async function findProblem(): Promise<string | undefined> {
  try {
    await PcscliteClient.load(specifier);
  } catch {
    return "the optional package pcsclite is not built";
  }
  return pcscLabProblem();
}

const problem = await findProblem();
if (problem === undefined) {
  pcscContract("the pcsclite package", async (lab) => {
    // libpcsclite reads this once, when it is first used.
    process.env.PCSCLITE_CSOCK_NAME = lab.socket;
    return PcscliteClient.load(specifier);
  });
} else {
  console.warn(`skipped: the pcsclite package and a real pcscd (${problem})`);
  it.skip(`the pcsclite package and a real pcscd (${problem})`);
}
