/**
 * submit_sm per second of our ESME (the whole bearer) and of the bare npm `smpp` client at windows 1, 10 and 100, and
 * encoded and decoded PDUs per second of both codecs. Both clients talk to the same peer, in turns, in one run; the
 * peers are the bare npm `smpp` server and our SMSC face with nothing behind it. Medians; the baseline is npm `smpp`. What
 * the whole gateway does is measured by `bench/smpp-gateway.ts`.
 *
 *   node dist/bench/smpp.js [messages per measurement] [turns] [codec|link]
 */
import { SmppAccount } from "../drivers/smpp/account.ts";
import { driver } from "../drivers/smpp/driver.ts";
import { systemClock } from "../src/base/clock.ts";
import { Writer } from "../src/codec/kit/codec.ts";
import { decodePdu, encodePdu, writePdu } from "../src/codec/smpp/pdu.ts";
import { silentLog } from "../src/link/driver.ts";
import { keepGoing, median, peer, type Submit, smpp, theirs, to, userData } from "./smpp-client.ts";

const messages = Number(process.argv[2] ?? 20_000);
const turns = Number(process.argv[3] ?? 5);

async function ours(port: number, window: number): Promise<{ submit: Submit; close: () => Promise<void> }> {
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  const account = SmppAccount.parse({ window, source: { address: "12345" } });
  const bearer = await driver.openBearer(`smpp://bench@127.0.0.1:${port}`, account, deps);
  const never = new AbortController().signal;
  let number = 0;
  const sms = {
    to,
    userData,
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
    moreToCome: false,
    receipt: true,
    validityMinutes: 60,
  };
  return {
    submit: (count, lanes) =>
      keepGoing(count, lanes, () => bearer.submit({ ...sms, reference: String(++number) }, never)),
    close: () => bearer[Symbol.asyncDispose](),
  };
}

async function perSecond(submit: Submit, window: number): Promise<number> {
  const started = performance.now();
  await submit(messages, window);
  return (messages * 1_000) / (performance.now() - started);
}

async function submits(kind: "npm" | "face"): Promise<void> {
  const { child, port } = await peer(kind);
  const name = kind === "npm" ? "bare npm smpp server" : "our SMSC face";
  for (const window of [1, 10, 100]) {
    const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    for (let turn = 0; turn <= turns; turn++) {
      for (const who of ["ours", "theirs"] as const) {
        const client = who === "ours" ? await ours(port, window) : await theirs(port);
        await client.submit(200, window);
        const rate = await perSecond(client.submit, window);
        if (turn > 0) rates[who].push(rate);
        await client.close();
      }
    }
    const [a, b] = [median(rates.ours), median(rates.theirs)];
    const text = `otagate ${a.toFixed(0)}/s, npm smpp client ${b.toFixed(0)}/s, ratio ${(a / b).toFixed(2)}`;
    console.log(`submit_sm to ${name}, window ${window}: ${text}`);
  }
  child.kill();
}

/** Runs per second, the best of five slices. */
function rateOf(work: () => void): number {
  for (let i = 0; i < 20_000; i++) work();
  let best = 0;
  for (let slice = 0; slice < 5; slice++) {
    const started = performance.now();
    for (let i = 0; i < 50_000; i++) work();
    best = Math.max(best, 50_000_000 / (performance.now() - started));
  }
  return best;
}

function codecs(): void {
  const body = {
    serviceType: "",
    source: { ton: 0, npi: 0, addr: "12345" },
    destination: { ton: 1, npi: 1, addr: to },
    esmClass: 0x40,
    protocolId: 0x7f,
    priorityFlag: 0,
    scheduleDeliveryTime: "",
    validityPeriod: "000000010000000R",
    registeredDelivery: 1,
    replaceIfPresentFlag: 0,
    dataCoding: 0xf6,
    smDefaultMsgId: 0,
    shortMessage: userData,
    tlvs: { userMessageReference: 7 },
  };
  const pdu = { command: "submit_sm", status: 0, sequence: 7, body } as const;
  const short_message = Buffer.from(userData);
  const bytes = encodePdu(pdu);
  const buffer = Buffer.from(bytes);
  const stream = new Writer(1 << 16);
  const show = (what: string, own: number, base: number) => {
    const text = `otagate ${(own / 1_000).toFixed(0)} k/s, npm smpp ${(base / 1_000).toFixed(0)} k/s`;
    console.log(`${what}: ${text}, ratio ${(own / base).toFixed(1)}`);
  };
  const encodeBase = rateOf(() => {
    new smpp.PDU("submit_sm", {
      sequence_number: 7,
      source_addr: "12345",
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: to,
      esm_class: 0x40,
      protocol_id: 0x7f,
      validity_period: "000000010000000R",
      registered_delivery: 1,
      data_coding: 0xf6,
      short_message,
      user_message_reference: 7,
    }).toBuffer();
  });
  const encodeAlone = rateOf(() => void encodePdu(pdu));
  const encodeStream = rateOf(() => {
    if (stream.length > 60_000) stream.truncate(0);
    writePdu(stream, pdu);
  });
  const decode = rateOf(() => void decodePdu(bytes));
  const decodeBase = rateOf(() => void new smpp.PDU(buffer as unknown as string));
  show("encode submit_sm into an array of its own", encodeAlone, encodeBase);
  show("encode submit_sm into a session's output", encodeStream, encodeBase);
  show("decode submit_sm", decode, decodeBase);
}

const only = process.argv[4];
if (only === undefined || only === "codec") codecs();
if (only === undefined || only === "link") {
  await submits("npm");
  await submits("face");
}
process.exit(0);
