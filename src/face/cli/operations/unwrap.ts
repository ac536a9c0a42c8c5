import { z } from "zod";
import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { porStatus, porStatusName } from "../../../codec/ota/por-status.ts";
import { type Protection, parseSpi, spiBytes } from "../../../codec/ota/spi.ts";
import type { Assembled } from "../../../codec/sms/concatenation.ts";
import { admitCommand } from "../../../crypto/admission.ts";
import { type OpenedCommand, openCommand } from "../../../crypto/command-packet.ts";
import { PacketKeys } from "../../../crypto/packet-keys.ts";
import { openResponse } from "../../../crypto/response-packet.ts";
import {
  counterField,
  counterText,
  hexField,
  hexListField,
  implicitField,
  kindField,
  octetField,
  octetText,
  swText,
} from "./field.ts";
import { gatherPacket } from "./gather.ts";
import { type Answer, operation } from "./operation.ts";
import { decodedCommand, decodedResponse } from "./script-shape.ts";

const input = z.object({
  /** The sender's record of its command; with it a response packet is opened. */
  spi: hexField(2).nullish(),
  kic: octetField.nullish(),
  kid: octetField.nullish(),
  expect_tar: hexField(3).nullish(),
  expect_cntr: counterField.nullish(),
  tar: hexField(3).nullish(),
  cntr: counterField.nullish(),
  kic_key: hexField().nullish(),
  kid_key: hexField().nullish(),
  cc_len: z.int().min(0).max(8).nullish(),
  implicit: implicitField.nullish(),
  tp_ud: hexListField.nullish(),
  /** Indices into `tp_ud` in the order of arrival. */
  arrival_order: z.array(z.int().min(0)).nullish(),
  /** A packet without user data header. */
  packet: hexField().nullish(),
  kind: kindField,
  /** The counter that the receiver of a command has stored. */
  stored_cntr: counterField.nullish(),
  lenient: z.boolean().nullish(),
});

type Input = z.output<typeof input>;

/**
 * Opens a secured packet: a response packet if the `spi` of its command is given, otherwise a command packet. ETSI
 * TS 102 225 §5, 3GPP TS 31.115 §4
 */
export const unwrap = operation({
  name: "scp80 unwrap",
  input,
  run: (input): Answer => {
    const keys = new PacketKeys({
      kic: input.kic_key ?? undefined,
      kid: input.kid_key ?? undefined,
      implicit: input.implicit ?? undefined,
    });
    const assembled = packetOf(input);
    return assembled.security === "response" ? response(assembled, input, keys) : command(assembled, input, keys);
  },
});

function packetOf(input: Input): Assembled {
  const kind = input.kind ?? (input.spi ? "response" : undefined);
  if (input.packet) {
    return { security: kind ?? "command", header: new Uint8Array(0), body: input.packet, segments: 1 };
  }
  const given = input.tp_ud ?? [];
  if (given.length === 0) throw new GatewayError("api.usage", "tp_ud is required", { detail: { field: "tp_ud" } });
  const order = input.arrival_order ?? given.map((_, index) => index);
  return gatherPacket(
    order.flatMap((index) => given[index] ?? []),
    kind,
  );
}

function response(assembled: Assembled, input: Input, keys: PacketKeys): Answer {
  const { spi, kic, kid } = input;
  if (!spi) {
    throw new GatewayError("api.usage", "spi: the SPI of the command is required to open a response packet", {
      detail: { field: "spi" },
    });
  }
  try {
    const opened = openResponse(
      assembled.body,
      {
        spi: parseSpi(spi),
        kic: kic ?? 0,
        kid: kid ?? 0,
        tar: input.expect_tar ?? input.tar ?? undefined,
        cntr: input.expect_cntr ?? input.cntr ?? undefined,
        ccLength: input.cc_len || undefined,
      },
      keys,
      {
        base: assembled.header.length,
        lenient: input.lenient ?? false,
        ...(assembled.segments > 1 ? { udh: assembled.header } : {}),
      },
    );
    const { trailingSw } = opened.packet;
    return {
      kind: "response",
      status: opened.status,
      status_name: porStatusName(opened.status),
      tar: toHex(opened.tar),
      cntr: counterText(opened.cntr),
      pcntr: opened.pcntr,
      rhl: opened.rhl,
      rpl: opened.rpl,
      rc_cc: toHex(opened.check),
      data: toHex(opened.data),
      padding: toHex(opened.padding),
      packet: toHex(assembled.body.subarray(0, 2 + opened.rpl)),
      authenticated: authenticates(opened.integrity),
      ...decodedResponse(opened.data),
      ...(opened.ccVariant === "standard" ? {} : { cc_variant: opened.ccVariant }),
      ...(opened.oddities.length === 0 ? {} : { oddities: opened.oddities }),
      ...(trailingSw === undefined ? {} : { trailing_sw: swText(trailingSw) }),
    };
  } catch (error) {
    throw withStatus(error);
  }
}

/** An RC detects accidental errors only; only a CC or DS authenticates the sender. */
function authenticates(integrity: Protection): boolean {
  return integrity === "cc" || integrity === "ds";
}

/** Adds the facts about the packet that an error contains to its answer. */
function withStatus(error: unknown): unknown {
  if (!isGatewayError(error)) return error;
  const { status, statusName, ccVariant } = error.detail;
  const answer = {
    ...(typeof status === "number" ? { status, status_name: statusName, authenticated: false } : {}),
    ...withoutUndefined({ cc_variant: ccVariant }),
  };
  return Object.keys(answer).length === 0 ? error : withAnswer(error, answer);
}

function withAnswer(error: GatewayError, answer: Answer): GatewayError {
  return error.with({ detail: { answer } });
}

function command(assembled: Assembled, input: Input, keys: PacketKeys): Answer {
  const ccLength = input.cc_len || undefined;
  if (input.stored_cntr !== null && input.stored_cntr !== undefined) {
    return admission(assembled, input.stored_cntr, ccLength, keys);
  }
  const base = assembled.header.length;
  return commandShape(openCommand(assembled.body, keys, { base, ccLength, lenient: input.lenient ?? true }));
}

/** The application of an eUICC that drops packets without full security: the ISD-R. SGP.02 §2.4.3 */
const strictTar = "000001";

function admission(assembled: Assembled, stored: number, ccLength: number | undefined, keys: PacketKeys): Answer {
  const strict = toHex(assembled.body.subarray(7, 10)) === strictTar;
  const verdict = admitCommand(assembled.body, { keys, stored, ccLength, strict });
  if (verdict.at === "accepted") {
    return { ...commandShape(verdict.command), reject_status: null, por_sent: verdict.por };
  }
  const { status, por, reason } = verdict;
  const answer = {
    reject_status: status ?? null,
    ...(status === undefined ? {} : { reject_status_name: porStatusName(status) }),
    por_sent: por,
  };
  const counted =
    status === porStatus.counterLow || status === porStatus.counterHigh || status === porStatus.counterBlocked;
  if (!counted) throw withAnswer(reason, answer);
  throw new GatewayError("packet.counter-low", reason.message, { detail: { ...reason.detail, answer }, cause: reason });
}

function commandShape(opened: OpenedCommand): Answer {
  const { packet } = opened;
  return {
    kind: "command",
    spi: toHex(spiBytes(packet.spi)),
    kic: octetText(packet.kic),
    kid: octetText(packet.kid),
    tar: toHex(packet.tar),
    cntr: counterText(opened.cntr),
    pcntr: opened.pcntr,
    cpl: packet.cpl,
    chl: packet.chl,
    rc_cc: toHex(opened.check),
    data: toHex(opened.data),
    padding: toHex(opened.padding),
    ...(opened.uncounted.length === 0 ? {} : { uncounted_padding: toHex(opened.uncounted) }),
    authenticated: authenticates(opened.integrity),
    ...decodedCommand(opened.data),
    ...(opened.oddities.length === 0 ? {} : { oddities: opened.oddities }),
  };
}
