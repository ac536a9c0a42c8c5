import type { Config } from "./config/config.ts";
import { isLoopback } from "./loopback.ts";

/** A server that other machines can reach without TLS. */
interface PlainFace {
  /** Part of the configuration. */
  readonly section: "smppFace" | "api";
  readonly address: string;
  readonly risk: string;
  readonly advice: string;
}

/** Whether the SMSC for other platforms listens although none of them can bind. */
export function noClientCanBind({ enabled, clients }: Pick<Config["smppFace"], "enabled" | "clients">): boolean {
  return enabled && clients.length === 0;
}

export const noClientText =
  "smppFace is enabled without clients, so every bind is refused: add smppFace.clients, or set smppFace.enabled to false";

/** Servers that are enabled without TLS on an address that is not loopback. */
export function plainFaces({ smppFace, api }: Pick<Config, "smppFace" | "api">): PlainFace[] {
  const found: PlainFace[] = [];
  if (smppFace.enabled && smppFace.tls === undefined && !isLoopback(smppFace.host)) {
    found.push({
      section: "smppFace",
      address: `${smppFace.host}:${smppFace.port}`,
      risk: "passwords of SMPP clients and messages to cards are sent in clear",
      advice: "set smppFace.tls, or smppFace.host to 127.0.0.1",
    });
  }
  if (api.port !== undefined && api.tls === undefined && !isLoopback(api.host)) {
    found.push({
      section: "api",
      address: `${api.host}:${api.port}`,
      risk: "API tokens are sent in clear unless a proxy in front terminates TLS",
      advice: "set api.tls, or api.host to 127.0.0.1",
    });
  }
  return found;
}
