import { readFile } from "node:fs/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { type SmppStream, socketStream } from "../../src/link/smpp/stream.ts";
import type { SmppAccount } from "./account.ts";

/** Host, port and TLS of an account's SMSC. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: Exclude<SmppAccount["tls"], boolean | undefined> | undefined;
  readonly systemId: string;
}

const ports = { plain: 2775, tls: 3550 };
const plainTls = { insecure: false };

/**
 * Reads `smpp://[system_id@]host[:port]` or `smpps://…`; settings of the account come first.
 * @throws config.invalid
 */
export function endpointOf(address: string, account: SmppAccount): Endpoint {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const scheme = url?.protocol ?? `${address.split(":")[0]}:`;
  if (scheme !== "smpp:" && scheme !== "smpps:") {
    throw new GatewayError(
      "config.invalid",
      `${address}: an SMPP address must be smpp://host:port or smpps://host:port`,
    );
  }
  if (url !== undefined && url.password !== "")
    throw new GatewayError(
      "config.invalid",
      `${scheme}//${url.host}: the address must not contain a password: set \`password\` of the account`,
    );
  const outside = url === undefined ? /:(\d+)\/?$/.exec(address)?.[1] : url.port === "0" ? "0" : undefined;
  if (outside !== undefined)
    throw new GatewayError(
      "config.invalid",
      `${address}: the port number ${outside.slice(0, 20)} is out of range (1 to 65535)`,
      { detail: { address } },
    );
  const asked = account.tls === true || scheme === "smpps:" ? plainTls : undefined;
  const tls = typeof account.tls === "object" ? account.tls : asked;
  const host = account.host ?? url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  if (host === "") throw new GatewayError("config.invalid", `${address}: the host is missing`);
  const port = account.port ?? Number(url?.port || (tls === undefined ? ports.plain : ports.tls));
  return { host, port, tls, systemId: account.systemId ?? decodeURIComponent(url?.username ?? "") };
}

async function pem(text: string | undefined): Promise<string | undefined> {
  if (text === undefined || text.includes("-----BEGIN")) return text;
  try {
    return await readFile(text, "utf8");
  } catch (error) {
    throw new GatewayError("config.unreadable", `${text} cannot be read`, { cause: error });
  }
}

async function open(endpoint: Endpoint): Promise<{ socket: Socket; ready: "connect" | "secureConnect" }> {
  const { host, port, tls } = endpoint;
  if (tls === undefined) return { socket: connectTcp({ host, port }), ready: "connect" };
  const [ca, cert, key] = await Promise.all([pem(tls.ca), pem(tls.cert), pem(tls.key)]);
  const name = tls.servername ?? (isIP(host) === 0 ? host : undefined);
  const socket = connectTls({
    host,
    port,
    minVersion: "TLSv1.2",
    rejectUnauthorized: !tls.insecure,
    ...withoutUndefined({ servername: name, ca, cert, key }),
  });
  return { socket, ready: "secureConnect" };
}

/** Connects, with TLS through its handshake. @throws link.unavailable, config.unreadable */
export async function connect(
  endpoint: Endpoint,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<SmppStream> {
  const { socket, ready } = await open(endpoint);
  const over = new AbortController();
  const where = `${endpoint.host}:${endpoint.port}`;
  try {
    await Promise.race([
      new Promise<void>((resolve, reject) => {
        socket.once(ready, () => resolve());
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("closed during the handshake")));
      }),
      clock.sleep(timeoutMs, AbortSignal.any([signal, over.signal])).then(() => {
        throw new Error(`no connection within ${timeoutMs} ms`);
      }),
    ]);
  } catch (error) {
    socket.on("error", () => undefined);
    socket.destroy();
    const why = error instanceof Error ? error.message : String(error);
    throw new GatewayError("link.unavailable", `cannot connect to ${where}: ${why}`, { cause: error });
  } finally {
    over.abort();
  }
  return socketStream(socket);
}
