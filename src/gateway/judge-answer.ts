import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import { fromHex, toHex } from "../base/hex.ts";
import type { Job } from "./job.ts";
import type { PacketRecord } from "./packet.ts";
import { traceResponse } from "./packet-trace.ts";
import { answeredScript, askedByWork } from "./script-verdict.ts";
import { readAnswer } from "./secured-packet.ts";
import type { Repositories } from "./store.ts";
import { judge, type Verdict } from "./verdict.ts";

/**
 * What the stored response of a packet means for its job. A response to a packet secured upstream is handed on as it
 * is; whether it means success is for its owner to say.
 */
export async function judgeAnswer(r: Repositories, job: Job, packet: PacketRecord): Promise<Verdict> {
  const response = packet.response ?? [];
  if (packet.keySet === undefined) return { at: "done", result: { data: response.join(""), commands: [] } };
  const set = (await r.keySets.open(packet.target, "SCP80")).find((one) => one.id === packet.keySet);
  if (set === undefined) throw new GatewayError("target.no-key", "the key set of the packet is gone");
  try {
    const answer = readAnswer(set, packet, response.map(fromHex));
    traceResponse(job, packet, answer);
    const facts = { ...answer, transmissions: packet.transmissions };
    return judge(facts, (data) => answeredScript(askedByWork(job.work), data));
  } catch (thrown) {
    const error = asGatewayError(thrown);
    const detail = {
      ...error.detail,
      response: response.map((octets) => toHex(fromHex(octets))),
      executed: "unknown" as const,
    };
    return { at: "failed", error: { code: error.code, message: error.message, detail } };
  }
}
