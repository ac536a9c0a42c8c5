import { type CommandName, commandName } from "./command-type.ts";
import type { CatTlv } from "./comprehension.ts";
import { type CatObjectName, findTlv } from "./object.ts";

/**
 * Objects that a proactive command must carry besides its command details and device identities; of several names in
 * one entry, one is enough. ETSI TS 102 223 §6.6, 3GPP TS 31.111 §6.6
 */
const mandatory: Readonly<Partial<Record<CommandName, readonly (readonly CatObjectName[])[]>>> = {
  displayText: [["textString"]],
  getInkey: [["textString"]],
  getInput: [["textString"], ["responseLength"]],
  launchBrowser: [["url"]],
  openChannel: [["bufferSize"]],
  performCardApdu: [["cApdu"]],
  pollInterval: [["duration"]],
  receiveData: [["channelDataLength"]],
  runAtCommand: [["atCommand"]],
  selectItem: [["item"]],
  sendData: [["channelData"]],
  sendDtmf: [["dtmfString"]],
  sendShortMessage: [["smsTpdu", "cdmaSmsTpdu"]],
  sendSs: [["ssString"]],
  sendUssd: [["ussdString"]],
  setUpEventList: [["eventList"]],
  setUpIdleModeText: [["textString"]],
  setUpMenu: [["alphaIdentifier"], ["item"]],
  timerManagement: [["timerIdentifier"]],
};

/** Mandatory objects that a proactive command of this type lacks; none for an unknown type. ETSI TS 102 223 §6.6 */
export function missingObjects(type: number, objects: readonly CatTlv[]): readonly CatObjectName[] {
  const name = commandName(type);
  const required = name === undefined ? [] : (mandatory[name] ?? []);
  return required
    .filter((choices) => choices.every((choice) => findTlv(objects, choice) === undefined))
    .flatMap(([first]) => first ?? []);
}
