import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { Call, Reply } from "../command.ts";
import type { AtCommand } from "../command-line.ts";
import type { ModemFunctions } from "../modem-functions.ts";
import { answerTo } from "../profile-behaviour.ts";
import { refuseCme } from "../refusal.ts";
import { ok } from "../sim-slot.ts";
import { needCard } from "./sim.ts";

const ecasd = "A0000005591010FFFFFFFF8900000200";

/**
 * What the hardware profile states about this command: an identity query, a restart, power-off, or the toolkit's
 * switch. Undefined when it states nothing, so that the standard's commands apply.
 */
export async function vendorCommand(command: AtCommand, call: Call): Promise<{ readonly reply: Reply } | undefined> {
  const { modem } = call;
  const { behaviour } = modem;
  if (command.name !== "+CFUN" && behaviour.isRestart(command.text)) {
    setTimeout(() => void modem.restart(), 20);
    return { reply: undefined };
  }
  if (behaviour.isOff(command.text)) {
    setTimeout(() => void modem.shutDown(), 20);
    return { reply: undefined };
  }
  const toolkit = toolkitSwitch(command.text, modem);
  if (toolkit !== undefined) return toolkit;
  const found = behaviour.query(command.text);
  if (found === undefined || /^AT\+(CRSM|CSIM|CGLA|CGSN|CIMI)/i.test(found.query.command)) return undefined;
  return { reply: answerTo(found.query, await factOf(found.kind, modem)) };
}

async function factOf(kind: "imei" | "imsi" | "iccid" | "eid", modem: ModemFunctions): Promise<string> {
  if (kind === "imei") return modem.behaviour.identity.imei;
  needCard(modem, kind === "imsi");
  if (kind === "eid") return await readEid(modem);
  if (kind === "iccid") return modem.shownIccid || refuseCme(13);
  return modem.slot.facts[kind] || refuseCme(13);
}

/** GET DATA 5A from the ECASD. GSMA SGP.02 §2.2.1.3 */
async function readEid(modem: ModemFunctions): Promise<string> {
  const { data: channel, sw } = await modem.slot.command(fromHex("0070000001"));
  const number = channel[0];
  if (!ok(sw) || number === undefined || number > 3) return refuseCme(3);
  const aid = fromHex(ecasd);
  await modem.slot.command(Uint8Array.of(number, 0xa4, 4, 0, aid.length, ...aid));
  const answer = await modem.slot.command(Uint8Array.of(0x80 | number, 0xca, 0, 0x5a, 0));
  await modem.slot.command(Uint8Array.of(0, 0x70, 0x80, number));
  return ok(answer.sw) && answer.data[0] === 0x5a ? toHex(answer.data.subarray(2)) : refuseCme(22);
}

function toolkitSwitch(text: string, modem: ModemFunctions): { readonly reply: Reply } | undefined {
  const { toolkit } = modem.behaviour.profile;
  if (modem.behaviour.isToolkitEnable(text)) {
    modem.toolkit.enabled = true;
    return { reply: undefined };
  }
  if (toolkit?.query === undefined || toolkit.query.command.toUpperCase() !== text.toUpperCase()) return undefined;
  const on = toolkit.on ?? "1";
  return { reply: answerTo(toolkit.query, modem.toolkit.enabled ? on : "0") };
}
