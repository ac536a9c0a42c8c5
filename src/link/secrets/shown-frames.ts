import { catObjects } from "../../codec/cat/object.ts";
import { ProactiveCommand } from "../../codec/cat/proactive.ts";
import { Reader } from "../../codec/kit/codec.ts";
import type { Range } from "../../codec/secrets/login-secrets.ts";
import { showAlone, showEnvelope } from "../../codec/secrets/message-secrets.ts";
import { CommandSecrets, withoutRanges } from "../../codec/secrets/secret-data.ts";
import type { ShowMessage } from "../../codec/secrets/segment-secrets.ts";
import { ignoreCodecErrors } from "../card/ignore-codec-errors.ts";
import type { Frame } from "../trace.ts";

type Shown = Pick<Frame, "bytes" | "facts">;

/** The parts of an APDU's exchanges that may be displayed; GET RESPONSE returns the data that the APDU requested. */
export interface Showing {
  command(bytes: Uint8Array): Shown;
  answer(bytes: Uint8Array): Shown;
}

const fetch = 0x12;
const envelope = 0xc2;

/**
 * How to display the exchanges of an APDU: PINs and keys are overwritten by zeros, lengths stay. `facts.hidden` names
 * them.
 */
export function showing(
  apdu: Uint8Array,
  show: ShowMessage = showAlone,
  secrets: CommandSecrets = new CommandSecrets(),
): Showing {
  const ins = apdu[1] ?? 0;
  const secret = secrets.next(apdu);
  if (secret?.kind === "login") return { command: (bytes) => hideLogin(bytes, apdu, secret.ranges), answer: asIs };
  if (secret !== undefined) return { command: (bytes) => hide(bytes, 5, bytes.length, secret.kind), answer: asIs };
  if (secrets.answersWithKeys(apdu)) {
    return { command: asIs, answer: (bytes) => hide(bytes, 0, bytes.length - 2, "session-key") };
  }
  if (ins === envelope) return { command: (bytes) => withoutClearSecrets(bytes, show), answer: asIs };
  if (ins === fetch && ((apdu[0] ?? 0) & 0x80) !== 0) return { command: asIs, answer: withoutBearerPassword };
  return plain;
}

/** Leaves the GET RESPONSEs that follow as they are. */
function hideLogin(bytes: Uint8Array, apdu: Uint8Array, ranges: readonly Range[]): Shown {
  if (bytes[1] !== apdu[1]) return { bytes };
  return { bytes: withoutRanges(bytes, ranges), facts: { hidden: "bearer-login" } };
}

/** A short message for the card may contain a script that is not ciphered. */
function withoutClearSecrets(bytes: Uint8Array, show: ShowMessage): Shown {
  const shown = showEnvelope(bytes, show);
  return shown === bytes ? { bytes } : { bytes: shown, facts: { hidden: "key" } };
}

/** OPEN CHANNEL contains user and password of its bearer in text strings. ETSI TS 102 223 §6.6.27 */
function withoutBearerPassword(bytes: Uint8Array): Shown {
  const command = ignoreCodecErrors(() => ProactiveCommand.read(new Reader(bytes)));
  if (command?.name !== "openChannel") return { bytes };
  const texts = command.objects.filter(({ tag }) => tag === catObjects.textString.tag);
  if (texts.length === 0) return { bytes };
  const shown = Uint8Array.from(bytes);
  for (const { valueOffset = 0, value } of texts) shown.fill(0, valueOffset, valueOffset + value.length);
  return { bytes: shown, facts: { hidden: "bearer-login" } };
}

function asIs(bytes: Uint8Array): Shown {
  return { bytes };
}

const plain: Showing = { command: asIs, answer: asIs };

function hide(bytes: Uint8Array, from: number, to: number, hidden: string): Shown {
  if (to <= from) return { bytes };
  return { bytes: Uint8Array.from(bytes).fill(0, from, to), facts: { hidden } };
}
