import { accessSync, constants, existsSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { asGatewayError } from "../../base/gateway-error.ts";
import type { Config } from "../config/config.ts";
import { masterSeal } from "../secrets.ts";
import { expiryNoticeMs, readTls, tlsSettings } from "../tls-settings.ts";
import type { Finding } from "./finding.ts";

/** The files of each place that has certificates. */
export function certificates(config: Config, now: number): Finding[] {
  return tlsSettings(config).map((setting) => {
    const what = `certificates of ${setting.of}`;
    try {
      const { subject = "CA only", until } = readTls(setting, now);
      const day = until === undefined ? "" : `, until ${new Date(until).toISOString().slice(0, 10)}`;
      const soon = until !== undefined && until - now < expiryNoticeMs;
      const advice = soon ? { advice: "renew it: the daemon does not start with an expired certificate" } : {};
      return { what, verdict: "good", detail: `${subject}${day}`, ...advice };
    } catch (thrown) {
      return { what, verdict: "bad", detail: asGatewayError(thrown).message };
    }
  });
}

/** A finding if the daemon cannot create or write the state folder; undefined if it can. */
export function stateFolder(state: string): Finding | undefined {
  let above = state;
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above);
  try {
    if (!statSync(above).isDirectory()) return unusable(state, `${above} is not a folder`);
    accessSync(above, constants.W_OK | constants.X_OK);
    // Permissions are not sufficient, for example below /proc: only creating a folder proves that it is possible.
    if (above !== state) rmdirSync(mkdtempSync(join(above, ".otagate-")));
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "no access";
    return unusable(state, `${above} cannot be written (${reason})`);
  }
}

function unusable(state: string, why: string): Finding {
  return {
    what: "state folder",
    verdict: "bad",
    detail: `${state} cannot be used: ${why}`,
    advice: "set `state` in the configuration, or OTAGATE_STATE, to a folder that this user can write",
  };
}

/** Checks the store: every page, lost commits, and the master key. */
export async function store(config: Config, state: string, env: NodeJS.ProcessEnv, inUse: boolean): Promise<Finding> {
  try {
    const { checkStore } = await import("../../store/check-store.ts");
    const size = await checkStore(state, masterSeal(config.masterKey, state, env), inUse);
    const detail = size === undefined ? `none in ${state} yet` : `intact, ${(size / 1e6).toFixed(1)} MB in ${state}`;
    return { what: "store", verdict: "good", detail };
  } catch (thrown) {
    return { what: "store", verdict: "bad", detail: asGatewayError(thrown).message };
  }
}
