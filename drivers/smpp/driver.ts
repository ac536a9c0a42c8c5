import type { Driver, DriverDeps } from "../../src/link/driver.ts";
import { passwordOf, SmppAccount } from "./account.ts";
import { SmppBearer } from "./bearer.ts";
import { connect, endpointOf } from "./connect.ts";

const longPassword = 8;

async function openBearer(address: string, account: SmppAccount, deps: DriverDeps): Promise<SmppBearer> {
  const endpoint = endpointOf(address, account);
  const id = `${endpoint.tls === undefined ? "smpp" : "smpps"}:${endpoint.systemId}@${endpoint.host}:${endpoint.port}`;
  if (passwordOf(account).length > longPassword) {
    deps.log.warn({ link: id }, "an SMPP password has at most 8 characters; this SMSC may refuse a longer one");
  }
  return new SmppBearer(id, endpoint.systemId, account, {
    ...deps,
    connect: (signal) => connect(endpoint, account.connectMs, deps.clock, signal),
  });
}

/** An operator's SMSC over TCP: `smpp://[system_id@]host[:port]`. */
export const driver = { scheme: "smpp", options: SmppAccount, openBearer } satisfies Driver<SmppAccount>;

/** The same through TLS: `smpps://[system_id@]host[:port]`. */
export const secureDriver = { scheme: "smpps", options: SmppAccount, openBearer } satisfies Driver<SmppAccount>;
