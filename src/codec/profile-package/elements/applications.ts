import { aid, elementHeader, type Field, integer, list, octets, oid, sequence } from "../field.ts";
import { anySecret } from "./codes.ts";

const memory = (tag: number, id: string, name: string) =>
  octets(tag, id, [2, 4], { name, optional: true, meaning: "hex-number" });

const free = (tag: number, id: string, name: string) => octets(tag, id, [0, 255], { name, optional: true, usual: 64 });

/** GP Card Specification §11.5.2.3, ETSI TS 102 226 §8.2.1.3 */
const systemParameters: readonly Field[] = [
  memory(0xc7, "volatileMemoryQuotaC7", "volatile memory quota"),
  memory(0xc8, "nonVolatileMemoryQuotaC8", "non-volatile memory quota"),
  free(0xcb, "globalServiceParameters", "global service parameters"),
  free(0xcf, "implicitSelectionParameter", "implicit selection"),
  memory(0xd7, "volatileReservedMemory", "volatile memory reserved"),
  memory(0xd8, "nonVolatileReservedMemory", "non-volatile memory reserved"),
  free(0xca, "ts102226SIMFileAccessToolkitParameter", "SIM file access and toolkit parameters"),
  sequence(0xa0, "ts102226AdditionalContactlessParameters", [octets(0x80, "protocolParameterData", [0, 255])], {
    name: "contactless parameters",
    optional: true,
  }),
  free(0xd9, "contactlessProtocolParameters", "contactless protocol parameters"),
  free(0xda, "userInteractionContactlessParameters", "contactless user interaction"),
  memory(0x82, "cumulativeGrantedVolatileMemory", "volatile memory granted"),
  memory(0x83, "cumulativeGrantedNonVolatileMemory", "non-volatile memory granted"),
];

const toolkitParameters: readonly Field[] = [
  free(0x80, "uiccToolkitApplicationSpecificParametersField", "toolkit parameters"),
  free(0x81, "uiccAccessApplicationSpecificParametersField", "access parameters"),
  free(0x82, "uiccAdministrativeAccessApplicationSpecificParametersField", "administrative access parameters"),
];

/** An instance of an application or of a security domain. eUICC Profile Package §8.7.3 */
const instance: readonly Field[] = [
  aid(0x4f, "applicationLoadPackageAID", { name: "load package" }),
  aid(0x4f, "classAID", { name: "class" }),
  aid(0x4f, "instanceAID", { name: "AID" }),
  aid(0x4f, "extraditeSecurityDomainAID", { name: "security domain", optional: true }),
  octets(0x82, "applicationPrivileges", [1, 3], { name: "privileges" }),
  octets(0x83, "lifeCycleState", 1, { name: "life cycle", optional: true }),
  octets(0xc9, "applicationSpecificParametersC9", [0, 255], { name: "application parameters", usual: 64 }),
  sequence(0xef, "systemSpecificParameters", systemParameters, { name: "system parameters", optional: true }),
  sequence(0xea, "applicationParameters", toolkitParameters, { name: "UICC parameters", optional: true }),
  list(0x30, "processData", [anySecret(0x04, "data")], 1, { name: "process data", optional: true }),
  sequence(
    0xb0,
    "controlReferenceTemplate",
    [octets(0x5f20, "applicationProviderIdentifier", [1, 16], { name: "provider" })],
    {
      name: "control reference template",
      optional: true,
    },
  ),
];

const keyComponent = sequence(0x30, "component", [
  octets(0x80, "keyType", [1, 2], { name: "key type" }),
  anySecret(0x86, "keyData", "key"),
  integer(0x87, "macLength", 0xff, { name: "MAC length", optional: true }),
]);

/** eUICC Profile Package §8.6.3 */
const key = sequence(
  0x30,
  "key",
  [
    octets(0x95, "keyUsageQualifier", [1, 2], { name: "usage" }),
    octets(0x96, "keyAccess", 1, { name: "access", optional: true }),
    octets(0x82, "keyIdentifier", 1, { name: "key identifier", meaning: "hex-number" }),
    octets(0x83, "keyVersionNumber", 1, { name: "key version number" }),
    octets(0x85, "keyCounterValue", [0, 8], { name: "counter", optional: true }),
    list(0x30, "keyComponents", [keyComponent], 1, { name: "components" }),
  ],
  { keys: ["keyVersionNumber", "keyIdentifier"] },
);

/** eUICC Profile Package §8.6 */
export const securityDomain: readonly Field[] = [
  elementHeader,
  sequence(0xa1, "instance", instance),
  list(0xa2, "keyList", [key], 1, { name: "keys", optional: true }),
  list(0xa3, "sdPersoData", [anySecret(0x04, "data")], 1, { name: "stored data", optional: true }),
  sequence(
    0xa4,
    "openPersoData",
    [
      octets(0xd9, "restrictParameter", 1, { name: "restriction", optional: true }),
      octets(0x04, "contactlessProtocolParameters", [0, 255], {
        name: "contactless protocol parameters",
        optional: true,
      }),
    ],
    { name: "open personalization data", optional: true },
  ),
  sequence(
    0xa5,
    "catTpParameters",
    [
      integer(0x80, "catTpMaxSduSize", 0xffff, { name: "maximum SDU" }),
      integer(0x81, "catTpMaxPduSize", 0xffff, { name: "maximum PDU" }),
    ],
    { name: "CAT_TP", optional: true },
  ),
];

const limit = (tag: number, id: string, name: string) =>
  octets(tag, id, [1, 4], { name, optional: true, meaning: "hex-number" });

/** eUICC Profile Package §8.7 */
export const application: readonly Field[] = [
  elementHeader,
  sequence(
    0xa1,
    "loadBlock",
    [
      aid(0x4f, "loadPackageAID", { name: "AID" }),
      aid(0x4f, "securityDomainAID", { name: "security domain", optional: true }),
      limit(0xc6, "nonVolatileCodeLimitC6", "non-volatile code limit"),
      limit(0xc7, "volatileDataLimitC7", "volatile data limit"),
      limit(0xc8, "nonVolatileDataLimitC8", "non-volatile data limit"),
      octets(0xc1, "hashValue", [0, 64], { name: "hash", optional: true }),
      anySecret(0xc4, "loadBlockObject", "load file"),
    ],
    { name: "load package", optional: true },
  ),
  list(0xa2, "instanceList", [sequence(0x30, "instance", instance, { keys: ["instanceAID"] })], 1, {
    name: "instances",
    optional: true,
  }),
];

/** The list of TARs has the tag of the element header: the order tells them apart. eUICC Profile Package §8.8 */
export const rfm: readonly Field[] = [
  elementHeader,
  aid(0x4f, "instanceAID", { name: "AID" }),
  aid(0x4f, "securityDomainAID", { name: "security domain", optional: true }),
  list(0xa0, "tarList", [octets(0x04, "TAR", 3, { meaning: "tar" })], 1, { name: "TARs", optional: true }),
  octets(0x81, "minimumSecurityLevel", 1, { name: "minimum security level" }),
  octets(0x04, "uiccAccessDomain", [0, 64], { name: "access domain", usual: 16 }),
  octets(0x04, "uiccAdminAccessDomain", [0, 64], { name: "administrative access domain", usual: 16 }),
  sequence(
    0x30,
    "adfRFMAccess",
    [
      aid(0x80, "adfAID", { name: "AID" }),
      octets(0x81, "adfAccessDomain", [0, 64], { name: "access domain", usual: 16 }),
      octets(0x82, "adfAdminAccessDomain", [0, 64], { name: "administrative access domain", usual: 16 }),
    ],
    { name: "ADF", optional: true },
  ),
];

/** eUICC Profile Package §8.9 */
export const nonStandard: readonly Field[] = [
  elementHeader,
  oid(0x81, "issuerID", { name: "issuer" }),
  anySecret(0x82, "content"),
];
