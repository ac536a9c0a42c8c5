import { z } from "zod";
import type { ShownLink } from "./commands/reader.ts";
import { paint, type Terminal, table } from "./terminal.ts";

const text = z.string().optional().catch(undefined);
const number = z.number().optional().catch(undefined);

/** Facts that a modem reports; missing or unknown ones are omitted. */
const ModemFacts = z.object({
  identity: z.object({ maker: text, model: text, revision: text }).optional().catch(undefined),
  profile: text,
  imei: text,
  pin: text,
  toolkit: text,
  registered: z.boolean().optional().catch(undefined),
  accessTechnology: text,
  operator: z.object({ operator: text }).optional().catch(undefined),
  signal: z.object({ rssiDbm: number, rsrpDbm: number, rsrqDb: number }).optional().catch(undefined),
  registrations: z
    .record(z.string(), z.object({ state: text, area: number, cell: number }))
    .optional()
    .catch(undefined),
  lastSwitch: z
    .object({
      outcome: text,
      fromIccid: text,
      toIccid: text,
      iccidMs: number,
      attachMs: number,
      remedies: z.array(z.string()).catch([]),
      steps: z.array(z.object({ ms: z.number(), what: z.string() })).catch([]),
    })
    .optional()
    .catch(undefined),
});
type ModemFacts = z.infer<typeof ModemFacts>;

/** Modems as a table. */
export function modemTable(links: readonly ShownLink[]): string {
  if (links.length === 0) return "no modems\n";
  return table(
    ["MODEM", "STATE", "PROFILE", "IMEI", "ICCID", "NETWORK", "SIGNAL", "TARGET"],
    links.map((link) => {
      const facts = ModemFacts.parse(link.facts);
      return [
        link.id,
        stateOf(link),
        facts.profile ?? "",
        facts.imei ?? "",
        link.card?.iccid ?? "",
        networkOf(facts),
        signalOf(facts),
        link.target ?? "",
      ];
    }),
  );
}

/** All facts about one modem as text. */
export function modemText(terminal: Terminal, link: ShownLink): string {
  const facts = ModemFacts.parse(link.facts);
  const { maker = "", model = "", revision } = facts.identity ?? {};
  const { card } = link;
  const rows: [string, string | undefined][] = [
    ["module", facts.identity && `${maker} ${model}${revision === undefined ? "" : `, ${revision}`}`.trim()],
    ["profile", facts.profile],
    ["IMEI", facts.imei],
    ["PIN", facts.pin],
    ["ICCID", card?.iccid],
    ["IMSI", card?.imsi],
    ["EID", card?.eid],
    ["target", link.target],
    ["toolkit", facts.toolkit],
    ["network", networkOf(facts)],
    ...Object.entries(facts.registrations ?? {}).map(([domain, one]): [string, string] => [
      `  ${domain}`,
      [one.state, one.area && `area ${hex(one.area)}`, one.cell && `cell ${hex(one.cell)}`].filter(Boolean).join(", "),
    ]),
    ["signal", signalOf(facts)],
    ["last switch", switchOf(facts)],
    ...(facts.lastSwitch?.steps ?? []).map(({ ms, what }): [string, string] => [`  ${ms} ms`, what]),
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== "");
  const width = Math.max(...known.map(([name]) => name.length), 0);
  const lines = known.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${paint(terminal, "bold", link.id)} ${stateOf(link)}\n${lines.join("\n")}\n`;
}

function stateOf(link: ShownLink): string {
  return link.up ? "ready" : (link.reason ?? "down");
}

function networkOf({ registered, operator, accessTechnology }: ModemFacts): string {
  if (registered !== true) return "not registered";
  return [operator?.operator ?? "registered", accessTechnology].filter(Boolean).join(" ");
}

function signalOf({ signal }: ModemFacts): string {
  const dbm = signal?.rsrpDbm ?? signal?.rssiDbm;
  if (dbm === undefined) return "";
  return `${dbm} dBm${signal?.rsrqDb === undefined ? "" : `, RSRQ ${signal.rsrqDb} dB`}`;
}

function switchOf({ lastSwitch }: ModemFacts): string | undefined {
  if (lastSwitch === undefined) return undefined;
  const { outcome, fromIccid, toIccid, iccidMs, attachMs, remedies } = lastSwitch;
  return [
    outcome,
    toIccid && `ICCID ${fromIccid ?? "?"} to ${toIccid}`,
    iccidMs && `read after ${iccidMs} ms`,
    attachMs && `attached after ${attachMs} ms`,
    remedies.length > 0 && `remedies: ${remedies.join(", ")}`,
  ]
    .filter(Boolean)
    .join("; ");
}

function hex(value: number): string {
  return value.toString(16).toUpperCase();
}
