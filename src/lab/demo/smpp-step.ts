import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { joinSmsc } from "../../../simulators/network/smsc-bridge.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { concatBytes, fromHex, toHex } from "../../base/hex.ts";
import { porStatus, porStatusName, porWords } from "../../codec/ota/por-status.ts";
import { capduObject, expandedScript } from "../../codec/ota/script.ts";
import { parseSpi } from "../../codec/ota/spi.ts";
import { wrapCommand } from "../../crypto/command-packet.ts";
import { PacketKeys } from "../../crypto/packet-keys.ts";
import { openResponse } from "../../crypto/response-packet.ts";
import { unchecked } from "../../face/api/client.ts";
import { ApiClient } from "../../face/cli/client.ts";
import { jobText } from "../../face/cli/job-view.ts";
import { hashPassword } from "../../face/smpp/password.ts";
import type { DemoReporter } from "./demo-reporter.ts";
import type { DemoStep } from "./demo-step.ts";
import { OtherPlatform } from "./other-platform.ts";
import { until } from "./until.ts";

const ourNumber = "447700900000";
/** How long the answers of a card may take on a busy machine. */
const answerMs = 60_000;

/**
 * Fourth step: the enable command is sent through an SMSC; then another platform controls the card through the SMSC
 * face.
 */
export const smppStep: DemoStep = async ({ context, startDaemon }, reporter) => {
  reporter.heading("Through an SMSC by SMPP, and as the SMSC of another platform");
  await using cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-demo-smpp-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const card = new SimulatedEuicc({ state: createEuiccState({ seed: "demo smpp", smsrAddress: `+${ourNumber}` }) });
  const smscPort = await network(card, cleanup);
  const config = {
    readers: { enabled: false },
    scp81: { enabled: false },
    smsc: [{ name: "operator", address: `smpp://otagate@127.0.0.1:${smscPort}` }],
    smppFace: {
      enabled: true,
      port: 0,
      clients: [{ systemId: "platform", passwordHash: await hashPassword("secret") }],
    },
    sms: { originator: ourNumber, answerTimeoutMs: 20_000 },
  };
  const daemon = cleanup.use(await startDaemon(config, join(folder, "state"), process.env));
  const api = new ApiClient({ socketPath: daemon.socketPath });
  const eis = exportEis(card.state);
  await api.v1.targets.import({ body: unchecked(eis) });
  const bound = await until(async () =>
    (await api.v1.links.list({ query: { kind: "smsc" } })).items.find((link) => link.up),
  );
  reporter.check(`${bound?.id ?? "the SMSC account"} is bound`, bound !== undefined);

  const second = eis.profiles[1];
  const { id } = await api.v1.jobs.submit({
    body: {
      target: eis.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid: second?.aid } },
    },
  });
  const done = await until(async () => {
    const job = await api.v1.jobs.get({ params: { id }, query: { wait: 1000 } });
    return job.switch?.endedAt === undefined && job.state !== "failed" ? undefined : job;
  }, answerMs);
  if (done !== undefined) reporter.note(jobText(context.terminal, done));
  reporter.check(
    `enableProfile over ${done?.chosen?.link}: ${porWords(done?.result?.por?.name ?? done?.error?.message ?? "without a status")}, switch ${done?.switch?.at}`,
    done?.switch?.at === "confirmed",
  );

  const about = await api.v1.daemon.get();
  reporter.note(
    `\nAnother platform binds to otagate's SMSC face (port ${about.facts.smppFace}) and sends a packet that it secured itself:`,
  );
  if (typeof about.facts.smppFace !== "number") throw new Error("the SMSC face has a port");
  await platformPart(about.facts.smppFace, second?.msisdn ?? "", card, reporter);
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

/** The other platform's part: its own keys and counters, our SMSC face, the card's answer. */
async function platformPart(port: number, msisdn: string, card: SimulatedEuicc, reporter: DemoReporter): Promise<void> {
  using platform = await OtherPlatform.bind(port, "platform", "secret");
  if (!reporter.check("the platform's client (npm smpp) is bound to the SMSC face", platform !== undefined)) return;
  const packet = wrapCommand({ ...command, data: getStatus() }, keysOf(card)).packet;
  const messageId = await platform?.submit(msisdn, concatBytes(Uint8Array.of(0x02, 0x70, 0x00), packet));
  if (!reporter.check(`its packet was accepted as message ${messageId ?? "none"}`, messageId !== undefined)) return;
  const reported = await until(async () => {
    const [por, receipt] = [platform?.por, platform?.receiptOf(messageId ?? "")];
    return por === undefined || receipt === undefined ? undefined : { por, receipt };
  }, answerMs);
  const por = reported?.por ?? platform?.por;
  const octets = por?.userData.map(toHex).join(" ") ?? "none";
  reporter.check(`the platform received the card's proof of receipt: ${octets}`, por !== undefined);
  const status = por === undefined ? "nothing" : statusOf(por.packet, card);
  reporter.check(
    `the proof of receipt verifies with the platform's own keys: ${status}`,
    status.startsWith(porStatusName(porStatus.ok)),
  );
  const receipt = reported?.receipt ?? platform?.receiptOf(messageId ?? "");
  reporter.check(
    `the platform received a delivery receipt: ${receipt?.trimEnd() ?? "none"}`,
    receipt?.includes("stat:DELIVRD") === true,
  );
}

const command = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 0x1000 };

/** GET STATUS of the ISD-Ps, as a script. */
function getStatus(): Uint8Array {
  return expandedScript([capduObject(fromHex("80F24002024F0000"))], "expanded-definite");
}

/** The keys of a platform that shares them with the card. */
function keysOf(card: SimulatedEuicc): PacketKeys {
  const set = card.state.isdR.keySets.find((one) => one.type === "SCP80");
  const key = (id: number) => fromHex(set?.keys.find((one) => one.id === id)?.value ?? "");
  return new PacketKeys({ kic: key(1), kid: key(2) });
}

function statusOf(packet: Uint8Array, card: SimulatedEuicc): string {
  try {
    const answer = openResponse(packet, command, keysOf(card));
    return `${porStatusName(answer.status)}, ${answer.data.length} octets of data`;
  } catch (thrown) {
    return asGatewayError(thrown).message;
  }
}
