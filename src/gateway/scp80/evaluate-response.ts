import { GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { porWords } from "../../codec/ota/por-status.ts";
import type { Job } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { scriptFormat } from "../scripts/script-body.ts";
import { answeredScript, askedByWork } from "../scripts/script-verdict.ts";
import { evaluatePor, type Verdict } from "../scripts/verdict.ts";
import type { Flight } from "./answers.ts";
import { traceResponse } from "./packet-trace.ts";
import { missingOf } from "./partial-response.ts";
import { type ReadAnswer, readAnswer, spiOf } from "./secured-packet.ts";
import { matchUpstream } from "./upstream-answer.ts";

/** The origin of a response. */
export interface AnswerSource {
  /** The card in a reader returned it in the answer to the command that carried the packet. */
  readonly byCard: boolean;
}

/**
 * What the stored response of a packet means for its job. A response to a packet secured upstream is relayed unchanged;
 * its owner decides whether it means success.
 */
export async function evaluateResponse(
  r: Repositories,
  job: Job,
  packet: PacketRecord,
  { byCard }: AnswerSource = { byCard: false },
): Promise<Verdict> {
  const userData = packet.response ?? [];
  const missing = missingOf(userData);
  if (missing !== undefined) return { at: "unproven", note: missing };
  const sets = await r.keySets.open(packet.target, "SCP80");
  if (packet.keySet === undefined) {
    const follows = matchUpstream(sets, packet, userData)?.follows ?? (byCard && bySubmit(packet));
    if (follows) return { at: "wait", note: "the card's response announces another one" };
    return { at: "done", result: { data: concatBytes(...userData), commands: [] } };
  }
  const set = sets.find((one) => one.id === packet.keySet);
  if (set === undefined) throw new GatewayError("target.no-key", "the key set of the packet was removed");
  let answer: ReadAnswer;
  try {
    answer = readAnswer(set, packet, userData);
  } catch (error) {
    if (error instanceof GatewayError) return { at: "unproven", note: error.message };
    throw error;
  }
  return verdictOf(job, packet, await r.targets.get(packet.target), answer, { byCard });
}

/** What the decoded response of a packet means for its job. */
export function verdictOf(
  job: Job,
  packet: PacketRecord,
  target: Target | undefined,
  answer: ReadAnswer,
  { byCard }: AnswerSource = { byCard: false },
): Verdict {
  traceResponse(job, packet, answer);
  // Its origin was checked when it arrived: a response that was stored but not accepted as the answer belongs to no
  // command.
  const known = answer.authenticated || answer.ciphered || packet.state === "answered";
  if (answer.asAsked && !known) return { at: "unproven", note: fromStranger(answer.statusName) };
  const facts = { ...answer, transmissions: packet.transmissions, byCard };
  const compact = target !== undefined && job.work.kind === "script" && scriptFormat(job.work, target) === "compact";
  try {
    return evaluatePor(facts, (data) => answeredScript(askedByWork(job.work, compact), data));
  } catch (error) {
    if (error instanceof GatewayError) return { at: "unproven", note: error.message };
    throw error;
  }
}

/** What the answer in a delivery report to a packet in flight means for its job. */
export function verdictInFlight({ job, target, keySet }: Flight, packet: PacketRecord): Verdict {
  const userData = packet.response ?? [];
  const missing = missingOf(userData);
  if (missing !== undefined) return { at: "unproven", note: missing };
  try {
    return verdictOf(job, packet, target, readAnswer(keySet, packet, userData), { byCard: true });
  } catch (error) {
    if (error instanceof GatewayError) return { at: "unproven", note: error.message };
    throw error;
  }
}

/**
 * The verdict on a response in clear, to a command that required no more, when its sender is not proven to be the card.
 */
export function fromStranger(statusName: string): string {
  return `${porWords(statusName)} in clear, from a sender that is not known to be the card`;
}

/**
 * In the answer to the ENVELOPE, a response is not the last one if the owner requested it by SMS-SUBMIT. TS 102 225
 * §5.1.1
 */
function bySubmit(packet: PacketRecord): boolean {
  const response = spiOf(packet)?.response;
  return response !== undefined && response.por !== "never" && response.porBySubmit;
}
