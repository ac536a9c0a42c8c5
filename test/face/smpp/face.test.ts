import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import type { SmscClient } from "../../../src/face/smpp/port.ts";
import { SmscFace, type SmscFaceOptions, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { accounts, MemoryPort } from "./memory-port.ts";
import { commandFields, NpmClient } from "./npm-client.ts";

const open: AsyncDisposable[] = [];
const clients: NpmClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function face(client: Partial<SmscClient> = {}, options: Partial<SmscFaceOptions> = {}) {
  const port = new MemoryPort();
  const opened = await SmscFace.open(
    { ...smscFaceOptions, port: 0, times: { unbindMs: 200 }, ...options },
    { port, authenticate: accounts(client), clock: systemClock, log: silentLog },
  );
  open.push(opened);
  return { port, face: opened };
}

async function connect(opened: SmscFace, bind = "bind_transceiver"): Promise<NpmClient> {
  const client = await new NpmClient(opened.port).connected();
  clients.push(client);
  if (bind !== "none") expect((await client.bind(bind)).command_status).toBe(0);
  return client;
}

const card = { ton: 1, npi: 1, addr: "491701234567" };
const esme = { ton: 0, npi: 1, addr: "12345" };
const answer = Uint8Array.from([0x02, 0x71, 0x00, 0x00, 0x0b, 0x0a, 0xff, 0x80, 0x00]);
const por = {
  kind: "message",
  source: card,
  destination: esme,
  userData: answer,
  userDataHeader: true,
  protocolId: 0x7f,
  dataCoding: 0xf6,
} as const;

describe("the SMSC face for an ESME of another make", () => {
  it("grants binds of all three kinds and says its version", async () => {
    const { face: opened } = await face();
    for (const kind of ["bind_receiver", "bind_transmitter", "bind_transceiver"]) {
      const client = await new NpmClient(opened.port).connected();
      clients.push(client);
      const response = await client.bind(kind);
      expect(response).toMatchObject({
        command: `${kind}_resp`,
        command_status: 0,
        system_id: "otagate",
        sc_interface_version: 0x34,
      });
    }
    expect(opened.connections.map(({ client, mode }) => `${client} ${mode}`)).toEqual([
      "esme rx",
      "esme tx",
      "esme trx",
    ]);
  });

  it("sends a client older than 3.4 no parameters", async () => {
    const { face: opened } = await face();
    const client = await connect(opened, "none");
    const response = await client.bind("bind_transmitter", { interface_version: 0x33 });
    expect(response.sc_interface_version).toBeUndefined();
  });

  it("refuses unknown users, wrong passwords, a second bind and too many binds", async () => {
    const { face: opened } = await face({ maxBinds: 1 });
    const client = await connect(opened, "none");
    expect((await client.bind("bind_transceiver", { system_id: "nobody" })).command_status).toBe(0x0f);
    expect((await client.bind("bind_transceiver", { password: "wrong" })).command_status).toBe(0x0e);
    expect((await client.bind()).command_status).toBe(0);
    expect((await client.bind()).command_status).toBe(0x05);
    const other = await connect(opened, "none");
    expect((await other.bind()).command_status).toBe(0x05);
    client.close();
    await until(() => opened.connections.length === 1);
    expect((await other.bind()).command_status).toBe(0);
  });

  it("refuses work before the bind and on a receiver", async () => {
    const { face: opened } = await face();
    const client = await connect(opened, "none");
    expect((await client.send("submit_sm", commandFields(packet))).command_status).toBe(0x04);
    expect((await client.send("enquire_link")).command_status).toBe(0);
    await client.bind("bind_receiver");
    expect((await client.send("submit_sm", commandFields(packet))).command_status).toBe(0x04);
  });

  it("hands a submit over octet for octet, and answers only when it is durable", async () => {
    const { face: opened, port } = await face();
    let release = () => {};
    port.beforeDurable = () => new Promise<void>((resolve) => (release = resolve));
    const client = await connect(opened);
    let answered = false;
    const fields = commandFields(packet, { validity_period: "000000010000000R", user_message_reference: 0x1234 });
    const response = client.send("submit_sm", fields).then((pdu) => {
      answered = true;
      return pdu;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    release();
    expect(await response).toMatchObject({ command_status: 0, message_id: "1" });
    const [submission] = port.submissions;
    expect(submission).toMatchObject({
      client: "esme",
      to: "491701234567",
      from: "12345",
      source: esme,
      destination: card,
      userData: [packet],
      userDataHeader: true,
      protocolId: 0x7f,
      dataCoding: 0xf6,
      receipt: "always",
      userMessageReference: 0x1234,
    });
    expect((submission?.validUntil ?? 0) - Date.now()).toBeGreaterThan(3_590_000);
  });

  it.each([0, 1, 2, 3, 4, 8, 0xf0, 0xf5, 0xf6])("never touches the octets under data_coding %i", async (dataCoding) => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    const octets = Uint8Array.from({ length: 140 }, (_, i) => (i === 0 ? 2 : i === 1 ? 0x70 : i === 2 ? 0 : i * 7));
    await client.send("submit_sm", commandFields(octets, { data_coding: dataCoding }));
    expect(port.submissions[0]?.userData).toEqual([octets]);
    expect(port.submissions[0]?.dataCoding).toBe(dataCoding);
  });

  it("takes segments in any order, by header, by sar parameters and as one payload", async () => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    const second = Uint8Array.from([5, 0, 3, 0x2a, 2, 2, 1, 2, 3]);
    const first = Uint8Array.from([7, 0, 3, 0x2a, 2, 1, 0x70, 0, 9, 8, 7]);
    await client.send("submit_sm", commandFields(second));
    await client.send("submit_sm", commandFields(first));
    expect(port.submissions.map(({ segment }) => segment)).toEqual([
      { reference: 0x2a, referenceBits: 8, total: 2, sequence: 2 },
      { reference: 0x2a, referenceBits: 8, total: 2, sequence: 1 },
    ]);
    expect(port.submissions.map(({ userData }) => userData[0])).toEqual([second, first]);
    const sar = { esm_class: 0, sar_msg_ref_num: 0x142, sar_total_segments: 2, sar_segment_seqnum: 1 };
    await client.send("submit_sm", commandFields(Uint8Array.of(1, 2, 3), sar));
    expect(port.submissions[2]).toMatchObject({
      userData: [Uint8Array.of(5, 0, 3, 0x42, 2, 1, 1, 2, 3)],
      userDataHeader: true,
      segment: { reference: 0x142, total: 2, sequence: 1 },
    });
    const long = Uint8Array.from({ length: 303 }, (_, i) => (i === 0 ? 2 : i === 1 ? 0x70 : i === 2 ? 0 : i));
    await client.send("submit_sm", commandFields(new Uint8Array(0), { message_payload: Buffer.from(long) }));
    const parts = port.submissions[3]?.userData ?? [];
    expect(parts.map((part) => part.length)).toEqual([140, 140, 40]);
    expect([...parts].flatMap((part, i) => [...part.subarray(i === 0 ? 8 : 6)])).toEqual([...long.subarray(3)]);
    expect(parts[0]?.subarray(0, 8)).toEqual(Uint8Array.of(7, 0, 3, parts[0]?.[3] ?? 0, 3, 1, 0x70, 0));
  });

  it("takes data_sm and submit_multi", async () => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    const { short_message, ...rest } = commandFields(packet);
    const data = await client.send("data_sm", { ...rest, message_payload: short_message });
    expect(data).toMatchObject({ command_status: 0, message_id: "1" });
    expect(port.submissions[0]).toMatchObject({ userData: [packet], protocolId: 0x7f });
    const multi = await client.send("submit_multi", {
      ...commandFields(packet),
      dest_address: [
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "4911" },
        { dl_name: "all" },
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "4912" },
      ],
    });
    expect(multi).toMatchObject({ command_status: 0, message_id: "2" });
    expect(multi.unsuccess_sme).toMatchObject([{ destination_addr: "all", error_status_code: 0x34 }]);
    expect(port.submissions.map(({ to }) => to)).toEqual(["491701234567", "4911", "4912"]);
  });

  it("answers query, cancel and replace", async () => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    await client.send("submit_sm", commandFields(packet));
    expect(await client.send("query_sm", { message_id: "1" })).toMatchObject({ command_status: 0, message_state: 1 });
    port.statuses.set("1", { state: "delivered", finalAt: Date.UTC(2026, 0, 2, 3, 4, 5), error: 0 });
    expect(await client.send("query_sm", { message_id: "1" })).toMatchObject({
      message_state: 2,
      final_date: "260102030405000+",
    });
    expect((await client.send("query_sm", { message_id: "77" })).command_status).toBe(0x0c);
    expect((await client.send("cancel_sm", { message_id: "1" })).command_status).toBe(0);
    expect((await client.send("cancel_sm", { message_id: "1" })).command_status).toBe(0x11);
    expect((await client.send("replace_sm", { message_id: "1", short_message: Buffer.of(1) })).command_status).toBe(
      0x13,
    );
  });

  it.each([
    ["target.unknown", 0x0b],
    ["link.queue-full", 0x14],
    ["job.too-large", 0x01],
    ["store.unavailable", 0x08],
    ["target.no-key", 0x45],
  ] as const)("answers %s with 0x%x", async (code, status) => {
    const { face: opened, port } = await face();
    port.beforeDurable = () => {
      throw new GatewayError(code, "no");
    };
    const client = await connect(opened);
    expect((await client.send("submit_sm", commandFields(packet))).command_status).toBe(status);
  });

  it.each([
    [{ validity_period: "not a time......" }, 0x62],
    [{ validity_period: "200101000000000+" }, 0x62],
    [{ schedule_delivery_time: "261399000000000+" }, 0x61],
    [{ destination_addr: "" }, 0x0b],
    [{ short_message: Buffer.alloc(0) }, 0x01],
  ])("refuses %j", async (fields, status) => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    expect((await client.send("submit_sm", commandFields(packet, fields))).command_status).toBe(status);
    expect(port.submissions).toHaveLength(0);
  });

  it("throttles a client above its rate", async () => {
    const { face: opened, port } = await face({ rate: 10 });
    const client = await connect(opened);
    const all = await Promise.all(Array.from({ length: 20 }, () => client.send("submit_sm", commandFields(packet))));
    expect(new Set(all.map((pdu) => pdu.command_status))).toEqual(new Set([0, 0x58]));
    expect(port.submissions.length).toBeLessThan(10);
  });

  it("keeps what is for a client until it is there and has taken it", async () => {
    const { face: opened, port } = await face();
    const receipt = {
      kind: "receipt",
      source: card,
      destination: esme,
      messageId: "1",
      state: "delivered",
      intermediate: false,
      submittedAt: Date.UTC(2026, 0, 2, 3, 4),
      doneAt: Date.UTC(2026, 0, 2, 3, 5),
      userMessageReference: 7,
    } as const;
    port.queue("esme", por);
    port.queue("esme", receipt);
    const transmitter = await connect(opened, "bind_transmitter");
    const client = await connect(opened, "none");
    let refusals = 1;
    client.answer = () => (refusals-- > 0 ? 0x64 : 0);
    await client.bind();
    await until(() => (port.waiting.get("esme") ?? []).length === 0);
    expect(transmitter.received).toEqual([]);
    const [message] = client.received;
    expect(message).toMatchObject({
      command: "deliver_sm",
      source_addr: "491701234567",
      destination_addr: "12345",
      esm_class: 0x40,
      protocol_id: 0x7f,
      data_coding: 0xf6,
    });
    expect(new Uint8Array(message?.short_message as Buffer)).toEqual(answer);
    const text = client.received.find(({ esm_class }) => esm_class === 4);
    expect(String(text?.short_message)).toBe(
      "id:1 sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:",
    );
    expect(text).toMatchObject({ receipted_message_id: "1", message_state: 2, user_message_reference: 7 });
    expect(client.received).toHaveLength(3);
  });

  it("sends again what was not acknowledged when the client went away, and lets go of what it refuses", async () => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    client.session.removeAllListeners("pdu");
    const seen: unknown[] = [];
    client.session.on("pdu", (pdu) => seen.push(pdu));
    port.queue("esme", por);
    await until(() => seen.length === 1);
    client.close();
    const again = await connect(opened);
    await until(() => again.received.length === 1);
    await until(() => (port.waiting.get("esme") ?? []).length === 0);
    again.answer = () => 0x65;
    port.queue("esme", por);
    await until(() => port.refusals.length === 1);
    expect(port.refusals[0]?.status).toBe(0x65);
  });

  it("delivers by data_sm to a client that wants it so", async () => {
    const { face: opened, port } = await face({ deliverAs: "data_sm" });
    const client = await connect(opened);
    port.queue("esme", por);
    await until(() => client.received.length === 1);
    expect(client.received[0]).toMatchObject({ command: "data_sm", esm_class: 0x40 });
    expect(new Uint8Array(client.received[0]?.message_payload as Buffer)).toEqual(answer);
  });

  it("drains thousands of deliveries over a small window, each once", async () => {
    const { face: opened, port } = await face({ window: 10 });
    for (let i = 0; i < 2_000; i++) port.queue("esme", { ...por, userData: Uint8Array.of(0, i >> 8, i & 0xff) });
    const client = await connect(opened);
    await until(() => (port.waiting.get("esme") ?? []).length === 0, 60_000);
    const ids = client.received.map(({ short_message }) => (short_message as Buffer).readUInt16BE(1));
    expect(new Set(ids).size).toBe(2_000);
    expect(ids).toHaveLength(2_000);
  });

  it("sends nothing twice from an outbox that is slow to forget, and goes on when it fails", async () => {
    const { face: opened, port } = await face({ window: 4 });
    const { pull, done } = port.outbox;
    const nap = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    let failures = 1;
    port.outbox.pull = async (client, limit) => {
      const items = await pull(client, limit);
      await nap(3);
      if (failures-- > 0) throw new GatewayError("store.unavailable", "away");
      return items;
    };
    port.outbox.done = async (client, id) => {
      await nap(1);
      await done(client, id);
    };
    for (let i = 0; i < 200; i++) port.queue("esme", { ...por, userData: Uint8Array.of(0, 0, i) });
    const client = await connect(opened);
    await until(() => port.waiting.get("esme")?.length === 0, 15_000);
    expect(client.received.map(({ short_message }) => (short_message as Buffer)[2])).toEqual([...Array(200).keys()]);
  });

  it("moves a delivery to another session when one is lost", async () => {
    const { face: opened, port } = await face();
    const first = await connect(opened);
    first.session.removeAllListeners("pdu");
    port.queue("esme", por);
    await until(() => opened.connections[0]?.inFlight === 1);
    const second = await connect(opened);
    first.close();
    await until(() => second.received.length === 1);
    await until(() => port.waiting.get("esme")?.length === 0);
  });

  it("lets go of a delivery that SMPP cannot carry", async () => {
    const { face: opened, port } = await face();
    const client = await connect(opened);
    port.queue("esme", { ...por, source: { ton: 1, npi: 1, addr: "1".repeat(30) } });
    port.queue("esme", por);
    await until(() => client.received.length === 1 && port.refusals.length === 1);
    expect(port.refusals[0]?.status).toBe(0x08);
  });

  it("closes a connection that does not bind, and those above the limit", async () => {
    const { face: opened } = await face({}, { times: { bindMs: 60 }, maxConnectionsPerAddress: 1 });
    const client = await connect(opened, "none");
    const other = new NpmClient(opened.port);
    clients.push(other);
    await new Promise((resolve) => other.session.once("close", resolve));
    await new Promise((resolve) => client.session.once("close", resolve));
    expect(opened.connections).toEqual([]);
  });

  it("unbinds its clients when it stops", async () => {
    const { face: opened } = await face();
    const client = await connect(opened);
    await opened[Symbol.asyncDispose]();
    expect(client.received.map(({ command }) => command)).toEqual(["unbind"]);
  });
});
