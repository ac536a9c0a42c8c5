import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";
import { parseJson } from "../../src/base/json.ts";
import { exportEis } from "./eis.ts";
import type { SimulatedEuicc } from "./euicc.ts";
import { misbehaviourOptions, parseMisbehaviour } from "./misbehaviour.ts";

/** What a control line may reach: the card, and its reader where there is one. */
export interface Controlled {
  readonly card: SimulatedEuicc;
  insert?(): void;
  eject?(): Promise<void>;
}

const controls = [
  "misbehave",
  "state",
  "eis",
  "fall-back",
  "enable-locally",
  "disable-locally",
  "open-session",
  "insert",
  "eject",
  "help",
];

/** A verb and its argument: `misbehave por-mac` or `{"do":"misbehave","with":"por-mac"}`. */
function readLine(line: string): { verb: string; argument: string } {
  const text = line.trim();
  if (!text.startsWith("{")) {
    const [verb = "", ...rest] = text.split(/\s+/);
    return { verb, argument: rest.join(" ") };
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new GatewayError("codec.text", "the control line is not JSON", { cause });
  }
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const find = (name: string) => String(given.find(([key]) => key === name)?.[1] ?? "");
  return { verb: find("do"), argument: find("with") };
}

/** State of the card for display: no keys, no PINs. */
function summary({ card }: Controlled): object {
  const { state, misbehaviour } = card;
  const { eid, pendingSwitch, notification, declared } = state;
  const profiles = state.profiles.map(({ aid, iccid, imsi, state: at, fallback, emergency, pol1 }) => ({
    aid,
    iccid,
    imsi,
    state: at,
    fallback,
    emergency,
    pol1,
  }));
  const counters = state.isdR.keySets.flatMap(({ kvn, cntr }) => (cntr === undefined ? [] : [{ kvn, cntr }]));
  return { eid, declared, profiles, counters, pendingSwitch, notification, misbehaviour };
}

async function carryOut(target: Controlled, verb: string, argument: string): Promise<object> {
  const { card } = target;
  switch (verb) {
    case "misbehave":
      Object.assign(card.misbehaviour, parseMisbehaviour(argument));
      return { misbehaviour: card.misbehaviour };
    case "state":
      return summary(target);
    case "eis":
      return exportEis(card.state);
    case "fall-back":
      card.fallBack();
      return {};
    case "enable-locally":
      return { accepted: card.enableLocally(argument === "test" ? "test" : "emergency") };
    case "disable-locally":
      return { accepted: card.disableLocally() };
    case "open-session":
      return { accepted: card.openSession() };
    case "insert":
      target.insert?.();
      return {};
    case "eject":
      await target.eject?.();
      return {};
    case "help":
      return { controls, misbehaviours: Object.keys(misbehaviourOptions) };
    default:
      throw new GatewayError("api.usage", `unknown control '${verb}'; known: ${controls.join(", ")}`);
  }
}

/**
 * Carries out one control line and returns the answer line (JSON with `ok`). Never throws.
 * `eis` answers with key values: it is how a test or a demonstration gets them.
 */
export async function control(target: Controlled, line: string): Promise<string> {
  try {
    const { verb, argument } = readLine(line);
    return JSON.stringify({ ok: true, ...(await carryOut(target, verb, argument)) });
  } catch (error) {
    const facts = isGatewayError(error) ? error.toJSON() : { code: "api.internal", message: String(error) };
    return JSON.stringify({ ok: false, error: facts });
  }
}
