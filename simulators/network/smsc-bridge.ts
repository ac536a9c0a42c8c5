import { packSeptets, unpackSeptets } from "../modem/alphabet.ts";
import type { SimulatedSms, SimulatedVerdict } from "../smsc/message-store.ts";
import type { SimulatedSmsc } from "../smsc/smsc.ts";
import type { SimulatedNetwork } from "./network.ts";
import { countsSeptets, deliverOctets, numberAddress, timestamp } from "./tpdu.ts";

/**
 * Puts a simulated SMSC (SMPP) and a simulated network together: what ESMEs submit reaches the phones, what phones send
 * to numbers that are not phones reaches the ESMEs. Returns the function that parts them.
 */
export function joinSmsc(network: SimulatedNetwork, smsc: SimulatedSmsc, now: () => number = Date.now): () => void {
  smsc.store.handsets.set("*", async (sms): Promise<SimulatedVerdict> => {
    const answer = await network.sms.attempt(sms.to, deliverOf(sms, now()));
    return answer.ack ? { ack: true } : { ack: false, cause: answer.cause };
  });
  const end = network.sms.onMo(({ from, to, submit }) => {
    if (network.serves(to)) return undefined;
    const { userData, length, header, pid, dcs } = submit;
    const text = countsSeptets(dcs) && !header ? Uint8Array.from(unpackSeptets(userData, length)) : userData;
    void smsc.mobileOriginated({
      from: from.replace("+", ""),
      to: to.replace("+", ""),
      userData: text,
      userDataHeader: header,
      protocolId: pid,
      dataCoding: dcs,
    });
    return "taken";
  });
  return () => {
    end();
    smsc.store.handsets.delete("*");
  };
}

/** SMPP carries the default alphabet a character an octet; a phone gets it packed. */
function deliverOf({ from, userData, userDataHeader, protocolId, dataCoding }: SimulatedSms, ms: number): Uint8Array {
  const septets = countsSeptets(dataCoding) && !userDataHeader;
  return deliverOctets({
    from: numberAddress(/^\d{7,}$/.test(from) ? `+${from}` : from),
    pid: protocolId,
    dcs: dataCoding,
    header: userDataHeader,
    moreToSend: false,
    replyPath: false,
    reportRequested: false,
    time: timestamp(ms),
    length: userData.length,
    userData: septets ? packSeptets([...userData]) : userData,
  });
}
