import { fromHex } from "../../base/hex.ts";
import { peStatusName } from "../../codec/euicc/euicc-response.ts";
import type { Finding } from "../../codec/profile-package/check/finding.ts";
import type { PackageDescription } from "../../codec/profile-package/describe.ts";
import type { Difference } from "../../codec/profile-package/diff.ts";
import { applicationName, tarName } from "../../explain/names.ts";
import { table } from "./terminal.ts";

/** What `profile show` shows. */
type ShownPackage = PackageDescription & {
  readonly findings: readonly Finding[];
  readonly secrets?: readonly {
    readonly element: number;
    readonly type: string;
    readonly field: string;
    readonly value: string;
  }[];
};

/** A finding in one line: place, severity, what it is, and the status that a card reports. */
export function findingLine({ element, type, identification, offset, severity, message, status }: Finding): string {
  const number = identification === undefined ? "" : `, number ${identification}`;
  const place =
    element === undefined ? `offset ${offset}` : `element ${element} (${type ?? "?"}${number}), offset ${offset}`;
  const reported = status === undefined ? "" : ` [status ${status}: ${peStatusName(status)}]`;
  return `${place}: ${severity}: ${message}${reported}`;
}

/** Differences, one in a line. */
export function differenceText(found: readonly Difference[]): string {
  if (found.length === 0) return "the packages are the same\n";
  return found.map((one) => `${differenceLine(one)}\n`).join("");
}

function differenceLine({ kind, element, field, before, after }: Difference): string {
  const place = field === undefined ? element : `${element}: ${field}`;
  if (kind === "moved") return `${place}: stands at another place`;
  if (kind === "added") return `${place}: added${after === undefined ? "" : `, ${after}`}`;
  if (kind === "removed") return `${place}: removed${before === undefined ? "" : `, ${before}`}`;
  return before === undefined || after === undefined ? `${place}: differs` : `${place}: ${before} -> ${after}`;
}

/** A package as text. */
export function packageText(shown: ShownPackage): string {
  const sections = [
    identityLines(shown),
    demandLines(shown),
    authenticationLines(shown),
    domainLines(shown),
    rfmLines(shown),
    applicationLines(shown),
  ].flat();
  const warnings = shown.findings.map((finding) => `warning     ${findingLine(finding)}`);
  const secrets = (shown.secrets ?? []).map(({ element, type, field, value }) => [String(element), type, field, value]);
  return [
    `${[...sections, ...warnings].join("\n")}\n`,
    elementTable(shown),
    ...(shown.secrets === undefined ? [] : [table(["#", "ELEMENT", "FIELD", "SECRET"], secrets)]),
  ].join("\n");
}

function line(label: string, text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : [`${label.padEnd(11)} ${text}`];
}

function identityLines(shown: ShownPackage): readonly string[] {
  const { iccid, iccidFile, imsis, pol1, connectivity } = shown;
  const other = iccidFile === undefined || iccidFile === iccid ? "" : ` (EF.ICCID: ${iccidFile})`;
  const imsi = [...new Set(imsis.map((one) => one.imsi))].join(", ");
  return [
    ...line("version", shown.version),
    ...line("type", shown.profileType),
    ...line("ICCID", iccid === undefined ? iccidFile : `${iccid}${other}`),
    ...line("IMSI", imsi),
    ...line("POL1", pol1 === undefined ? undefined : `${pol1.octets}${pol1.rules.map((rule) => `; ${rule}`).join("")}`),
    ...line("SMSC", connectivity?.serviceCentre),
    ...line("connect", connectivity?.octets),
    ...line("IoT PIX", shown.iotPix),
    ...line("size", `${shown.octets} octets, ${shown.files} files`),
    ...line("trailing", shown.trailing === 0 ? undefined : `${shown.trailing} octets behind the end element`),
  ];
}

function demandLines({ services, templates, applicationsDemanded }: ShownPackage): readonly string[] {
  return [
    ...line("services", services.join(", ")),
    ...templates.flatMap(({ oid, name }) => line("template", `${oid}${name === undefined ? "" : ` ${name}`}`)),
    ...applicationsDemanded.flatMap(({ aid = "?", version = "?" }) =>
      line("library", `${aidText(aid)}, version ${version}`),
    ),
  ];
}

function authenticationLines({ aka, codes }: ShownPackage): readonly string[] {
  return [
    ...aka.flatMap((one) => {
      const key = one.keyOctets === undefined ? "" : `, K of ${one.keyOctets} octets, OPc of ${one.opcOctets ?? 0}`;
      return line("algorithm", `${one.algorithm}${one.sameAs === undefined ? "" : ` to ${aidText(one.sameAs)}`}${key}`);
    }),
    ...codes.flatMap(({ kind, name, reference, unblockedBy, tries, triesLeft, sharedWith, element }) => {
      if (sharedWith !== undefined) return line("PIN", `those of ${sharedWith} (element ${element})`);
      const puk = unblockedBy === undefined ? "" : `, unblocked by PUK ${unblockedBy}`;
      return line(kind, `${reference ?? "?"} ${name ?? ""}, ${triesLeft} of ${tries} tries${puk} (element ${element})`);
    }),
  ];
}

function domainLines({ securityDomains }: ShownPackage): readonly string[] {
  return securityDomains.flatMap(({ aid, privileges, parameters, keys }, index) => [
    ...line(
      index === 0 ? "MNO-SD" : "SD",
      `${aidText(aid ?? "?")}, privileges ${privileges ?? "?"}, parameters ${parameters ?? "?"}`,
    ),
    ...keys.flatMap(({ version, identifier, components }) =>
      line("  key", `${version ?? "?"}-${identifier ?? "?"}: ${components.map(keyText).join("; ")}`),
    ),
  ]);
}

/** GP Card Specification §11.1.8 */
const keyTypes: Readonly<Record<string, string>> = { "80": "DES", "82": "3DES", "85": "PSK-TLS", "88": "AES" };

function keyText({ type = "?", octets }: { readonly type?: string; readonly octets: number }): string {
  return `type ${type}${keyTypes[type] === undefined ? "" : ` ${keyTypes[type]}`}, ${octets} octets`;
}

function rfmLines({ rfm }: ShownPackage): readonly string[] {
  return rfm.flatMap(({ aid = "?", tars, msl, adf }) => {
    const words = tars.map((tar) => `${tar}${tarText(tar)}`).join(", ");
    const file = adf === undefined ? "" : `, in ${aidText(adf)}`;
    return line("RFM", `TAR ${words}, MSL ${msl ?? "?"}, ${aid}${file}`);
  });
}

function applicationLines({ applications }: ShownPackage): readonly string[] {
  return applications.flatMap(({ loadPackage, loadFileOctets, instances }) => [
    ...line(
      "load file",
      loadPackage === undefined ? undefined : `${aidText(loadPackage)}, ${loadFileOctets ?? 0} octets`,
    ),
    ...instances.flatMap((one) => line("applet", `${aidText(one.aid ?? "?")}, class ${one.class ?? "?"}`)),
  ]);
}

function aidText(aid: string): string {
  const name = /^([0-9A-F]{2})+$/.test(aid) ? applicationName(fromHex(aid)) : undefined;
  return name === undefined ? aid : `${aid} (${name})`;
}

function tarText(tar: string): string {
  const name = /^[0-9A-F]{6}$/.test(tar) ? tarName(fromHex(tar)) : undefined;
  return name === undefined ? "" : ` (${name})`;
}

function elementTable({ elements }: ShownPackage): string {
  return table(
    ["#", "ELEMENT", "OFFSET", "OCTETS", "NUMBER", "MANDATED", "FILES", "TEMPLATE"],
    elements.map(({ position, type, offset, octets, identification, mandated, files, template }) => [
      ...[position, type, offset, octets, identification ?? ""].map(String),
      mandated === undefined ? "" : mandated ? "yes" : "no",
      files === undefined ? "" : String(files),
      template ?? "",
    ]),
  );
}
