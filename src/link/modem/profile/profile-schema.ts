import { z } from "zod";
import { budgets } from "../../../codec/at/command.ts";
import { urcEvents } from "../../../codec/at/urc.ts";
import { quirkNames } from "./quirks.ts";

const slug = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
const usbId = z
  .string()
  .regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/)
  .describe("idVendor:idProduct, lower case");
const at = z
  .string()
  .regex(/^[Aa][Tt]\P{Cc}*$/u)
  .describe("One AT command without its line end");
const anchored = z
  .string()
  .regex(/^\^/)
  .refine((source) => compiles(source), "is not a regular expression")
  .describe("Regular expression, anchored at the start of the line");
const iface = z.int().min(0).max(31);
const millis = z.int().min(50).max(900_000);

const query = z.strictObject({
  command: at,
  pattern: anchored.describe("Its first group is the value"),
  decode: z.enum(["plain", "swap-nibbles"]).optional(),
});

const usbPorts = z.strictObject({
  at: iface.optional().describe("bInterfaceNumber of the port for AT commands"),
  atSecondary: iface.optional(),
  ppp: iface.optional(),
  nmea: iface.optional(),
  diag: iface.optional(),
  ignore: z.array(iface).optional(),
});

/** A hardware profile as its file holds it: data only, no conditions. */
export const ProfileFile = z
  .strictObject({
    $schema: z.string().optional(),
    name: slug.describe("Unique: the file's folder and name, joined by a hyphen"),
    title: z.string(),
    extends: slug.optional().describe("Profile from which missing fields are inherited"),
    abstract: z.boolean().optional().describe("Only for extends, never selected"),
    vendor: z.string().optional(),
    models: z.array(z.string()).optional().describe("Responses to +CGMM, one example for each module"),
    match: z
      .strictObject({
        usb: z.array(usbId).optional(),
        maker: anchored.optional().describe("Matched against +CGMI, ignoring case"),
        model: anchored.optional().describe("Matched against +CGMM, ignoring case"),
      })
      .optional(),
    ports: usbPorts.optional(),
    portsByUsb: z.record(usbId, usbPorts).optional().describe("Other interface numbers for some USB ids"),
    uart: z
      .strictObject({
        baud: z.int().min(300).max(4_000_000).optional().describe("Bits per second of a serial line"),
        flow: z.enum(["none", "rtscts", "xonxoff"]).optional().describe("Flow control of a serial line"),
      })
      .optional(),
    startup: z
      .strictObject({
        ready: anchored.optional().describe("The line after which the module takes commands"),
        banner: z.array(z.string()).optional().describe("Lines after power-on, in order, as sent by the simulator"),
        waitMs: millis.optional().describe("How long the ready line may take after a start"),
        probes: z.int().min(1).max(60).optional().describe("How many times AT is tried, one second each"),
      })
      .optional(),
    init: z.array(at).optional().describe("Sent at each start; a command that fails is reported and skipped"),
    identity: z
      .strictObject({
        imei: z.array(query).optional(),
        imsi: z.array(query).optional(),
        iccid: z.array(query).optional(),
        eid: z.array(query).optional().describe("In addition to GET DATA from the card, which is always tried"),
      })
      .optional(),
    card: z
      .strictObject({
        access: z.array(z.enum(["cgla", "csim"])).optional(),
        maxData: z.int().min(1).max(65_536).optional().describe("Maximum octets of a response, without SW1 SW2"),
        envelope: z.enum(["csim", "none", "unknown"]).optional(),
        prepare: z.array(at).optional().describe("Sent once before the card is used, for example to free the ISD-R"),
      })
      .optional(),
    sms: z
      .strictObject({
        service: z
          .union([z.literal(0), z.literal(1)])
          .optional()
          .describe("+CSMS"),
        indications: z
          .array(z.string().regex(/^\d(,\d){1,4}$/))
          .optional()
          .describe("+CNMI settings, in the order in which they are tried"),
        storages: z
          .array(z.enum(["SM", "ME", "MT", "SR"]))
          .optional()
          .describe("Memories to select and poll"),
        acknowledge: z.enum(["when-phase2+", "always", "never"]).optional().describe("+CNMA after +CMT"),
        moreMessages: z.boolean().optional().describe("+CMMS"),
        list: z.boolean().optional().describe("+CMGL works; otherwise messages are read one by one"),
        perMinute: z.int().min(1).max(600).optional().describe("Maximum messages a minute"),
        prepare: z.array(at).optional(),
      })
      .optional(),
    network: z
      .strictObject({
        registration: z.array(z.enum(["CREG", "CGREG", "CEREG", "C5GREG"])).optional(),
        signal: z.array(z.enum(["csq", "cesq"])).optional(),
      })
      .optional(),
    toolkit: z
      .strictObject({
        dialect: z
          .enum(["none", "usat-raw", "menu-stin", "menu-stn", "menu-sstn", "unknown"])
          .optional()
          .describe("How its toolkit lines report commands of the card: REFRESH is followed"),
        query: query.optional().describe("Query for the mode; the first group is compared with `on`"),
        on: z.string().optional(),
        enable: z.array(at).optional(),
        enableNeedsRestart: z.boolean().optional(),
      })
      .optional(),
    power: z
      .strictObject({
        restart: z.array(at).optional().describe("Full restart of the module"),
        off: z.array(at).optional().describe("Run before its power is cut"),
        simReset: z.array(at).optional().describe("Makes the module read the card again without a restart"),
        bootMs: millis.optional().describe("How long it may be silent after a restart"),
        reenumerates: z.boolean().optional().describe("A restart takes it off the USB bus: its port is closed first"),
      })
      .optional(),
    urcs: z
      .array(
        z.strictObject({
          pattern: anchored,
          event: z.enum(urcEvents),
          lines: z
            .union([z.literal(1), z.literal(2)])
            .optional()
            .describe("2: a data line follows"),
        }),
      )
      .optional()
      .describe("Matched before those of the inherited profile"),
    timeoutsMs: z.partialRecord(z.enum([...budgets, "resync"]), millis).optional(),
    quirks: z.array(z.enum(quirkNames)).optional(),
    sources: z
      .array(
        z.strictObject({
          id: slug,
          kind: z.enum(["manual", "source-code", "issue", "measured", "memory"]),
          title: z.string(),
          url: z.string().optional(),
          covers: z.array(z.string()).optional().describe("JSON pointers of the fields it supports"),
        }),
      )
      .optional()
      .describe("Origin of the facts"),
    verified: z
      .array(z.strictObject({ firmware: z.string(), on: z.iso.date(), by: z.string().optional() }))
      .optional()
      .describe("Real units that were tested; empty: none"),
  })
  .describe("otagate hardware profile of a modem");

export type ProfileFile = z.infer<typeof ProfileFile>;

/** Fields of earlier releases that are no longer read: a user's file with them is still used, with a warning. */
const retiredFields = ["/card/files", "/toolkit/bip", "/uart/autobaud", "/capabilities"];

/** The content of a profile file without retired fields, and the JSON pointers of those that were removed. */
export function withoutRetired(content: unknown): { readonly content: unknown; readonly retired: readonly string[] } {
  const retired = retiredFields.filter((pointer) => holds(content, pointer.split("/").slice(1)));
  if (retired.length === 0) return { content, retired };
  const kept = retired.reduce((left, pointer) => without(left, pointer.split("/").slice(1)), content);
  return { content: coverNothing(kept, retired), retired };
}

function holds(value: unknown, [key = "", ...rest]: readonly string[]): boolean {
  if (!isObject(value) || !Object.hasOwn(value, key)) return false;
  return rest.length === 0 || holds(value[key], rest);
}

function without(value: unknown, [key = "", ...rest]: readonly string[]): unknown {
  if (!isObject(value)) return value;
  const { [key]: inner, ...others } = value;
  return rest.length === 0 ? others : { ...others, [key]: without(inner, rest) };
}

/** Removes references to retired fields from the sources. */
function coverNothing(content: unknown, retired: readonly string[]): unknown {
  if (!isObject(content) || !Array.isArray(content.sources)) return content;
  const gone = (pointer: unknown) =>
    retired.some((field) => typeof pointer === "string" && (pointer === field || pointer.startsWith(`${field}/`)));
  const sources = content.sources.map((source: unknown) =>
    isObject(source) && Array.isArray(source.covers)
      ? { ...source, covers: source.covers.filter((pointer: unknown) => !gone(pointer)) }
      : source,
  );
  return { ...content, sources };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function compiles(source: string): boolean {
  try {
    return new RegExp(source, "u") !== undefined;
  } catch {
    return false;
  }
}
