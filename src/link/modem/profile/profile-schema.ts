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
  .describe("One AT command line without its line end");
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
    name: slug.describe("Unique; the file's folder and name joined by a hyphen"),
    title: z.string(),
    extends: slug.optional().describe("One profile whose fields are taken where this one has none"),
    abstract: z.boolean().optional().describe("Only for extends, never matched"),
    vendor: z.string().optional(),
    models: z.array(z.string()).optional().describe("What +CGMM answers, one example for each module covered"),
    match: z
      .strictObject({
        usb: z.array(usbId).optional(),
        maker: anchored.optional().describe("Against +CGMI, without regard to case"),
        model: anchored.optional().describe("Against +CGMM, without regard to case"),
      })
      .optional(),
    ports: usbPorts.optional(),
    portsByUsb: z.record(usbId, usbPorts).optional().describe("Other interface numbers for some USB ids"),
    uart: z
      .strictObject({
        baud: z.int().optional(),
        autobaud: z.boolean().optional(),
        flow: z.enum(["none", "rtscts", "xonxoff"]).optional(),
      })
      .optional(),
    startup: z
      .strictObject({
        ready: anchored.optional().describe("The line that says the module takes commands"),
        banner: z.array(z.string()).optional().describe("Lines after power-on, in order, as the simulator plays them"),
        waitMs: millis.optional(),
        probes: z.int().min(1).max(60).optional().describe("How often AT is tried, one second each"),
      })
      .optional(),
    init: z.array(at).optional().describe("Run at each start; one that fails is reported and skipped"),
    identity: z
      .strictObject({
        imei: z.array(query).optional(),
        imsi: z.array(query).optional(),
        iccid: z.array(query).optional(),
        eid: z.array(query).optional().describe("Beside GET DATA from the card, which is always tried"),
      })
      .optional(),
    card: z
      .strictObject({
        access: z.array(z.enum(["cgla", "csim"])).optional(),
        files: z.enum(["crsm", "none"]).optional(),
        maxData: z.int().min(1).max(65_536).optional().describe("Octets of an answer, without SW1 SW2"),
        envelope: z.enum(["csim", "none", "unknown"]).optional(),
        prepare: z.array(at).optional().describe("Run once before the card is used, such as freeing ISD-R"),
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
          .describe("+CNMI settings in the order to try"),
        storages: z
          .array(z.enum(["SM", "ME", "MT", "SR"]))
          .optional()
          .describe("Memories to set and to poll"),
        acknowledge: z.enum(["when-phase2+", "always", "never"]).optional().describe("+CNMA after +CMT"),
        moreMessages: z.boolean().optional().describe("+CMMS"),
        list: z.boolean().optional().describe("+CMGL works; else slots are read one by one"),
        perMinute: z.int().min(1).max(600).optional().describe("Messages a minute at most"),
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
        dialect: z.enum(["none", "usat-raw", "menu-stin", "menu-stn", "menu-sstn", "unknown"]).optional(),
        query: query.optional().describe("Asks for the mode; the first group is compared with `on`"),
        on: z.string().optional(),
        enable: z.array(at).optional(),
        enableNeedsRestart: z.boolean().optional(),
        bip: z.enum(["modem", "host-confirm", "none", "unknown"]).optional(),
      })
      .optional(),
    power: z
      .strictObject({
        restart: z.array(at).optional().describe("Full restart of the module"),
        off: z.array(at).optional(),
        simReset: z.array(at).optional().describe("Makes it read the card again without a restart"),
        bootMs: millis.optional(),
        reenumerates: z.boolean().optional(),
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
      .describe("Looked at before those of the profile it extends"),
    timeoutsMs: z.partialRecord(z.enum([...budgets, "resync"]), millis).optional(),
    quirks: z.array(z.enum(quirkNames)).optional(),
    capabilities: z.record(slug, z.enum(["yes", "no", "partial", "unknown"])).optional(),
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
      .describe("Where the facts come from"),
    verified: z
      .array(z.strictObject({ firmware: z.string(), on: z.iso.date(), by: z.string().optional() }))
      .optional()
      .describe("Real units it was tried on; empty: none"),
  })
  .describe("otagate hardware profile of a modem");

export type ProfileFile = z.infer<typeof ProfileFile>;

function compiles(source: string): boolean {
  try {
    return new RegExp(source, "u") !== undefined;
  } catch {
    return false;
  }
}
