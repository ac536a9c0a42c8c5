import { z } from "zod";
import { withoutUndefined } from "../../../../base/defined.ts";
import { codecError } from "../../../../base/gateway-error.ts";
import { concatBytes } from "../../../../base/hex.ts";
import { readTlvs, tlvBytes } from "../../../kit/ber.ts";
import { Reader } from "../../../kit/codec.ts";
import { type Aid, aidFromOctets, aidOctets, isdPLoadFileAid, isdPModuleAid } from "../../aid.ts";
import { aidText } from "../../identity-shapes.ts";
import { apdu, installFields, lv } from "../apdu.ts";
import { iccid, named, namedAid } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";

interface CreateIsdP {
  readonly name: "createISDP";
  readonly isdP: Aid;
  /** Cumulative granted non-volatile memory, octets. */
  readonly quota?: number;
  readonly loadFile?: Aid;
  readonly module?: Aid;
}

/** CreateISDP: INSTALL [for install and make selectable]. SGP.02 §4.1.1.1 */
export const createIsdP = es5Record<CreateIsdP>({
  name: "createISDP",
  clause: "SGP.02 §4.1.1.1",
  ins: 0xe6,
  commands: (fn) => {
    const scp03 = tlvBytes(0xc9, Uint8Array.of(0x81, 0x02, 0x03, 0x70));
    const parameters =
      fn.quota === undefined ? scp03 : concatBytes(scp03, tlvBytes(0xef, tlvBytes(0x83, quotaOctets(fn.quota))));
    const data = concatBytes(
      lv(aidOctets(fn.loadFile ?? isdPLoadFileAid)),
      lv(aidOctets(fn.module ?? isdPModuleAid)),
      lv(aidOctets(fn.isdP)),
      lv(Uint8Array.of(0x80, 0xc0, 0x00)),
      lv(parameters),
      Uint8Array.of(0),
    );
    return [apdu(0x80, 0xe6, 0x0c, 0x00, data)];
  },
  classify: (command) => {
    if (command.p1 !== 0x0c) return undefined;
    const { next } = installFields(command);
    const [loadFile, module, isdP] = [next("load file"), next("module"), next("ISD-P")];
    next("privileges");
    const parameters = next("install parameters");
    return {
      name: "createISDP",
      isdP: aidFromOctets(isdP.value, isdP.offset),
      loadFile: aidFromOctets(loadFile.value, loadFile.offset),
      module: aidFromOctets(module.value, module.offset),
      ...quotaOf(parameters.value, parameters.offset),
    };
  },
  statusWords: {
    27013: "an ISD-P with this AID exists already, or the conditions of use are not met",
    27268: "not enough memory for the ISD-P",
  },
  words: ({ isdP, quota }, names) =>
    `CreateISDP ${names.domain(isdP)}${quota === undefined ? "" : `, ${quota} octets of memory`}`,
  call: es5Call({
    does: "create an ISD-P for a new profile",
    params: z.strictObject({
      aid: aidText.optional().describe("AID of the new ISD-P; absent: the lowest free one"),
      isdP: named.isdP,
      iccid: iccid.optional().describe("ICCID of the future profile, for the EIS"),
      quota: z.number().int().min(0).max(0xffffffff).optional().describe("Maximum non-volatile memory, octets"),
    }),
    from: (p, eis): CreateIsdP => ({
      name: "createISDP",
      isdP: namedAid(p) ?? eis.freeIsdP(),
      ...withoutUndefined({ quota: p.quota }),
    }),
    options: { without: ["isdP"], values: { quota: "octets" } },
  }),
});

function quotaOctets(octets: number): Uint8Array {
  if (!Number.isInteger(octets) || octets < 0 || octets > 0xffffffff) {
    throw codecError("codec.value", `memory quota of ${octets} octets`, 0, { field: "quota" });
  }
  const wide = [octets >>> 24, (octets >>> 16) & 0xff, (octets >>> 8) & 0xff, octets & 0xff];
  return Uint8Array.from(octets > 0xffff ? wide : wide.slice(2));
}

function quotaOf(parameters: Uint8Array, offset: number): { quota?: number } {
  const system = readTlvs(parameters, offset).find(({ tag }) => tag === 0xef);
  if (system === undefined) return {};
  const memory = readTlvs(system.value, system.valueOffset).find(({ tag }) => tag === 0x83);
  if (memory === undefined || memory.value.length === 0 || memory.value.length > 6) return {};
  return { quota: new Reader(memory.value, memory.valueOffset).uint(memory.value.length) };
}
