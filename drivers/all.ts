import type { DriverList } from "../src/link/driver.ts";

/** Every driver: the scheme of its addresses, and its module, which is loaded when an address first needs it. */
export const drivers = {
  pcsc: () => import("./pcsc/driver.ts"),
  tty: () => import("./serial-tty/driver.ts"),
  tcp: () => import("./serial-tcp/driver.ts"),
  smpp: () => import("./smpp/driver.ts"),
  smpps: () => import("./smpp/secure-driver.ts"),
  sim: () => import("./sim/driver.ts"),
} as const satisfies DriverList;

/** Addresses that hold unless the configuration names others; a port without a scheme is a path of `port`. */
export const defaultAddresses = { readers: ["pcsc:"], ports: ["tty:"], cards: "sim:", port: "tty:" } as const;
