import { withoutUndefined } from "../../../src/base/defined.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { parseApdu, type ResponseApdu, status, statusOf } from "../apdu.ts";
import { type CardCore, openSession, type Session } from "../card-core.ts";
import { enabledProfile, type KeySetState } from "../card-state.ts";
import { checkClass, dispatch } from "../dispatch.ts";
import { scp03t } from "../domains/isd-p.ts";
import { mnoDomainAid } from "../domains/mno-domain.ts";
import type { Executed } from "../execution-log.ts";
import { isdRAid } from "../fixture.ts";
import type { InstalledState } from "../installed-state.ts";
import { dataKey } from "../notification.ts";
import { loggable, runScript, type ScriptTarget } from "./script.ts";

/** An application that secured packets can reach. */
export interface RemoteTarget {
  readonly tar: number;
  /** AID (hex) of the domain, or undefined for remote file management. */
  readonly domain: string | undefined;
  /** AID (hex) of the application whose files it starts from, "first" = the first one; absent = the MF. */
  readonly adf?: string | undefined;
  /** Minimum security level as the first octet of SPI, where the profile states one. */
  readonly msl?: number | undefined;
  readonly access?: Session["access"];
  readonly keySets: readonly KeySetState[];
  /** SGP.02: no answer to what is not authentic or not protected enough. */
  readonly silent: boolean;
}

function tarOf(aid: string): number {
  return Number.parseInt(aid.slice(24, 30), 16);
}

/** The application behind a TAR; profiles other than the enabled one are out of reach but for their ISD-P. */
export function findTarget(card: CardCore, tar: number): RemoteTarget | undefined {
  const { state } = card;
  const isdP = state.profiles.find(({ aid }) => tarOf(aid) === tar);
  if (tar === tarOf(isdRAid) || isdP) {
    const domain = isdP?.aid ?? isdRAid;
    return { tar, domain, keySets: state.isdR.keySets, silent: true };
  }
  const profile = enabledProfile(state);
  if (profile === undefined) return undefined;
  const mno = { tar, keySets: profile.mnoKeySets, silent: false };
  if (profile.installed) return installedTarget(profile.installed, mno);
  if (tar === 0x000000 || tar === 0xb20100) return { ...mno, domain: mnoDomainAid };
  if (tar === 0xb00000) return { ...mno, domain: undefined };
  const usim = tar === 0xb00001 || (tar >= 0xb00010 && tar <= 0xb0001f) || tar === 0xb00120;
  return usim ? { ...mno, domain: undefined, adf: "first" } : undefined;
}

/** The application of a downloaded profile behind a TAR: security domains (000000 = MNO-SD), remote file management. */
function installedTarget(
  installed: InstalledState,
  mno: Pick<RemoteTarget, "tar" | "keySets" | "silent">,
): RemoteTarget | undefined {
  const tar = mno.tar.toString(16).toUpperCase().padStart(6, "0");
  const [first] = installed.domains;
  const keysOf = (aid: string | undefined) =>
    aid === undefined || aid === first?.aid
      ? mno.keySets
      : (installed.domains.find((domain) => domain.aid === aid)?.keySets ?? []);
  const domain = installed.domains.find(({ tars }) => tars.includes(tar)) ?? (tar === "000000" ? first : undefined);
  if (domain) return { ...mno, domain: domain.aid, keySets: keysOf(domain.aid), msl: domain.msl };
  const files = installed.remoteFiles.find(({ tars }) => tars.includes(tar));
  if (files === undefined) return undefined;
  const access = { files: fromHex(files.access), administration: fromHex(files.adminAccess) };
  return { ...mno, domain: undefined, keySets: keysOf(files.domain), adf: files.adf, msl: files.msl, access };
}

/** How a script came, for the log and for the keys it may use. */
interface ScriptOrigin {
  readonly bearer: Executed["bearer"];
  readonly keySet?: KeySetState;
  readonly cntr?: number;
  readonly spi?: number;
}

/** Runs remote scripts on the card's applications; remembers the context of chained ones. TS 102 226 */
export class RemoteManagement {
  readonly #card: CardCore;
  readonly #executed: (record: Executed) => void;
  readonly #immediate: (action: Uint8Array) => void;
  readonly #now: () => number;
  /** Contexts of chained scripts by TAR. */
  readonly #chains = new Map<number, { readonly session: Session; readonly keep: boolean }>();

  constructor(deps: {
    readonly card: CardCore;
    readonly executed: (record: Executed) => void;
    readonly immediate: (action: Uint8Array) => void;
    readonly now: () => number;
  }) {
    this.#card = deps.card;
    this.#executed = deps.executed;
    this.#immediate = deps.immediate;
    this.#now = deps.now;
  }

  /** A card reset ends chains that did not ask to live on. */
  reset(): void {
    for (const [tar, { keep }] of this.#chains) if (!keep) this.#chains.delete(tar);
  }

  /** A session for a sequence of scripts. */
  open(target: RemoteTarget, keySet: KeySetState | undefined): Session {
    const dek = dataKey(keySet);
    const session = openSession(this.#card, "remote", {
      ...withoutUndefined({ domain: target.domain }),
      ...(dek && { dek }),
      access: target.access,
    });
    const { adf } = target;
    const application = this.#card.files?.applications.find(({ aid }, i) =>
      adf === "first" ? i === 0 : aid && toHex(aid) === adf,
    );
    if (application) {
      session.directory = application;
      session.adf = application;
    }
    return session;
  }

  /** Runs one script and returns its response data. */
  run(target: RemoteTarget, body: Uint8Array, origin: ScriptOrigin, given?: Session): Uint8Array {
    const apdus: { command: string; sw: string }[] = [];
    let session = given ?? this.open(target, origin.keySet);
    const scriptTarget: ScriptTarget = {
      run: (apdu) => {
        const response = this.#runApdu(session, apdu, origin.bearer);
        apdus.push({ command: loggable(apdu), sw: response.sw.toString(16).toUpperCase() });
        return response;
      },
      outgoing: (header) => outgoing(target, header),
      immediate: this.#immediate,
      chain: (value) => {
        const chained = this.#chain(target.tar, value, session);
        if (typeof chained === "number") return chained;
        session = chained;
        return undefined;
      },
      ...this.#profileLoading(target),
    };
    const response = runScript(body, scriptTarget, this.#card.state.settings);
    if (origin.bearer === "sms" && target.domain !== undefined) this.#packetOver(target.domain);
    this.#log(target, origin, apdus);
    return response;
  }

  /** A secure channel in APDUs does not outlive its packet, unless the settings allow it. */
  #packetOver(domain: string): void {
    const { channels, downloads, state } = this.#card;
    const across = state.settings.scp03AcrossPackets;
    const channel = channels.get(domain);
    if (channel === undefined || across === "all" || (across === "scp03t" && channel.mode === "scp03t")) return;
    if (channel.mode === "apdu" && channel.level === 0) channel.stale = true;
    else for (const map of [channels, downloads]) map.delete(domain);
  }

  /** Records an accepted packet without a script. */
  note(target: RemoteTarget, origin: ScriptOrigin): void {
    this.#log(target, origin, []);
  }

  /** The files are another profile's: no chained script may continue in the old ones. */
  forget(): void {
    this.#chains.clear();
  }

  #log(target: RemoteTarget, { bearer, cntr, keySet, spi }: ScriptOrigin, apdus: Executed["apdus"]): void {
    const hex = (value: number, octets: number) =>
      value
        .toString(16)
        .toUpperCase()
        .padStart(octets * 2, "0");
    this.#executed({
      at: new Date(this.#now()).toISOString(),
      eid: this.#card.state.eid,
      bearer,
      tar: hex(target.tar, 3),
      ...(cntr !== undefined && { cntr: hex(cntr, 5) }),
      ...(keySet && { kvn: keySet.kvn }),
      ...(spi !== undefined && { spi: hex(spi, 2) }),
      apdus,
    });
  }

  #profileLoading(target: RemoteTarget): Pick<ScriptTarget, "scp03t"> {
    const profile = this.#card.state.profiles.find(({ aid }) => aid === target.domain);
    return profile ? { scp03t: (tag, head, value) => scp03t(this.#card, profile, tag, head, value) } : {};
  }

  #runApdu(session: Session, bytes: Uint8Array, bearer: Executed["bearer"]): ResponseApdu {
    try {
      if (bytes.length >= 4) checkClass(headerOf(bytes));
      const apdu = parseApdu(bytes);
      const response = dispatch(this.#card, session, apdu);
      const unasked = bearer === "sms" && apdu.ins === 0xf2 && apdu.le === undefined && session.domain !== undefined;
      return unasked ? status(response.sw) : response;
    } catch (error) {
      return status(statusOf(error));
    }
  }

  /** The session to continue with, or the status of a chaining error. TS 102 226 §5.2.1.4 */
  #chain(tar: number, value: number, fresh: Session): Session | number {
    if (value === 0x01 || value === 0x11) {
      this.#chains.set(tar, { session: fresh, keep: value === 0x11 });
      return fresh;
    }
    if (value !== 0x02 && value !== 0x03) return 3;
    const open = this.#chains.get(tar);
    if (open === undefined) return 1;
    if (value === 0x03) this.#chains.delete(tar);
    return open.session;
  }
}

function headerOf([cla = 0, ins = 0, p1 = 0, p2 = 0]: Uint8Array) {
  return { cla, ins, p1, p2, data: new Uint8Array(0), le: undefined };
}

/** Whether P3 of a compact command is Le. GET STATUS and GET DATA of a domain may bring data, STATUS never does. */
function outgoing(target: RemoteTarget, header: Uint8Array): boolean {
  const [, ins = 0, , , p3 = 0, next] = header;
  if ([0xb0, 0xb2, 0xc0, 0x84, 0x12].includes(ins)) return true;
  if (ins === 0xf2) return target.domain === undefined;
  return ins === 0xca && !(p3 > 0 && next === 0x5c);
}

/** Whether the data of a packet triggers an SCP81 session instead of being a script. GP Amendment B §3.7 */
export function sessionTrigger(target: RemoteTarget, data: Uint8Array): Uint8Array | undefined {
  return target.domain === isdRAid && data[0] === 0x81 ? data : undefined;
}
