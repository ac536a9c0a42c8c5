import { it } from "vitest";
import { SocketPcscClient } from "../../../drivers/pcsc/socket-client.ts";
import { pcscLabProblem } from "../../../simulators/pcsc-lab.ts";
import { pcscContract } from "./contract.ts";

const problem = pcscLabProblem();
if (problem === undefined) pcscContract("the socket client", async (lab) => new SocketPcscClient(lab.socket));
else {
  console.warn(`skipped: the socket client and a real pcscd (${problem})`);
  it.skip(`the socket client and a real pcscd (${problem})`);
}
