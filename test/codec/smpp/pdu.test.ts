import { describe, expect, it } from "vitest";
import { type PackagePdu, smppPackage } from "../../../simulators/smsc/smpp-package.ts";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { commandId, decodePdu, encodePdu, type Pdu } from "../../../src/codec/smpp/pdu.ts";
import * as fc from "../../fast-check.ts";

const text = (max: number) =>
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: max - 1 });
const octet = fc.integer({ min: 0, max: 255 });
const bytes = (max: number) => fc.uint8Array({ maxLength: max });
const address = (max = 21) => fc.record({ ton: octet, npi: octet, addr: text(max) });
const tlvs = fc.record(
  {
    userMessageReference: fc.integer({ min: 0, max: 0xffff }),
    receiptedMessageId: text(65).filter((id) => !id.endsWith("\0")),
    messageState: octet,
    networkErrorCode: fc.uint8Array({ minLength: 3, maxLength: 3 }),
    messagePayload: bytes(2_000),
    sarMsgRefNum: fc.integer({ min: 0, max: 0xffff }),
    qosTimeToLive: fc.integer({ min: 0, max: 0xffffffff }),
    unknown: fc.array(fc.record({ tag: fc.integer({ min: 0x1400, max: 0x3fff }), value: bytes(40) }), {
      minLength: 1,
      maxLength: 4,
    }),
  },
  { requiredKeys: [] },
);
const head = fc.record({ sequence: fc.integer({ min: 0, max: 0xffffffff }) });
const messageFields = {
  serviceType: text(6),
  source: address(),
  esmClass: octet,
  protocolId: octet,
  priorityFlag: octet,
  scheduleDeliveryTime: text(17),
  validityPeriod: text(17),
  registeredDelivery: octet,
  replaceIfPresentFlag: octet,
  dataCoding: octet,
  smDefaultMsgId: octet,
  shortMessage: bytes(254),
  tlvs,
};
const bind = fc.record({
  systemId: text(16),
  password: text(9),
  systemType: text(13),
  interfaceVersion: octet,
  addrTon: octet,
  addrNpi: octet,
  addressRange: text(41),
  tlvs,
});
const bodies = {
  bind_transceiver: bind,
  bind_transmitter: bind,
  bind_receiver: bind,
  submit_sm: fc.record({ ...messageFields, destination: address() }),
  deliver_sm: fc.record({ ...messageFields, destination: address() }),
  submit_multi: fc.record({
    ...messageFields,
    destinations: fc.array(
      fc.oneof(
        address().map((one) => ({ to: "address", address: one }) as const),
        text(21).map((name) => ({ to: "list", name }) as const),
      ),
      { maxLength: 5 },
    ),
  }),
  data_sm: fc.record({
    serviceType: text(6),
    source: address(65),
    destination: address(65),
    esmClass: octet,
    registeredDelivery: octet,
    dataCoding: octet,
    tlvs,
  }),
  query_sm: fc.record({ messageId: text(65), source: address(), tlvs }),
  cancel_sm: fc.record({ serviceType: text(6), messageId: text(65), source: address(), destination: address(), tlvs }),
  alert_notification: fc.record({ source: address(65), esme: address(65), tlvs }),
  submit_sm_resp: fc.record({ messageId: text(65), tlvs }),
  query_sm_resp: fc.record({ messageId: text(65), finalDate: text(17), messageState: octet, errorCode: octet, tlvs }),
  submit_multi_resp: fc.record({
    messageId: text(65),
    unsuccessful: fc.array(fc.record({ address: address(), errorStatus: fc.integer({ min: 0, max: 0xffffffff }) }), {
      maxLength: 4,
    }),
    tlvs,
  }),
  enquire_link: fc.record({ tlvs }),
};
const pdus = fc.oneof(
  ...Object.entries(bodies).map(([command, body]) =>
    fc
      .tuple(head, body as fc.Arbitrary<unknown>)
      .map(([{ sequence }, value]) => ({ command, status: 0, sequence, body: value }) as Pdu),
  ),
);

describe("SMPP PDUs", () => {
  it("come back as they were written, whatever is in them", () => {
    fc.assert(
      fc.property(pdus, (pdu) => {
        expect(decodePdu(encodePdu(pdu))).toEqual(pdu);
      }),
      { numRuns: 500 },
    );
  });

  it("throw with a field and an offset when they are cut off anywhere, and never hang", () => {
    fc.assert(
      fc.property(pdus, fc.double({ min: 0, max: 1, noNaN: true }), (pdu, where) => {
        const whole = encodePdu(pdu);
        const cut = whole.slice(0, 16 + Math.floor((whole.length - 16) * where));
        new DataView(cut.buffer).setUint32(0, cut.length);
        try {
          decodePdu(cut);
        } catch (error) {
          if (!isGatewayError(error)) throw error;
          expect(error.code).toMatch(/^codec\./);
          expect(error.detail).toMatchObject({ offset: expect.any(Number), field: expect.any(String) });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keep error responses without a body apart from those with one", () => {
    const bare = fromHex("00000010 80000004 00000058 00000001");
    expect(decodePdu(bare)).toEqual({ command: "submit_sm_resp", status: 0x58, sequence: 1, body: undefined });
    const nul = fromHex("00000011 80000004 00000058 00000001 00");
    expect(decodePdu(nul)).toMatchObject({ status: 0x58, body: { messageId: "" } });
    expect(toHex(encodePdu(decodePdu(bare)))).toBe(toHex(bare));
    expect(toHex(encodePdu(decodePdu(nul)))).toBe(toHex(nul));
  });

  it("keep parameters that are unknown, doubled or of a wrong length", () => {
    const body = "00 ".repeat(17);
    const given = `00000036 00000005 00000000 00000001 ${body} 0204 0002 0001 0204 0002 0002 0427 0000 1501 0001 AA`;
    const pdu = decodePdu(fromHex(given));
    expect(pdu.body?.tlvs).toEqual({
      userMessageReference: 1,
      unknown: [
        { tag: 0x0204, value: Uint8Array.of(0, 2) },
        { tag: 0x0427, value: new Uint8Array(0) },
        { tag: 0x1501, value: Uint8Array.of(0xaa) },
      ],
    });
    expect(decodePdu(encodePdu(pdu))).toEqual(pdu);
  });

  it.each([
    ["a parameter that is cut", "0427 0001 02 0204 0002 00", { messageState: 2, rest: "0204000200" }],
    ["a parameter without its value", "0204 0002", { rest: "02040002" }],
    ["half a tag", "0427 0001 02 04", { messageState: 2, rest: "04" }],
    ["octets that are no parameter", "00", { rest: "00" }],
  ])("keep %s, and write it back", (_, given, { rest, ...tlvs }) => {
    const octets = fromHex(given);
    const message = fromHex("00 ".repeat(17));
    for (const [id, body] of [
      ["00000005", message],
      ["80000005", fromHex("00")],
      ["00000015", new Uint8Array(0)],
      ["80000004", fromHex("3100")],
    ] as const) {
      const length = 16 + body.length + octets.length;
      const bytes = fromHex(`${length.toString(16).padStart(8, "0")} ${id} 00000000 00000001 ${toHex(body)} ${given}`);
      const pdu = decodePdu(bytes);
      expect(pdu.body?.tlvs).toEqual({ ...tlvs, rest: fromHex(rest) });
      expect(toHex(encodePdu(pdu))).toBe(toHex(bytes));
    }
  });

  it("read an id without its NUL as far as the PDU goes", () => {
    const bytes = fromHex("00000013 80000004 00000000 00000001 414231");
    expect(decodePdu(bytes).body).toEqual({ messageId: "AB1", tlvs: {} });
  });

  it("refuse what does not fit when written, and say which field", () => {
    const bindBody = {
      systemId: "sixteen-letters!",
      password: "",
      systemType: "",
      interfaceVersion: 0x34,
      addrTon: 0,
      addrNpi: 0,
      addressRange: "",
      tlvs: {},
    };
    const write = (body: typeof bindBody) => () =>
      encodePdu({ command: "bind_transceiver", status: 0, sequence: 1, body });
    expect(write(bindBody)).toThrow(
      expect.objectContaining({ code: "codec.length", detail: expect.objectContaining({ field: "system_id" }) }),
    );
    expect(write({ ...bindBody, systemId: "a\0b" })).toThrow(expect.objectContaining({ code: "codec.text" }));
    expect(write({ ...bindBody, systemId: "a", addrTon: 256 })).toThrow(
      expect.objectContaining({ code: "codec.value" }),
    );
  });
});

describe("SMPP PDUs and npm smpp", () => {
  const smpp = smppPackage();
  const parse = (octets: Uint8Array): PackagePdu => new smpp.PDU(Buffer.from(octets) as unknown as string);
  const ud = Uint8Array.from({ length: 140 }, (_, i) => 255 - i);
  const fields = {
    service_type: "OTA",
    source_addr_ton: 3,
    source_addr_npi: 1,
    source_addr: "12345",
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: "491701234567",
    esm_class: 0x40,
    protocol_id: 0x7f,
    priority_flag: 1,
    schedule_delivery_time: "",
    validity_period: "000000010000000R",
    registered_delivery: 1,
    replace_if_present_flag: 0,
    data_coding: 0xf6,
    sm_default_msg_id: 0,
    short_message: Buffer.from(ud),
  };
  const body = {
    serviceType: "OTA",
    source: { ton: 3, npi: 1, addr: "12345" },
    destination: { ton: 1, npi: 1, addr: "491701234567" },
    esmClass: 0x40,
    protocolId: 0x7f,
    priorityFlag: 1,
    scheduleDeliveryTime: "",
    validityPeriod: "000000010000000R",
    registeredDelivery: 1,
    replaceIfPresentFlag: 0,
    dataCoding: 0xf6,
    smDefaultMsgId: 0,
    shortMessage: ud,
    tlvs: { userMessageReference: 0x1234, messageState: 2, receiptedMessageId: "abc" },
  };

  it("agree on every octet of a message", () => {
    const theirs = new smpp.PDU("submit_sm", {
      ...fields,
      sequence_number: 77,
      user_message_reference: 0x1234,
      message_state: 2,
      receipted_message_id: "abc",
    }).toBuffer();
    expect(toHex(encodePdu({ command: "submit_sm", status: 0, sequence: 77, body }))).toBe(toHex(theirs));
    expect(decodePdu(new Uint8Array(theirs))).toEqual({ command: "submit_sm", status: 0, sequence: 77, body });
  });

  it("agree on the command ids", () => {
    for (const [command, id] of Object.entries(commandId)) {
      expect((smpp.commands[command] as unknown as { id: number }).id).toBe(id);
    }
  });

  it("read each other's answers", () => {
    const theirs = new smpp.PDU("bind_transceiver_resp", {
      system_id: "SMSC",
      sc_interface_version: 0x34,
      sequence_number: 1,
    });
    expect(decodePdu(new Uint8Array(theirs.toBuffer())).body).toEqual({
      systemId: "SMSC",
      tlvs: { scInterfaceVersion: 0x34 },
    });
    const ours = encodePdu({ command: "submit_sm_resp", status: 0, sequence: 3, body: { messageId: "9F", tlvs: {} } });
    expect(parse(ours)).toMatchObject({ command: "submit_sm_resp", message_id: "9F", sequence_number: 3 });
  });
});
