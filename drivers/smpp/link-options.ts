import type { StatusClass } from "../../src/codec/smpp/status.ts";
import type { EsmeLinkOptions } from "../../src/link/smpp/esme-link.ts";
import { reconnectTimes } from "../../src/link/smpp/reconnect.ts";
import type { BindMode } from "../../src/link/smpp/session-state.ts";
import { passwordOf, type SmppAccount } from "./account.ts";

const modes = { trx: ["trx"], "tx+rx": ["tx", "rx"], tx: ["tx"], rx: ["rx"] } as const satisfies Record<
  SmppAccount["bindMode"],
  readonly BindMode[]
>;
const responseMs = 15_000;
/** In transaction mode the answer comes only after the radio leg. */
const transactionResponseMs = 40_000;

function classes(account: SmppAccount): ReadonlyMap<number, StatusClass> {
  return new Map(Object.entries(account.statusClasses).map(([code, kind]) => [Number(code), kind]));
}

/** Settings of the link engine for an account. */
export function linkOptions(link: string, systemId: string, account: SmppAccount): EsmeLinkOptions {
  return {
    link,
    modes: Array.from({ length: account.binds }, () => modes[account.bindMode]).flat(),
    bind: {
      systemId,
      password: passwordOf(account),
      systemType: account.systemType,
      interfaceVersion: account.interfaceVersion,
      addrTon: account.addressTon,
      addrNpi: account.addressNpi,
      addressRange: account.addressRange,
      tlvs: {},
    },
    window: account.window,
    inboundWindow: account.inboundWindow,
    responseMs: account.responseMs ?? (account.messagingMode === "transaction" ? transactionResponseMs : responseMs),
    times: { bindMs: account.bindMs, enquireMs: account.enquireMs, enquireAnswerMs: account.enquireAnswerMs },
    reconnect: { ...reconnectTimes, firstMs: account.reconnectFirstMs, maxMs: account.reconnectMaxMs },
    rate: account.rate ?? Number.POSITIVE_INFINITY,
    queue: account.queue,
    patienceMs: account.patienceMs,
    statusClasses: classes(account),
  };
}
