import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../../../drivers/simulated/euicc/eis.ts";
import { SimulatedEuicc } from "../../../drivers/simulated/euicc/euicc.ts";
import { createEuiccState } from "../../../drivers/simulated/euicc/fixture.ts";
import { SimulatedModem } from "../../../drivers/simulated/modem/modem.ts";
import { SimulatedNetwork } from "../../../drivers/simulated/network/network.ts";
import { joinSmsc } from "../../../drivers/simulated/network/smsc-bridge.ts";
import { SimulatedSmsc } from "../../../drivers/simulated/smsc/smsc.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { capduObject, expandedScript } from "../../codec/ota/script.ts";
import { parseSpi } from "../../codec/ota/spi.ts";
import { wrapCommand } from "../../crypto/command-packet.ts";
import { PacketKeys } from "../../crypto/packet-keys.ts";
import { ApiClient } from "../../face/cli/client.ts";
import type { ShownLink } from "../../face/cli/commands/reader.ts";
import { jobText, type ShownJob } from "../../face/cli/job-view.ts";
import { hashPassword } from "../../face/smpp/password.ts";
import { silentLog } from "../../link/driver.ts";
import { parseConfig } from "../config.ts";
import { Daemon } from "../daemon.ts";
import type { Act } from "./run.ts";
import { until } from "./until.ts";

const ourNumber = "447700900000";

/** Fourth act: the enable command goes through an SMSC; then another platform drives the card through our SMSC face. */
export const smppAct: Act = async ({ context }, narrator) => {
  narrator.act("Through an SMSC by SMPP, and as the SMSC of another platform");
  await using cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-demo-smpp-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const card = new SimulatedEuicc({ state: createEuiccState({ seed: "demo smpp", smsrAddress: `+${ourNumber}` }) });
  const smscPort = await network(card, cleanup);
  const config = parseConfig({
    readers: { enabled: false },
    scp81: { enabled: false },
    smsc: [{ name: "operator", address: `smpp://otagate@127.0.0.1:${smscPort}` }],
    smppFace: {
      enabled: true,
      port: 0,
      clients: [{ systemId: "platform", passwordHash: await hashPassword("secret") }],
    },
    sms: { originator: ourNumber, answerTimeoutMs: 20_000 },
  });
  const daemon = cleanup.use(
    await Daemon.start({ config, state: join(folder, "state"), env: process.env, log: silentLog }),
  );
  const api = new ApiClient({ socketPath: daemon.socketPath });
  const eis = exportEis(card.state);
  await api.post("/v1/targets", eis);
  const bound = await until(async () =>
    (await api.get<{ items: ShownLink[] }>("/v1/links", { kind: "smsc" })).items.find((link) => link.up),
  );
  narrator.check(`${bound?.id ?? "the SMSC account"} is bound`, bound !== undefined);

  const second = eis.profiles[1];
  const { id } = await api.post<ShownJob>("/v1/jobs", {
    target: eis.eid,
    work: { kind: "es5", function: "enableProfile", params: { aid: second?.aid } },
  });
  const done = await until(async () => {
    const job = await api.get<ShownJob>(`/v1/jobs/${id}`, { wait: 1000 });
    return job.procedure?.endedAt === undefined && job.state !== "failed" ? undefined : job;
  }, 40_000);
  if (done !== undefined) narrator.tell(jobText(context.terminal, done));
  narrator.check(
    `enableProfile over ${done?.chosen?.link}: PoR ${done?.result?.por?.name ?? done?.error?.message}, switch ${done?.procedure?.at}`,
    done?.procedure?.at === "confirmed",
  );

  const about = await api.get<{ facts: { smppFace: number } }>("/v1");
  narrator.tell(
    `\nAnother platform binds to otagate's SMSC face (port ${about.facts.smppFace}) and sends a packet it secured itself:`,
  );
  const answers = await drive(about.facts.smppFace, second?.msisdn ?? "", auditPacket(card));
  narrator.check(`its packet was taken as message ${answers.messageId}`, answers.messageId !== undefined);
  narrator.check(`the card's proof of receipt came back to it: ${answers.por ?? "none"}`, answers.por !== undefined);
  narrator.check(`and a delivery receipt: ${answers.receipt ?? "none"}`, answers.receipt?.includes("DELIVRD") === true);
};

/** A network with the card in a phone, and an SMSC that serves it. Returns the SMSC's port. */
async function network(card: SimulatedEuicc, cleanup: Cleanup): Promise<number> {
  const subscribers = card.state.profiles.map(({ imsi, msisdn }) => ({ imsi, msisdn }));
  const radio = new SimulatedNetwork({ subscribers, attachMs: 200, smsRetryMs: 500 });
  cleanup.defer(() => radio.close());
  const smsc = cleanup.use(await SimulatedSmsc.open({}));
  cleanup.defer(joinSmsc(radio, smsc));
  const phone = cleanup.use(new SimulatedModem({ network: radio, card, timings: { bootMs: 5, simRestartMs: 50 } }));
  await phone.powerOn();
  await until(async () => (radio.registered.length > 0 ? true : undefined));
  return smsc.port;
}

/** GET STATUS, secured by a platform that holds the card's keys and a counter range of its own. */
function auditPacket(card: SimulatedEuicc): Uint8Array {
  const set = card.state.isdR.keySets.find((one) => one.type === "SCP80");
  const key = (id: number) => fromHex(set?.keys.find((one) => one.id === id)?.value ?? "");
  const input = {
    spi: parseSpi(fromHex("1639")),
    kic: 0x12,
    kid: 0x12,
    tar: fromHex("000001"),
    cntr: 0x1000,
    data: expandedScript([capduObject(fromHex("80F24002024F0000"))], "expanded-definite"),
  };
  return wrapCommand(input, new PacketKeys({ kic: key(1), kid: key(2) })).packet;
}

interface SmppClient {
  bind_transceiver(fields: object, answer: (pdu: { command_status: number }) => void): void;
  submit_sm(fields: object, answer: (pdu: { command_status: number; message_id?: string }) => void): void;
  send(pdu: object): void;
  on(
    event: string,
    listener: (pdu: {
      command: string;
      esm_class?: number;
      short_message?: { message?: Buffer | string; udh?: unknown };
      response(): object;
    }) => void,
  ): void;
  destroy(): void;
}

/** What another SMPP implementation sees of us as its SMSC. */
async function drive(
  port: number,
  msisdn: string,
  packet: Uint8Array,
): Promise<{ messageId?: string; por?: string; receipt?: string }> {
  const smpp = createRequire(import.meta.url)("smpp") as { connect(options: object, ready: () => void): SmppClient };
  const client = await new Promise<SmppClient>((resolve) => {
    const one = smpp.connect({ url: `smpp://127.0.0.1:${port}` }, () => resolve(one));
  });
  const seen: { messageId?: string; por?: string; receipt?: string } = {};
  client.on("error", () => {});
  client.on("pdu", (pdu) => {
    if (pdu.command !== "deliver_sm") return;
    const message = pdu.short_message?.message;
    const octets = typeof message === "string" ? Buffer.from(message) : (message ?? Buffer.alloc(0));
    if (((pdu.esm_class ?? 0) & 0x3c) !== 0) seen.receipt = octets.toString("latin1");
    else seen.por = toHex(octets);
    client.send(pdu.response());
  });
  await new Promise((resolve) => client.bind_transceiver({ system_id: "platform", password: "secret" }, resolve));
  const shortMessage = Buffer.concat([Buffer.from("027000", "hex"), packet]);
  const answer = await new Promise<{ command_status: number; message_id?: string }>((resolve) =>
    client.submit_sm(
      {
        source_addr: "4477009111",
        destination_addr: msisdn.replace("+", ""),
        esm_class: 0x40,
        protocol_id: 0x7f,
        data_coding: 0xf6,
        registered_delivery: 1,
        short_message: shortMessage,
      },
      resolve,
    ),
  );
  if (answer.command_status === 0 && answer.message_id !== undefined) seen.messageId = answer.message_id;
  await until(async () => (seen.por !== undefined && seen.receipt !== undefined ? true : undefined), 20_000);
  client.destroy();
  return seen;
}
