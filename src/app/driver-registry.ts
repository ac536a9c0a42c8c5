import type { z } from "zod";
import { defaultAddresses, drivers } from "../../drivers/all.ts";
import { withoutUndefined } from "../base/defined.ts";
import { checked } from "../base/field-words.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { nearest } from "../base/nearest.ts";
import type { Driver, DriverDeps, DriverList } from "../link/driver.ts";
import type { NetworkBearer } from "../link/network-bearer.ts";
import type { Port, UartSettings } from "../link/port.ts";

/** Settings of one address in the configuration. */
export type AddressOptions = Readonly<Record<string, unknown>>;

/** An address that its driver has accepted. */
export interface ResolvedAddress {
  readonly scheme: string;
  /** Without its query. */
  readonly address: string;
  readonly driver: Driver;
  /** Parsed by {@link Driver.options}. */
  readonly options: unknown;
  /** The given options, without defaults. */
  readonly given: AddressOptions;
}

/**
 * Finds the driver of an address by its scheme and gives each address its options. A driver that does not load fails
 * the addresses of its own scheme with `link.driver`, and nothing else.
 */
export class DriverRegistry {
  readonly #list: DriverList;
  readonly #bareScheme: string;

  /** @param bareAddress prefix of addresses that are written without a scheme */
  constructor(list: DriverList, bareAddress: string) {
    this.#list = list;
    this.#bareScheme = schemeIn(bareAddress) ?? bareAddress;
  }

  get schemes(): readonly string[] {
    return Object.keys(this.#list);
  }

  /** The scheme of an address; a path has that of ports. */
  schemeOf(address: string): string {
    return schemeIn(address) ?? this.#bareScheme;
  }

  /** Why no driver opens this address; undefined when one does. Loads nothing. */
  problemOf(address: string): string | undefined {
    const scheme = this.schemeOf(address);
    if (Object.hasOwn(this.#list, scheme)) return undefined;
    const close = nearest(scheme, [...this.schemes]);
    const hint = close === undefined ? "" : `; did you mean '${close}:'?`;
    return `'${withoutPassword(address)}': no driver has the scheme '${scheme}'; schemes: ${this.schemes.join(", ")}${hint}`;
  }

  /** The driver of a scheme. @throws link.driver when its module or a package it needs does not load */
  async driver(scheme: string): Promise<Driver> {
    const load = Object.hasOwn(this.#list, scheme) ? this.#list[scheme] : undefined;
    if (load === undefined) throw new GatewayError("config.invalid", this.problemOf(`${scheme}:`) ?? scheme);
    try {
      return (await load()).driver;
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
      throw new GatewayError("link.driver", `the driver '${scheme}' does not load: ${why}`, { cause });
    }
  }

  /** @throws config.invalid naming the option, link.driver */
  async resolve(written: string, options: AddressOptions = {}): Promise<ResolvedAddress> {
    const problem = this.problemOf(written);
    if (problem !== undefined)
      throw new GatewayError("config.invalid", problem, { detail: { address: withoutPassword(written) } });
    const scheme = this.schemeOf(written);
    const driver = await this.driver(scheme);
    const { address, query, twice } = splitQuery(schemeIn(written) === undefined ? `${scheme}:${written}` : written);
    if (twice !== undefined) throw refused(address, `'${twice}' is set twice in the address`, { option: twice });
    for (const name of Object.keys(query)) {
      if (!Object.hasOwn(options, name)) continue;
      throw refused(address, `'${name}' is set in the address and in the configuration`, { option: name });
    }
    const given = { ...options, ...query };
    return { scheme, address, driver, options: parseOptions(driver, address, given, query), given };
  }

  /** As {@link resolve}, for the address of a port. @throws config.invalid where its driver opens no such port */
  async resolvePort(written: string, options: AddressOptions = {}): Promise<ResolvedAddress> {
    const resolved = await this.resolve(written, options);
    const { address, driver } = resolved;
    const problem =
      driver.openPort === undefined ? opensNoPorts(driver) : driver.portProblem?.(address, resolved.options);
    if (problem !== undefined) throw refused(address, problem);
    return resolved;
  }

  /** As {@link resolve}, for an address to look for ports at. @throws config.invalid where its driver finds none */
  async resolveSearch(written: string): Promise<ResolvedAddress> {
    const resolved = await this.resolve(written);
    const { address, driver } = resolved;
    if (driver.listPorts === undefined) throw refused(address, `the driver '${driver.scheme}' cannot look for ports`);
    return resolved;
  }

  /** Opens a port; `uart` fills in what neither the address nor the configuration sets. @throws link.*, config.invalid */
  async openPort(
    { address, driver, options, given }: ResolvedAddress,
    uart: UartSettings | undefined,
    deps: DriverDeps,
    signal?: AbortSignal,
  ): Promise<Port> {
    if (driver.openPort === undefined) throw refused(address, opensNoPorts(driver));
    const fromProfile = uart === undefined ? undefined : driver.uartOptions?.(uart);
    const settings =
      fromProfile === undefined ? options : parseOptions(driver, address, { ...fromProfile, ...given }, given);
    return driver.openPort(address, settings, deps, signal);
  }

  /** Opens a bearer into a network. @throws link.*, config.* */
  async openBearer({ address, driver, options }: ResolvedAddress, deps: DriverDeps): Promise<NetworkBearer> {
    if (driver.openBearer === undefined)
      throw refused(address, `the driver '${driver.scheme}' carries no short messages`);
    return driver.openBearer(address, options, deps);
  }
}

/** The drivers of this product. */
export function driverRegistry(): DriverRegistry {
  return new DriverRegistry(drivers, defaultAddresses.port);
}

/** The refusal of an address. */
function refused(address: string, problem: string, more: Readonly<Record<string, string>> = {}): GatewayError {
  const shown = withoutPassword(address);
  return new GatewayError("config.invalid", `${shown}: ${problem}`, { detail: { address: shown, ...more } });
}

/** The address without a login that has a password: no error shows it. */
function withoutPassword(address: string): string {
  return address.replace(/\/\/[^/@:]*:[^/]*@/, "//…@");
}

function schemeIn(address: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
}

function opensNoPorts({ scheme }: Driver): string {
  return `the driver '${scheme}' opens no ports`;
}

/** Address before `?`, settings after it, and a setting that occurs twice, if any. */
function splitQuery(written: string): {
  readonly address: string;
  readonly query: Readonly<Record<string, string>>;
  readonly twice?: string;
} {
  const at = written.indexOf("?");
  if (at < 0) return { address: written, query: {} };
  const settings = new URLSearchParams(written.slice(at + 1));
  const names = [...settings.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return {
    address: written.slice(0, at),
    query: Object.fromEntries(settings),
    ...withoutUndefined({ twice }),
  };
}

/** @throws config.invalid naming the option, with the nearest one the driver has */
function parseOptions(driver: Driver, address: string, given: AddressOptions, texts: AddressOptions): unknown {
  let parsed = checked(driver.options, given);
  // A query contains text; options of another type in the schema are converted one by one.
  const converted = parsed.success ? undefined : convertTexts(given, texts, parsed.error.issues);
  if (converted !== undefined) parsed = checked(driver.options, converted);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = issue?.code === "unrecognized_keys" ? (issue.keys[0] ?? "") : (issue?.path.join(".") ?? "");
  const problem =
    issue?.code === "unrecognized_keys"
      ? `the driver '${driver.scheme}' has no option '${option}'${hint(option, driver)}`
      : `${option}: ${issue?.message}`;
  throw refused(address, problem, { option });
}

function convertTexts(
  given: AddressOptions,
  texts: AddressOptions,
  issues: readonly z.core.$ZodIssue[],
): AddressOptions | undefined {
  const converted: Record<string, unknown> = { ...given };
  for (const issue of issues) {
    const [name] = issue.path;
    const text = typeof name === "string" ? texts[name] : undefined;
    if (issue.code !== "invalid_type" || typeof name !== "string" || typeof text !== "string") continue;
    if (issue.expected === "number" || issue.expected === "int") {
      if (/^-?\d+(?:\.\d+)?$/.test(text)) converted[name] = Number(text);
    } else if (issue.expected === "boolean") {
      if (text === "true" || text === "false") converted[name] = text === "true";
    } else if (issue.expected === "array") converted[name] = text.split(",");
  }
  return converted;
}

function hint(option: string, { options }: Driver): string {
  const names = "shape" in options && typeof options.shape === "object" ? Object.keys(options.shape ?? {}) : [];
  const close = nearest(option, names);
  if (close !== undefined) return `; did you mean '${close}'?`;
  return names.length === 0 ? "" : `; its options: ${names.join(", ")}`;
}
