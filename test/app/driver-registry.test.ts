import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseConfig } from "../../src/app/config/config.ts";
import { DriverRegistry, driverRegistry } from "../../src/app/driver-registry.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type Driver, silentLog } from "../../src/link/driver.ts";
import type { Port } from "../../src/link/port.ts";
import { testRandom } from "../seed.ts";

const deps = { clock: systemClock, random: testRandom(), log: silentLog };

const Options = z.strictObject({
  baud: z.int().min(300).default(115_200),
  flow: z.enum(["none", "rtscts"]).default("none"),
  lock: z.boolean().default(true),
  tags: z.array(z.string()).default([]),
});

/** A driver that remembers what its ports were opened with. */
function recording(): { readonly registry: DriverRegistry; readonly opened: unknown[][] } {
  const opened: unknown[][] = [];
  const driver: Driver<z.output<typeof Options>> = {
    scheme: "line",
    options: Options,
    async openPort(address, options): Promise<Port> {
      opened.push([address, options]);
      return {
        address,
        incoming: (async function* () {})(),
        write: async () => {},
        [Symbol.asyncDispose]: async () => {},
      };
    },
    uartOptions: ({ baud, flow }) => ({ ...(baud && { baud }), ...(flow && { flow }) }),
  };
  const missing = async () => {
    throw new Error("Cannot find package 'native-thing'\nmore");
  };
  const bare: Driver = { scheme: "bare", options: z.strictObject({}) };
  const list = { line: async () => ({ driver }), broken: missing, bare: async () => ({ driver: bare }) };
  return { registry: new DriverRegistry(list, "line:"), opened };
}

describe("options of an address", () => {
  const defaults = { baud: 115_200, flow: "none", lock: true, tags: [] };

  test.each([
    ["line:/dev/a", {}, undefined, defaults],
    [
      "line:/dev/a?baud=9600&lock=false&tags=x,y",
      {},
      undefined,
      { ...defaults, baud: 9600, lock: false, tags: ["x", "y"] },
    ],
    ["line:/dev/a", { flow: "rtscts" }, undefined, { ...defaults, flow: "rtscts" }],
    ["line:/dev/a?baud=9600", { flow: "rtscts" }, undefined, { ...defaults, baud: 9600, flow: "rtscts" }],
    // A hardware profile fills in what nothing else sets.
    ["line:/dev/a", {}, { baud: 921_600, flow: "rtscts" }, { ...defaults, baud: 921_600, flow: "rtscts" }],
    ["line:/dev/a?baud=9600", {}, { baud: 921_600, flow: "rtscts" }, { ...defaults, baud: 9600, flow: "rtscts" }],
    ["line:/dev/a", { baud: 115_200 }, { baud: 921_600 }, defaults],
    ["/dev/a?flow=rtscts", {}, undefined, { ...defaults, flow: "rtscts" }],
  ] as const)("%s with %j and the profile's %j", async (address, given, uart, options) => {
    const { registry, opened } = recording();
    await registry.openPort(await registry.resolve(address, given), uart, deps);
    expect(opened).toEqual([["line:/dev/a", options]]);
  });

  test.each([
    ["line:/dev/a?buad=9600", {}, /has no option 'buad'; did you mean 'baud'/],
    ["line:/dev/a?baud=fast", {}, /line:\/dev\/a: baud: /],
    ["line:/dev/a?baud=1", {}, /baud: /],
    ["line:/dev/a?flow=maybe", {}, /flow: /],
    ["line:/dev/a?baud=9600", { baud: 9600 }, /'baud' is set in the address and in the configuration/],
    ["line:/dev/a?baud=9600&baud=115200", {}, /line:\/dev\/a: 'baud' is set twice in the address/],
    ["lime:/dev/a", {}, /no driver has the scheme 'lime'; schemes: .*; did you mean 'line:'/],
    ["constructor:/dev/a", {}, /no driver has the scheme 'constructor'/],
  ])("%s with %j is refused", async (address, given, message) => {
    const { registry } = recording();
    await expect(registry.resolve(address, given)).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.stringMatching(message),
    });
  });

  test("a driver that does not load fails its own addresses only", async () => {
    const { registry } = recording();
    await expect(registry.resolve("broken:x")).rejects.toMatchObject({
      code: "link.driver",
      message: "the driver 'broken' does not load: Cannot find package 'native-thing'",
    });
    expect((await registry.resolve("line:x")).scheme).toBe("line");
  });

  test("a driver is asked only for what it can do", async () => {
    const { registry } = recording();
    const bare = await registry.resolve("bare:x");
    await expect(registry.openPort(bare, undefined, deps)).rejects.toMatchObject({ code: "config.invalid" });
    await expect(registry.openBearer(bare, deps)).rejects.toMatchObject({ code: "config.invalid" });
  });
});

describe("addresses of a configuration", () => {
  test.each([
    [{ modems: [{ name: "a", port: "tyt:/dev/ttyUSB0" }] }, /modems\.0\.port: 'tyt:.*did you mean 'tty:'/],
    [{ smsc: [{ name: "a", address: "spmp://host" }] }, /smsc\.0\.address: .*did you mean 'smpp:'/],
    [{ readers: { addresses: ["psc:"] } }, /readers\.addresses\.0: .*did you mean 'pcsc:'/],
  ])("%j is refused where no driver has the scheme", (config, message) => {
    expect(() => parseConfig(config)).toThrow(message);
  });

  test("two spellings of one port are still one port", () => {
    const modems = [
      { name: "a", port: "tty:/dev/ttyUSB0" },
      { name: "b", port: "tty:/dev/ttyUSB0?baud=9600" },
    ];
    expect(() => parseConfig({ modems })).toThrow(/port of the modem 'a'/);
  });

  test.each([
    ["tcp:127.0.0.1:99999", /: the port number 99999 is out of range \(1 to 65535\)$/],
    ["tcp://127.0.0.1:0", /: the port number 0 is out of range/],
    ["tcp:127.0.0.1:4001", /: must be tcp:\/\/host:port$/],
    ["tcp://127.0.0.1", /: must be tcp:\/\/host:port$/],
    ["tcp://user:secret@127.0.0.1:4001", /^tcp:\/\/…@127\.0\.0\.1:4001: must be tcp:\/\/host:port$/],
    ["sim:", /: must be sim:NAME$/],
    ["sim:?card=none", /: must be sim:NAME$/],
    ["sim:a?profile=quectel-ec2", /no hardware profile has the name quectel-ec2; did you mean quectel-ec25\?$/],
    ["pcsc:foo", /: the driver 'pcsc' opens no ports$/],
    ["tty:", /: the device is missing: /],
    ["tty:?baud=9600", /: the device is missing: /],
  ])("%s is no port", async (address, message) => {
    await expect(driverRegistry().resolvePort(address)).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.stringMatching(message),
    });
  });

  test.each([
    "tcp://127.0.0.1:65535",
    "tcp://[::1]:1/",
    "tty:/dev/ttyUSB2",
    "tty:usb-1-1.4/if02",
    "/dev/ttyS0",
    "sim:a",
  ])("%s is one", async (address) => {
    await expect(driverRegistry().resolvePort(address)).resolves.toBeDefined();
  });

  test.each([
    "tcp://user:secret@127.0.0.1:4001?a=1",
    "tcp://user:secret@127.0.0.1:4001?connectTimeoutMs=500&connectTimeoutMs=600",
    "tpc://user:secret@127.0.0.1:4001",
  ])("no error of %s shows the password", async (address) => {
    const error = await driverRegistry()
      .resolvePort(address)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "config.invalid" });
    expect(JSON.stringify(error)).not.toContain("secret");
  });

  test("ports are looked for only where a driver can", async () => {
    const registry = driverRegistry();
    await expect(registry.resolveSearch("tty:")).resolves.toBeDefined();
    await expect(registry.resolveSearch("tcp:")).rejects.toMatchObject({
      code: "config.invalid",
      message: "tcp:: the driver 'tcp' cannot look for ports",
    });
  });

  test.each(["smpp://u@127.0.0.1:99999", "smpp://127.0.0.1:0"])("%s has a port out of range", async (address) => {
    const registry = driverRegistry();
    await expect(registry.openBearer(await registry.resolve(address), deps)).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.stringMatching(/: the port number \d+ is out of range/),
    });
  });

  test("the product's own drivers take the options that their pages list", async () => {
    const registry = driverRegistry();
    for (const address of [
      "tty:/dev/ttyS0?baud=9600&flow=xonxoff&lock=false",
      "tcp://127.0.0.1:4001?connectTimeoutMs=500",
      "pcsc:?client=socket&socket=/run/x",
      "smpp://user@127.0.0.1:2775?window=5&bindMode=tx",
      "smpps://127.0.0.1?binds=2",
      "sim:bench?profile=quectel-ec25&card=none",
    ])
      await expect(registry.resolve(address), address).resolves.toBeDefined();
  });
});
