import { equalBytes } from "../../../base/hex.ts";
import { findObject } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import { terminalProblem } from "../../../codec/cat/result.ts";
import type { Answer } from "../answer.ts";
import { ignoreCodecErrors } from "../ignore-codec-errors.ts";
import { comprehension } from "./stateless-answers.ts";

/** What a REFRESH requires of the terminal. ETSI TS 102 223 §6.4.7, 3GPP TS 31.111 §6.4.7.1 */
export interface RefreshPlan {
  /** Value of the qualifier. */
  readonly mode: number;
  /**
   * `before`: answer, then carry it out; `after`: carry it out, then answer; `never`: the reset itself is the answer.
   */
  readonly respond: "before" | "after" | "never";
  /** Power-cycle the card and begin again with TERMINAL PROFILE. */
  readonly reset: boolean;
  /** The network access application is initialised again. */
  readonly initialise: boolean;
  /** ICCID and IMSI may have changed. */
  readonly rereadIdentity: boolean;
}

const iccidFile = Uint8Array.of(0x2f, 0xe2);
const imsiFile = Uint8Array.of(0x6f, 0x07);

function namesIdentity(command: ProactiveCommand): boolean {
  const list = findObject(command.objects, "fileList");
  if (list === undefined) return true;
  return list.paths.some((path) => {
    const last = path.subarray(-2);
    return equalBytes(last, iccidFile) || equalBytes(last, imsiFile);
  });
}

/** The plan for a mode; undefined for a reserved one. @throws codec.* for a malformed file list */
function planOf(command: ProactiveCommand): RefreshPlan | undefined {
  const mode = command.details.qualifier;
  const plan = { mode, respond: "after", reset: false, initialise: false, rereadIdentity: false } as const;
  switch (mode) {
    case 0x00:
      return { ...plan, initialise: true, rereadIdentity: true };
    case 0x01:
      return { ...plan, rereadIdentity: namesIdentity(command) };
    case 0x02:
      return { ...plan, initialise: true, rereadIdentity: namesIdentity(command) };
    case 0x03:
    case 0x05:
    case 0x06:
      return { ...plan, initialise: true, rereadIdentity: true };
    case 0x04:
      return { ...plan, respond: "never", reset: true, rereadIdentity: true };
    case 0x07:
    case 0x08:
      return plan;
    case 0x09:
      return { ...plan, respond: "before", reset: true, rereadIdentity: true };
    case 0x0a:
      return { ...plan, rereadIdentity: true };
    default:
      return undefined;
  }
}

/** The plan for a REFRESH, or the answer that refuses or defers it. */
export function planRefresh(
  command: ProactiveCommand,
  may: ((plan: RefreshPlan) => boolean) | undefined,
): RefreshPlan | Answer {
  const plan = comprehension(command) === "not" ? undefined : ignoreCodecErrors(() => planOf(command));
  if (plan === undefined) return { result: "dataNotUnderstood" };
  return may?.(plan) === false ? { result: "terminalUnable", additional: [terminalProblem.none] } : plan;
}
