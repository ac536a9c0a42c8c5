import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { addressGroup } from "../../../src/face/smpp/address-group.ts";
import { BindGate, type BindLimits } from "../../../src/face/smpp/bind-gate.ts";
import { Places } from "../../../src/face/smpp/places.ts";
import type { BindDecision } from "../../../src/face/smpp/port.ts";

const never = new AbortController().signal;

/** Time that only the test moves. */
class TestClock implements Clock {
  at = 1_000_000;
  readonly sleeps: number[] = [];
  now = () => this.at;
  monotonic = () => this.at;
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.at += ms;
  }
}

/** Checks that end when the test says. */
class Checks {
  started = 0;
  running = 0;
  most = 0;
  readonly #open: (() => void)[] = [];
  verify = async (password: string): Promise<boolean> => {
    this.started += 1;
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await new Promise<void>((resolve) => this.#open.push(resolve));
    this.running -= 1;
    return password === "secret";
  };
  /** Ends the oldest check. */
  async end(): Promise<void> {
    this.#open.shift()?.();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

const limits: BindLimits = {
  maxVerifications: 2,
  maxVerificationQueue: 3,
  failureDelayMs: 100,
  maxFailureDelayMs: 1_000,
};

function bench(settings: Partial<BindLimits> = {}) {
  const clock = new TestClock();
  const checks = new Checks();
  const account = { systemId: "smsr", maxBinds: 1, window: 1, deliverAs: "deliver_sm", passwordHash: "hash" } as const;
  const gate = new BindGate(
    [{ ...account, allow: ["192.0.2.0/24", "2001:db8::/32"] }],
    { ...limits, ...settings },
    {
      clock,
      verify: checks.verify,
    },
  );
  const bind = (remoteAddress: string, password = "wrong", systemId = "smsr", signal = never): Promise<BindDecision> =>
    gate.decide({ systemId, password, systemType: "", mode: "trx", remoteAddress, tls: false }, signal);
  return { clock, checks, bind };
}

const reason = (decision: BindDecision) => ("refused" in decision ? decision.refused : "granted");

describe("the gate before the SMSC face", () => {
  it("checks no password of an unknown account, or from an address that may not bind", async () => {
    const { checks, bind } = bench();
    expect(reason(await bind("192.0.2.1", "secret", "nobody"))).toBe("system-id");
    expect(reason(await bind("198.51.100.1", "secret"))).toBe("address");
    expect(reason(await bind("::ffff:198.51.100.1", "secret"))).toBe("address");
    expect(checks.started).toBe(0);
  });

  it("checks two passwords at a time, lets three wait, and refuses the rest unchecked", async () => {
    const { checks, bind } = bench();
    const decisions = Array.from({ length: 200 }, (_, i) => bind(`192.0.2.${i + 1}`));
    const busy = await Promise.all(decisions.slice(5));
    expect(busy.map(reason)).toEqual(busy.map(() => "busy"));
    for (let i = 0; i < 5; i++) await checks.end();
    expect((await Promise.all(decisions.slice(0, 5))).map(reason)).toEqual(Array.from({ length: 5 }, () => "password"));
    expect(checks).toMatchObject({ started: 5, most: 2 });
  });

  it("checks one password of an address at a time", async () => {
    const { checks, bind } = bench();
    const first = bind("2001:db8:0:1::1");
    expect(reason(await bind("2001:db8:0:1:ffff::2", "another"))).toBe("busy");
    await checks.end();
    expect(reason(await first)).toBe("password");
    expect(checks.started).toBe(1);
  });

  it("checks once for binds that come together with the same credentials, while one of them waits", async () => {
    const { checks, bind } = bench({ maxVerifications: 1 });
    const gone = new AbortController();
    const first = bind("192.0.2.1", "secret", "smsr", gone.signal);
    const others = Array.from({ length: 19 }, () => bind("192.0.2.1", "secret"));
    gone.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    await checks.end();
    expect((await Promise.all(others)).map(reason)).toEqual(others.map(() => "granted"));
    expect(checks.started).toBe(1);
  });

  it("drops the check of a connection that is gone before its turn", async () => {
    const { checks, bind } = bench({ maxVerifications: 1 });
    const first = bind("192.0.2.1");
    const gone = new AbortController();
    const second = bind("192.0.2.2", "secret", "smsr", gone.signal);
    const third = bind("192.0.2.3", "secret");
    gone.abort(new Error("gone"));
    await expect(second).rejects.toThrow("gone");
    await checks.end();
    await checks.end();
    expect(reason(await first)).toBe("password");
    expect(reason(await third)).toBe("granted");
    expect(checks.started).toBe(2);
  });

  it("knows a verified password again without a check, whatever else is going on", async () => {
    const { checks, clock, bind } = bench({ maxVerifications: 1, maxVerificationQueue: 0 });
    const first = bind("192.0.2.9", "secret");
    await checks.end();
    expect(reason(await first)).toBe("granted");
    const flood = bind("192.0.2.1");
    expect(reason(await bind("192.0.2.9", "secret"))).toBe("granted");
    expect(reason(await bind("192.0.2.10", "secret"))).toBe("granted");
    expect(reason(await bind("192.0.2.10", "Secret"))).toBe("busy");
    await checks.end();
    await flood;
    expect(checks.started).toBe(2);
    expect(clock.sleeps).toEqual([]);
  });

  it("lets an address wait longer with each refusal, up to a limit, and no other one", async () => {
    const { checks, clock, bind } = bench();
    const holds: (number | undefined)[] = [];
    for (let i = 0; i < 6; i++) {
      const decision = bind("192.0.2.1");
      await checks.end();
      await checks.end();
      const known = await decision;
      if ("refused" in known) holds.push(known.holdMs);
    }
    expect(holds).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(clock.sleeps).toEqual([100, 200, 400, 800, 1_000]);
    const other = bind("192.0.2.2");
    await checks.end();
    expect(await other).toEqual({ refused: "password", holdMs: 100 });
    clock.at += 2_001;
    const later = bind("192.0.2.1");
    await checks.end();
    expect(await later).toEqual({ refused: "password", holdMs: 100 });
  });

  it("refuses a rule that is neither an address nor a network when it is made", () => {
    const account = { systemId: "a", maxBinds: 1, window: 1, deliverAs: "deliver_sm", passwordHash: "x" } as const;
    expect(() => new BindGate([{ ...account, allow: ["10.0.0.0/33"] }], limits, { clock: systemClock })).toThrow(
      "10.0.0.0/33",
    );
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("counts %s as %s", (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

describe("places of connections", () => {
  const some = { maxConnections: 6, maxConnectionsPerAddress: 4, maxUnbound: 4, maxUnboundPerAddress: 3 };

  it("closes the oldest stranger of the address that has the most, not the one that has just come", () => {
    const places = new Places(some);
    const evicted: string[] = [];
    const enter = (address: string, name: string) => places.enter(address, () => evicted.push(name));
    expect(enter("10.0.0.1", "a1")).toBeDefined();
    enter("10.0.0.2", "b1");
    enter("10.0.0.1", "a2");
    enter("10.0.0.1", "a3");
    expect(enter("10.0.0.1", "a4")).toBeDefined();
    expect(evicted).toEqual(["a1"]);
    expect(enter("10.0.0.3", "c1")).toBeDefined();
    expect(evicted).toEqual(["a1", "a2"]);
  });

  it("never closes a bound connection, and lets a stranger in while there is a stranger to close", () => {
    const places = new Places(some);
    const evicted: number[] = [];
    for (let i = 0; i < 6; i++) places.enter(`10.0.1.${i}`, () => evicted.push(i))?.bound();
    expect(places.enter("10.0.2.1", () => {})).toBeUndefined();
    expect(evicted).toEqual([]);
  });

  it("refuses a newcomer where its address has all the connections it may have", () => {
    const places = new Places(some);
    for (let i = 0; i < 4; i++) places.enter("10.0.0.1", () => {})?.bound();
    expect(places.enter("10.0.0.1", () => {})).toBeUndefined();
    expect(places.enter("10.0.0.2", () => {})).toBeDefined();
  });

  it("gives places back", () => {
    const places = new Places(some);
    for (let i = 0; i < 100; i++) {
      const place = places.enter("10.0.0.1", () => {});
      expect(place).toBeDefined();
      place?.bound();
      place?.leave();
    }
  });
});
