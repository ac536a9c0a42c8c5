import type { ErrorCode } from "../../base/error-catalogue.ts";
import { porFollows, porStatus, porWords } from "../../codec/ota/por-status.ts";
import type { Executed, JobFailure } from "../model/failure.ts";
import type { JobResult } from "../model/job.ts";
import type { AnsweredScript } from "./script-verdict.ts";

/** What a response packet means for the job that sent the command packet. */
export type Verdict =
  /** The command has ended. */
  | { readonly at: "done"; readonly result: JobResult }
  | { readonly at: "failed"; readonly error: JobFailure; readonly result?: JobResult }
  /** The final answer follows (status 08, 0B, 0C). */
  | { readonly at: "wait"; readonly note: string }
  /** Its sender is not authenticated: it is recorded, and the job continues to wait. */
  | { readonly at: "unproven"; readonly note: string }
  /** The packet was not run: a new one with a higher counter may be sent. */
  | { readonly at: "again"; readonly note: string };

/** The note of a job that received something without proof. */
export function unprovenNote(why: string): string {
  return `an unproven response was recorded: ${why}`;
}

/** Facts about the exchange besides the response itself. */
interface VerdictFacts {
  /** How often these octets were sent; more than once makes "counter low" mean "processed or overtaken". */
  readonly transmissions: number;
  readonly status: number;
  readonly statusName: string;
  /** Its CC or DS verifies with the keys of the card. */
  readonly authenticated: boolean;
  /**
   * It is secured as the SPI requested and arrived over a path that only the card can use; then it counts even without
   * a CC.
   */
  readonly asAsked?: boolean;
  /** The card itself returned it, in the answer to the command that carried the packet. */
  readonly byCard: boolean;
  readonly data: Uint8Array;
}

/**
 * Evaluates the status of a response packet; `read` decodes the additional data of a good one. A response without proof
 * decides nothing, except a refusal from the card in a reader: cards refuse in clear what they cannot verify.
 */
export function evaluatePor(facts: VerdictFacts, read: (data: Uint8Array) => AnsweredScript): Verdict {
  const { status, statusName: name, authenticated, asAsked = authenticated } = facts;
  const por = { status, name, authenticated };
  const fail = (code: ErrorCode, message: string, executed: Executed): Verdict => ({
    at: "failed",
    error: { code, message, executed, detail: { por } },
  });
  if (porFollows(status)) return { at: "wait", note: porWords(name) };
  if (!asAsked && (status === porStatus.ok || !facts.byCard))
    return { at: "unproven", note: `${porWords(name)} without the proof that was asked for` };
  if (status === porStatus.counterLow) {
    if (facts.transmissions <= 1) return { at: "again", note: "PoR counter low: the stored counter was too low" };
    // The earlier transmission was run or refused, or a later packet was run first: the counter alone does not
    // determine which.
    const message =
      "the card refuses the counter of a packet that was sent before: whether it executed the packet is unknown";
    return fail("packet.answer-lost", message, "unknown");
  }
  if (status !== porStatus.ok) return fail("packet.por", `the card refused the packet: ${name}`, false);
  const answered = read(facts.data);
  const result = { ...answered.result, por };
  return answered.failure === undefined ? { at: "done", result } : { at: "failed", error: answered.failure, result };
}
