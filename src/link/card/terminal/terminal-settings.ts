import { accessTechnology, type LocationInformation } from "../../../codec/cat/local-info.ts";
import { benchProfile } from "../../../codec/cat/terminal-profile.ts";

/** Properties that the terminal reports to every card, and its timing. */
export interface TerminalSettings {
  /** Octets of TERMINAL PROFILE; only implemented functions are set. ETSI TS 102 223 §5.2 */
  readonly profile: Uint8Array;
  /** `asked`: only to a card whose MF indicates that it accepts it. ETSI TS 102 221 §11.1.19 */
  readonly terminalCapability: "asked" | "always" | "never";
  /** 15 digits. */
  readonly imei: string;
  /** 16 digits. */
  readonly imeisv: string;
  /** Location that the terminal reports; without it there is no service. */
  readonly location: LocationInformation | undefined;
  /** Octet of PROVIDE LOCAL INFORMATION. */
  readonly accessTechnology: number;
  /** Quarters of an hour east of UTC. */
  readonly timeZoneQuarters: number;
  /** Two letters, ISO 639. */
  readonly language: string;
  /** True answers DISPLAY TEXT as shown: `onText` displays the text. */
  readonly display: boolean;
  /** Polling interval unless the card requests one, ms. ETSI TS 102 221 §14.5 */
  readonly pollMs: number;
  /** Polling interval while a job is open for the card, ms. */
  readonly jobPollMs: number;
  /** How long an SMS or event is offered again to a busy card, ms. */
  readonly busyMs: number;
  /** Warnings and 6FXX to an SMS-PP download count as acknowledged (Release 18) or as refused (before). */
  readonly release18: boolean;
  /** Answer a REFRESH that resets the UICC before the reset, for a card that waits for it. ETSI TS 102 223 §6.4.7 */
  readonly answerReset: boolean;
  /** Time for one APDU, ms. Key generation on a card may take tens of seconds. */
  readonly apduTimeoutMs: number;
}

export const defaultSettings: TerminalSettings = {
  profile: benchProfile,
  terminalCapability: "asked",
  imei: "004999010640000",
  imeisv: "0049990106400001",
  location: { mcc: "001", mnc: "01", area: 1, cell: Uint8Array.of(0x00, 0x01) },
  accessTechnology: accessTechnology.eUtran,
  timeZoneQuarters: 0,
  language: "en",
  display: false,
  pollMs: 30_000,
  jobPollMs: 1_500,
  busyMs: 10_000,
  release18: false,
  answerReset: false,
  apduTimeoutMs: 120_000,
};
