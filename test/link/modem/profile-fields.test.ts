import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { memoryLine } from "../../../simulators/memory-line.ts";
import type { ModemOptions } from "../../../simulators/modem/modem.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { findModems } from "../../../src/link/modem/discover.ts";
import { ModemLink, type ModemLinkDeps } from "../../../src/link/modem/modem-link.ts";
import { type ModemProfile, ProfileSet } from "../../../src/link/modem/profile/profile.ts";
import { profileContents } from "../../../src/link/modem/profile/profile-files.ts";
import { ProfileFile } from "../../../src/link/modem/profile/profile-schema.ts";
import type { Port, UartSettings } from "../../../src/link/port.ts";

/** The shipped profiles and one for tests, which is what the simulated modem plays unless a test changes it. */
function withProfile(fields: object): { readonly profiles: ProfileSet; readonly profile: ModemProfile } {
  const content = {
    name: "acme-x1",
    title: "Acme X1",
    extends: "3gpp",
    vendor: "Acme",
    models: ["X1"],
    match: { maker: "^Acme", model: "^X1$" },
    sources: [],
    verified: [],
    ...fields,
  };
  const profiles = new ProfileSet([...profileContents(), { source: "acme-x1.json", content }]);
  return { profiles, profile: profiles.get("acme-x1") };
}

const cleanup: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Trial {
  readonly link: ModemLink;
  readonly modem: SimulatedModem;
  /** The serial settings that each port was asked for. */
  readonly asked: (UartSettings | undefined)[];
  /** The command lines that were written. */
  readonly written: string[];
}

/** A modem of a profile, its port and its link. */
async function trial(
  profiles: ProfileSet,
  profile: ModemProfile,
  more: {
    readonly options?: Partial<ModemOptions>;
    readonly link?: Partial<ModemLinkDeps>;
    /** The settings of the serial line that the port really has; nothing gets through at another speed. */
    readonly uart?: (asked: UartSettings | undefined) => UartSettings;
    readonly speed?: number;
  } = {},
): Promise<Trial> {
  const network = new SimulatedNetwork({
    subscribers: [{ imsi: "001010000000001", msisdn: "+15550100001" }],
    attachMs: 5,
  });
  const modem = new SimulatedModem({
    network,
    profile: profile.file,
    card: new PlainCard({ imsi: "001010000000001" }),
    timings: { bootMs: 5 },
    ...more.options,
  });
  const asked: (UartSettings | undefined)[] = [];
  const written: string[] = [];
  const openPort = async (_signal: AbortSignal, uart?: UartSettings): Promise<Port> => {
    asked.push(uart);
    const { line, port } = memoryLine();
    const inForce = more.uart?.(uart);
    const heard = inForce === undefined || more.speed === undefined || inForce.baud === more.speed;
    const detach = heard ? modem.attachLine(line) : () => {};
    const original = port[Symbol.asyncDispose].bind(port);
    return {
      address: port.address,
      incoming: port.incoming,
      write: (bytes) => {
        written.push(Buffer.from(bytes).toString("latin1").trim());
        return port.write(bytes);
      },
      ...withoutUndefined({ uart: inForce }),
      async [Symbol.asyncDispose]() {
        detach();
        await original();
      },
    };
  };
  const link = new ModemLink({
    id: "modem:x1",
    openPort,
    profiles,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    ...more.link,
    settings: { settleMs: 30, ...more.link?.settings },
  });
  cleanup.push(modem, link, { [Symbol.asyncDispose]: async () => network.close() });
  void modem.powerOn();
  link.start();
  return { link, modem, asked, written };
}

const ready = (link: ModemLink, timeout = 10_000) =>
  vi.waitFor(() => expect(link.state.phase).toEqual({ at: "ready" }), { timeout, interval: 10 });

describe("fields of a profile that the life of a modem follows", () => {
  test("uart.flow: a port that was opened without it is opened again, once", async () => {
    const { profiles, profile } = withProfile({ uart: { flow: "rtscts" } });
    const { link, asked } = await trial(profiles, profile, {
      uart: (asked) => ({ baud: asked?.baud ?? 115_200, flow: asked?.flow ?? "none" }),
    });
    await ready(link);
    expect(asked).toEqual([
      { baud: 115_200, flow: undefined },
      { baud: 115_200, flow: "rtscts" },
    ]);
    expect(link.state.failures).toBe(0);
  });

  test("uart.flow: an address that sets another one has its way", async () => {
    const { profiles, profile } = withProfile({ uart: { flow: "rtscts" } });
    const { link, asked } = await trial(profiles, profile, { uart: () => ({ baud: 115_200, flow: "none" }) });
    await ready(link);
    expect(asked).toHaveLength(2);
  });

  test("uart: a port without a serial line is opened once", async () => {
    const { profiles, profile } = withProfile({ uart: { baud: 921_600, flow: "rtscts" } });
    const { link, asked } = await trial(profiles, profile);
    await ready(link);
    expect(asked).toHaveLength(1);
  });

  test("uart.baud: a configured profile's speed is tried first", async () => {
    const { profiles, profile } = withProfile({ uart: { baud: 921_600 } });
    const { link, asked } = await trial(profiles, profile, {
      speed: 921_600,
      uart: (asked) => ({ baud: asked?.baud ?? 115_200, flow: "none" }),
      link: { profile: "acme-x1" },
    });
    await ready(link);
    expect(asked).toEqual(
      [{ baud: 921_600, flow: undefined }].map((one) => expect.objectContaining({ baud: one.baud })),
    );
  });

  test("uart.baud: while nobody answers, the speeds of the profiles are tried one after the other", {
    timeout: 30_000,
  }, async () => {
    const { profiles, profile } = withProfile({ uart: { baud: 460_800 }, startup: { probes: 1 } });
    const { link, asked } = await trial(profiles, profile, {
      speed: 460_800,
      uart: (asked) => ({ baud: asked?.baud ?? 115_200, flow: "none" }),
      // The generic profile tries ten seconds at each speed.
      link: { timers: { after: (ms, task) => systemTimer(ms / 20, task) } },
    });
    await ready(link, 25_000);
    expect(asked.map((one) => one?.baud)).toEqual([115_200, 921_600, 460_800]);
  });

  const banner = ["RDY", "APP RDY"];

  test("startup.ready: after a start nothing is sent before its line came", async () => {
    const { profiles, profile } = withProfile({ startup: { ready: "^APP RDY$", banner, waitMs: 5_000 } });
    const { link, modem } = await trial(profiles, profile, { options: { timings: { bootMs: 5, bannerMs: 400 } } });
    await ready(link);
    const opened = performance.now();
    const steps: string[] = [];
    link.onChange(({ phase }) => phase.at === "starting" && steps.at(-1) !== phase.step && steps.push(phase.step));
    await modem.reboot();
    await ready(link);
    // A knock that met a modem which does not listen yet would have cost a second.
    expect(performance.now() - opened).toBeLessThan(1_300);
    expect(steps).toEqual(expect.arrayContaining(["restarted by itself", "waiting for an answer"]));
  });

  test("startup.waitMs: a ready line that never comes is waited for that long", async () => {
    const { profiles, profile } = withProfile({ startup: { ready: "^APP RDY$", banner: ["RDY"], waitMs: 600 } });
    const { link, modem } = await trial(profiles, profile);
    await ready(link);
    const knocked = new Promise<void>((resolve) => {
      link.onChange(({ phase }) => phase.at === "starting" && phase.step === "waiting for an answer" && resolve());
    });
    const began = performance.now();
    modem.urc("RDY");
    await knocked;
    expect(performance.now() - began).toBeGreaterThanOrEqual(600);
    await ready(link);
  });

  test("power.bootMs: a module that starts for longer than its probes keeps its port", {
    timeout: 30_000,
  }, async () => {
    const opened: number[] = [];
    for (const bootMs of [6_000, 50]) {
      const { profiles, profile } = withProfile({
        startup: { probes: 1, banner: ["ACME"] },
        power: { bootMs, restart: ["AT#BOOT"] },
      });
      const { link, asked } = await trial(profiles, profile, {
        options: { timings: { bootMs: 2_600 } },
        link: { profile: "acme-x1" },
      });
      await ready(link, 20_000);
      const before = asked.length;
      await link.restart("soft");
      await vi.waitFor(() => expect(link.state.phase.at).not.toBe("ready"));
      await ready(link, 20_000);
      opened.push(asked.length - before);
    }
    expect(opened[0]).toBe(0);
    expect(opened[1]).toBeGreaterThan(0);
  });

  test.each([
    [true, 2],
    [false, 1],
  ])("power.reenumerates %s: a restart leaves %i ports opened", async (reenumerates, ports) => {
    const { profiles, profile } = withProfile({ power: { reenumerates, restart: ["AT#BOOT"] } });
    const { link, modem, asked } = await trial(profiles, profile);
    await ready(link);
    const left = vi.fn();
    modem.on("leave", left);
    await link.restart("soft");
    await vi.waitFor(() => expect(link.state.phase.at).not.toBe("ready"));
    await ready(link);
    expect(asked).toHaveLength(ports);
    expect(left).toHaveBeenCalledTimes(reenumerates ? 1 : 0);
    expect(link.state.failures).toBe(0);
  });

  test.each([
    [["AT#OFF"], false],
    [undefined, true],
  ])("power.off %j: the module is %s powered when the power is cut", async (off, powered) => {
    const { profiles, profile } = withProfile({
      power: withoutUndefined({ off }),
      urcs: [{ pattern: "^ACME BYE$", event: "shutdown" }],
    });
    const found: boolean[] = [];
    const lines: string[] = [];
    const { link, modem } = await trial(profiles, profile, {
      link: {
        power: {
          how: "relay",
          cycle: async () => {
            found.push(modem.powered);
            await modem.reboot();
          },
        },
      },
    });
    await ready(link);
    link.engine?.onUrc(({ text }) => lines.push(text));
    await link.restart("power");
    expect(found).toEqual([powered]);
    expect(lines.includes("ACME BYE")).toBe(!powered);
    await ready(link);
  });

  test.each([
    ["menu-stn", "#STN: ", true],
    ["menu-sstn", "^SSTN: ", true],
    ["menu-stin", "+STIN: ", true],
    ["usat-raw", "+CUSATP: ", true],
    ["none", "#STN: ", false],
  ] as const)("toolkit.dialect %s: REFRESH is noticed by %s", async (dialect, prefix, noticed) => {
    const escaped = prefix.replace(/[\^+]/g, "\\$&").trimEnd();
    const { profiles, profile } = withProfile({
      toolkit: { dialect },
      quirks: ["sim-not-reread"],
      urcs: [{ pattern: `^${escaped}`, event: "toolkit" }],
    });
    const { link, modem, written } = await trial(profiles, profile, { link: { clock: fast } });
    await ready(link);
    await systemClock.sleep(50);
    written.length = 0;
    // REFRESH, UICC reset. ETSI TS 102 223 §6.6.13
    modem.toolkit.notify({ at: "command", type: 0x01, bytes: Buffer.from("D009810301010482028182", "hex") });
    // A watch for a profile switch asks for the ICCID every two seconds.
    const asks = () => written.some((line) => line.startsWith("AT+CRSM=176,12258"));
    if (noticed) await vi.waitFor(() => expect(asks()).toBe(true), { timeout: 5_000, interval: 5 });
    else {
      await systemClock.sleep(400);
      expect(asks()).toBe(false);
    }
  });
});

/** Twenty times as fast, with looks of the modem out of the way. */
const fast: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 20,
  sleep: (ms, signal) => systemClock.sleep(ms / 20, signal),
};

function systemTimer(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}

/** Every path of a schema at which a value stands; `*` for entries of lists and records. */
function leaves(schema: unknown, at: readonly string[] = []): string[] {
  let inner = schema;
  while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  if (inner instanceof z.ZodObject)
    return Object.entries(inner.shape).flatMap(([key, value]) => leaves(value, [...at, key]));
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject) return leaves(inner.element, [...at, "*"]);
  if (inner instanceof z.ZodRecord && inner.valueType instanceof z.ZodObject)
    return leaves(inner.valueType, [...at, "*"]);
  return [at.join(".")];
}

/** The value, with a note of every path that is read from it. */
function recorded<T extends object>(value: T, read: Set<string>, at: readonly string[] = []): T {
  return new Proxy(value, {
    get(target, key, receiver) {
      const found: unknown = Reflect.get(target, key, receiver);
      if (typeof key === "symbol" || typeof found === "function") return found;
      const entry = Array.isArray(target) || at.at(-1) === "portsByUsb";
      const here = [...at, entry ? "*" : key];
      read.add(here.join("."));
      return typeof found === "object" && found !== null ? recorded(found, read, here) : found;
    },
  });
}

/** Profiles that note what is read of the test's own. */
class RecordedProfiles extends ProfileSet {
  readonly read = new Set<string>();

  #recorded(profile: ModemProfile): ModemProfile {
    return profile.name === "acme-x1" ? { ...profile, file: recorded(profile.file, this.read) } : profile;
  }

  override list(): readonly ModemProfile[] {
    return super.list().map((profile) => this.#recorded(profile));
  }

  override get(name: string): ModemProfile {
    return this.#recorded(super.get(name));
  }
}

describe("every field of the profile schema", () => {
  /** What describes the file and the device to people, and what is compiled when the file is loaded. */
  const exempt = /^(\$schema|name|title|extends|abstract|vendor|models|sources|verified|urcs|quirks|timeoutsMs)(\.|$)/;
  /** What only the simulated modem plays. */
  const played = ["startup.banner"];
  const query = [{ command: "AT#X1", pattern: "^#X1: (\\d+)$", decode: "plain" }];
  const ports = { at: 2, atSecondary: 3, ppp: 4, nmea: 5, diag: 6, ignore: [7] };
  const everything = {
    match: { usb: ["1234:5678", "1234:5679"], maker: "^Acme", model: "^X1$" },
    ports,
    portsByUsb: { "1234:5678": ports },
    uart: { baud: 115_200, flow: "rtscts" },
    startup: { ready: "^RDY$", banner: ["RDY"], waitMs: 500, probes: 5 },
    init: ["ATE0"],
    identity: { imei: query, imsi: query, iccid: query, eid: query },
    card: { access: ["csim"], maxData: 255, envelope: "csim", prepare: ["AT"] },
    sms: {
      service: 1,
      indications: ["2,1,0,1,0"],
      storages: ["ME"],
      acknowledge: "always",
      moreMessages: true,
      list: true,
      perMinute: 30,
      prepare: ["AT"],
    },
    network: { registration: ["CREG"], signal: ["csq"] },
    toolkit: {
      dialect: "menu-stn",
      query: { command: "AT#STIA?", pattern: "^#STIA: (\\d)$", decode: "plain" },
      on: "1",
      enable: ["AT#STIA=1"],
      enableNeedsRestart: true,
    },
    power: {
      restart: ["AT#BOOT"],
      off: ["AT#OFF"],
      simReset: ["AT+CFUN=0", "AT+CFUN=1"],
      bootMs: 500,
      reenumerates: true,
    },
    quirks: ["toolkit-off-by-default"],
    urcs: [{ pattern: "^#STN: ", event: "toolkit" }],
  };

  test("is read by the engine in the life of a modem", { timeout: 40_000 }, async () => {
    const { profile } = withProfile(everything);
    const content = { ...everything, title: "x", name: "acme-x1", extends: "3gpp", vendor: "Acme", models: ["X1"] };
    const source = { source: "x", content: { ...content, sources: [], verified: [] } };
    const profiles = new RecordedProfiles([...profileContents(), source]);
    const usb = { usb: "1234:5678", usbPath: "1-1" };
    const tty = (usbInterface: number) => ({ address: "tty:x", path: "x", ...usb, usbInterface });
    expect(findModems([2, 3, 4, 5, 6, 7].map(tty), profiles)[0]?.at.map((port) => port.usbInterface)).toEqual([
      2, 3, 4,
    ]);
    expect(findModems([{ ...tty(2), usb: "1234:5679" }], profiles)).toHaveLength(1);
    const playedBySimulator = new Set<string>();
    const { link, modem } = await trial(
      profiles,
      { ...profile, file: recorded(profile.file, playedBySimulator) },
      {
        uart: (asked) => ({ baud: 115_200, flow: asked?.flow ?? "none" }),
        link: {
          settings: { enableToolkit: true },
          power: { how: "relay", cycle: async () => void (await modem.reboot()) },
        },
      },
    );
    await ready(link, 15_000);
    const connection = await link.reader.connect({ timeoutMs: 5_000 });
    await connection.transmit(Buffer.from("00A40004023F00", "hex"), { timeoutMs: 5_000 }).catch(() => undefined);
    await connection.reset("warm", { timeoutMs: 5_000 }).catch(() => undefined);
    await connection[Symbol.asyncDispose]();
    await link.restart("sim");
    await vi.waitFor(() => expect(link.bearer.state).toEqual({ up: true }), { timeout: 5_000 });
    link.bearer.onInbound(async () => {});
    modem.stores.ME.add({
      tpdu: Buffer.from("0004A1000000006210200102034005E8329BFD06", "hex"),
      serviceCentre: "+15551000000",
      status: 0,
    });
    await link.bearer.inbox?.poll();
    await link.bearer
      .submit(
        {
          reference: "r",
          to: "+15550100002",
          userData: Buffer.from("00"),
          userDataHeader: false,
          protocolId: 0,
          dataCoding: 4,
          moreToCome: true,
          receipt: false,
        },
        AbortSignal.timeout(5_000),
      )
      .catch(() => undefined);
    modem.toolkit.notify({ at: "command", type: 0x21, bytes: Buffer.from("D009810301210082028182", "hex") });
    await link.restart("soft");
    await vi.waitFor(() => expect(link.state.phase.at).not.toBe("ready"));
    await ready(link, 15_000);
    await link.restart("power");
    await ready(link, 15_000);
    const unread = leaves(ProfileFile).filter((leaf) => !exempt.test(leaf) && !profiles.read.has(leaf));
    expect(unread).toEqual(played);
    expect(played.filter((leaf) => !playedBySimulator.has(leaf))).toEqual([]);
  });

  test("that is retired is an error in a shipped file and a warning in a user's file", () => {
    const content = {
      name: "acme-old",
      title: "Acme old",
      extends: "3gpp",
      match: { model: "^OLD$" },
      card: { files: "crsm", maxData: 200 },
      toolkit: { bip: "modem" },
      capabilities: { bip: "unknown" },
      sources: [{ id: "memory", kind: "memory", title: "x", covers: ["/toolkit/bip", "/card"] }],
      verified: [],
    };
    expect(() => new ProfileSet([...profileContents(), { source: "old.json", content }])).toThrow(
      /old\.json: \/card\/files nothing reads this field any longer/,
    );
    const set = new ProfileSet([...profileContents(), { source: "old.json", content, own: true }]);
    expect(set.problems).toEqual([]);
    expect(set.warnings.map(({ problem }) => problem)).toEqual([
      "old.json: /card/files: nothing reads this field any longer",
      "old.json: /toolkit/bip: nothing reads this field any longer",
      "old.json: /capabilities: nothing reads this field any longer",
    ]);
    expect(set.get("acme-old").file.card).toEqual(expect.objectContaining({ maxData: 200 }));
  });
});
