/** command_status by the specification's names. SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6 */
export const status = {
  ESME_ROK: 0x00,
  ESME_RINVMSGLEN: 0x01,
  ESME_RINVCMDLEN: 0x02,
  ESME_RINVCMDID: 0x03,
  ESME_RINVBNDSTS: 0x04,
  ESME_RALYBND: 0x05,
  ESME_RINVPRTFLG: 0x06,
  ESME_RINVREGDLVFLG: 0x07,
  ESME_RSYSERR: 0x08,
  ESME_RINVSRCADR: 0x0a,
  ESME_RINVDSTADR: 0x0b,
  ESME_RINVMSGID: 0x0c,
  ESME_RBINDFAIL: 0x0d,
  ESME_RINVPASWD: 0x0e,
  ESME_RINVSYSID: 0x0f,
  ESME_RCANCELFAIL: 0x11,
  ESME_RREPLACEFAIL: 0x13,
  ESME_RMSGQFUL: 0x14,
  ESME_RINVSERTYP: 0x15,
  ESME_RINVNUMDESTS: 0x33,
  ESME_RINVDLNAME: 0x34,
  ESME_RINVDESTFLAG: 0x40,
  ESME_RINVSUBREP: 0x42,
  ESME_RINVESMCLASS: 0x43,
  ESME_RCNTSUBDL: 0x44,
  ESME_RSUBMITFAIL: 0x45,
  ESME_RINVSRCTON: 0x48,
  ESME_RINVSRCNPI: 0x49,
  ESME_RINVDSTTON: 0x50,
  ESME_RINVDSTNPI: 0x51,
  ESME_RINVSYSTYP: 0x53,
  ESME_RINVREPFLAG: 0x54,
  ESME_RINVNUMMSGS: 0x55,
  ESME_RTHROTTLED: 0x58,
  ESME_RINVSCHED: 0x61,
  ESME_RINVEXPIRY: 0x62,
  ESME_RINVDFTMSGID: 0x63,
  ESME_RX_T_APPN: 0x64,
  ESME_RX_P_APPN: 0x65,
  ESME_RX_R_APPN: 0x66,
  ESME_RQUERYFAIL: 0x67,
  ESME_RINVOPTPARSTREAM: 0xc0,
  ESME_ROPTPARNOTALLWD: 0xc1,
  ESME_RINVPARLEN: 0xc2,
  ESME_RMISSINGOPTPARAM: 0xc3,
  ESME_RINVOPTPARAMVAL: 0xc4,
  ESME_RDELIVERYFAILURE: 0xfe,
  ESME_RUNKNOWNERR: 0xff,
  ESME_RSERTYPUNAUTH: 0x100,
  ESME_RPROHIBITED: 0x101,
  ESME_RSERTYPUNAVAIL: 0x102,
  ESME_RSERTYPDENIED: 0x103,
  ESME_RINVDCS: 0x104,
  ESME_RINVSRCADDRSUBUNIT: 0x105,
  ESME_RINVDSTADDRSUBUNIT: 0x106,
} as const;

const names = new Map<number, string>(Object.entries(status).map(([name, code]) => [code, name]));

/** A command_status for display: its name, or its number. */
export function statusName(code: number): string {
  return names.get(code) ?? `0x${code.toString(16).toUpperCase().padStart(8, "0")}`;
}

/**
 * What a command_status states about the message and the link. `throttle`: not taken, slow the link down. `temporary`:
 * may be sent again later. `session`: the bind is wrong, not the message. `permanent`: this message never.
 * `configuration`: every message of this link will be refused like it. `protocol`: one of the two peers has a defect.
 */
export const statusClasses = [
  "ok",
  "throttle",
  "temporary",
  "session",
  "permanent",
  "configuration",
  "protocol",
] as const;
export type StatusClass = (typeof statusClasses)[number];

const classes = new Map<number, StatusClass>();
const members: Readonly<Record<Exclude<StatusClass, "ok">, readonly number[]>> = {
  throttle: [0x58, 0x14],
  temporary: [0x08, 0x45, 0x64, 0xfe, 0xff, 0x67],
  session: [0x04, 0x05, 0x0d, 0x0e, 0x0f, 0x53],
  permanent: [0x0a, 0x0b, 0x01, 0x0c, 0x33, 0x34, 0x40, 0x44, 0x65, 0x66, 0x11, 0x13, 0x55],
  configuration: [
    0x43, 0x104, 0x06, 0x07, 0x15, 0x48, 0x49, 0x50, 0x51, 0x54, 0x61, 0x62, 0x63, 0x42, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4,
    0x100, 0x101, 0x102, 0x103, 0x105, 0x106,
  ],
  protocol: [0x02, 0x03],
};
for (const kind of statusClasses) {
  if (kind !== "ok") for (const code of members[kind]) classes.set(code, kind);
}

/** Class of a command_status; `overrides` of a link come first, vendors' own codes count as temporary. */
export function statusClass(code: number, overrides?: ReadonlyMap<number, StatusClass>): StatusClass {
  if (code === 0) return "ok";
  return overrides?.get(code) ?? classes.get(code) ?? "temporary";
}

const byField: Readonly<Record<string, number>> = {
  source_addr: status.ESME_RINVSRCADR,
  source_addr_ton: status.ESME_RINVSRCTON,
  source_addr_npi: status.ESME_RINVSRCNPI,
  destination_addr: status.ESME_RINVDSTADR,
  destination_addr_ton: status.ESME_RINVDSTTON,
  destination_addr_npi: status.ESME_RINVDSTNPI,
  service_type: status.ESME_RINVSERTYP,
  schedule_delivery_time: status.ESME_RINVSCHED,
  validity_period: status.ESME_RINVEXPIRY,
  short_message: status.ESME_RINVMSGLEN,
  sm_length: status.ESME_RINVMSGLEN,
  message_id: status.ESME_RINVMSGID,
  system_id: status.ESME_RINVSYSID,
  password: status.ESME_RINVPASWD,
  system_type: status.ESME_RINVSYSTYP,
  dest_flag: status.ESME_RINVDESTFLAG,
  number_of_dests: status.ESME_RINVNUMDESTS,
  dl_name: status.ESME_RINVDLNAME,
  esm_class: status.ESME_RINVESMCLASS,
  TLV: status.ESME_RINVOPTPARSTREAM,
};

/** The status that answers a PDU whose `field` could not be read. */
export function statusOfField(field: unknown): number {
  return (typeof field === "string" ? byField[field] : undefined) ?? status.ESME_RINVCMDLEN;
}
