import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { SmscConversations } from "../../../src/gateway/smsc/conversations.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { benchWith } from "../bench.ts";

const smpp = createRequire(import.meta.url)("smpp") as {
  connect(options: object, ready: () => void): Client;
};

interface Pdu {
  readonly command: string;
  readonly command_status: number;
  readonly message_id?: string;
  readonly short_message?: { readonly message: Buffer; readonly udh?: Buffer[] | Buffer };
  readonly esm_class?: number;
  readonly message_state?: number;
  readonly source_addr?: string;
  response(fields?: object): object;
}

interface Client {
  bind_transceiver(fields: object, answer: (pdu: Pdu) => void): void;
  submit_sm(fields: object, answer: (pdu: Pdu) => void): void;
  send(pdu: object): void;
  on(event: string, listener: (pdu: Pdu) => void): void;
  close(): void;
  destroy(): void;
}

/** Enable script of the documented test card under CNTR 1, SPI 1639, from an independent encoder. */
const packet = Buffer.from(
  "003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98",
  "hex",
);

async function platform(port: number): Promise<{ client: Client; heard: Pdu[] }> {
  const heard: Pdu[] = [];
  const client = await new Promise<Client>((resolve) => {
    const one = smpp.connect({ url: `smpp://127.0.0.1:${port}` }, () => resolve(one));
  });
  client.on("error", () => {});
  client.on("pdu", (pdu) => {
    if (pdu.command !== "deliver_sm") return;
    heard.push(pdu);
    client.send(pdu.response());
  });
  const bound = await new Promise<Pdu>((resolve) =>
    client.bind_transceiver({ system_id: "smsr", password: "secret" }, resolve),
  );
  expect(bound.command_status).toBe(0);
  return { client, heard };
}

const submit = (client: Client, to: string, body: Buffer, more: object = {}) =>
  new Promise<Pdu>((resolve) =>
    client.submit_sm(
      {
        source_addr: "12345",
        destination_addr: to,
        esm_class: 0x40,
        protocol_id: 0x7f,
        data_coding: 0xf6,
        short_message: Buffer.concat([Buffer.from("027000", "hex"), body]),
        registered_delivery: 1,
        ...more,
      },
      resolve,
    ),
  );

describe("the SMSC face over the gateway", () => {
  it("lets another platform switch a card in a reader: packet untouched, PoR, notification and receipt come back", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    await bench.targets.change(card.state.eid, { msisdn: "447700900123" });
    const desk = new SmscConversations(bench.useCaseDeps);
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0 },
      {
        port: desk,
        clock: systemClock,
        log: silentLog,
        authenticate: async () => ({ systemId: "smsr", maxBinds: 2, window: 10, deliverAs: "deliver_sm" as const }),
      },
    );
    const { client, heard } = await platform(face.port);
    const refused = await submit(client, "4999", packet);
    expect(refused.command_status).toBe(0x0b);
    const accepted = await submit(client, "447700900123", packet);
    expect(accepted.command_status).toBe(0);
    await bench.until(async () => (heard.length >= 4 ? true : undefined));
    expect(Buffer.from(link.submitted[0]?.userData ?? []).toString("hex")).toBe(`027000${packet.toString("hex")}`);
    const receipt = heard.find((pdu) => ((pdu.esm_class ?? 0) & 0x3c) === 0x04);
    expect(receipt?.source_addr).toBe("447700900123");
    const messages = heard.filter((pdu) => ((pdu.esm_class ?? 0) & 0x3c) === 0);
    // The direct report (0B), the real PoR and the notification of the switch, as the card sent them.
    expect(messages.length).toBe(3);
    const { items } = { items: await bench.store.read((r) => r.notifications.list(undefined, undefined, 10)) };
    expect(items[0]).toMatchObject({ type: 2, confirmation: "upstream" });
    client.destroy();
  });
});
