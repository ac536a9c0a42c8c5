import { connect } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { paint, result } from "../../face/cli/terminal.ts";
import { silentLog } from "../../link/driver.ts";
import { loadProfiles } from "../../link/modem/profile/profile-files.ts";
import { loadConfig } from "../config/config.ts";
import { socketName } from "../config/state-folder.ts";
import { remoteApi } from "../connect.ts";
import { driverRegistry } from "../driver-registry.ts";
import { noClientCanBind, noClientText, plainFaces } from "../plain-faces.ts";
import { version } from "../version.ts";
import { certificates, stateFolder, store } from "./durable-findings.ts";
import type { Finding } from "./finding.ts";

interface DoctorOptions {
  readonly config?: string;
  readonly url?: string;
}

/** `doctor`: checks this machine and suggests repairs. */
export function registerDoctor(own: Command, context: CliContext, globals: () => DoctorOptions): void {
  own.addHelpText(
    "after",
    "\nExit codes: 0 no finding is bad, 7 at least one is bad; a warning does not count as bad\n",
  );
  own.action(async () => {
    const { url } = globals();
    const findings = [
      node(),
      configuration(globals().config, context.env),
      await native("better-sqlite3", "the store", "npm rebuild better-sqlite3 (needs python3, make, g++)"),
      ...(await driverFindings(context.env)),
      ...leftOutProfiles(globals().config, context.env),
      ...oddFaces(globals().config, context.env),
      { what: "virtual readers", ...(await virtualReaders()) },
      ...(await durable(globals().config, context.env)),
      url === undefined ? await daemonState(globals().config, context.env) : await daemonAt(url, context.env),
    ];
    result(context.terminal, { version, findings }, (report) =>
      [
        `otagate ${report.version}`,
        ...report.findings.map((one) => {
          const mark =
            one.verdict === "good"
              ? paint(context.terminal, "green", "ok     ")
              : one.verdict === "bad"
                ? paint(context.terminal, "red", "bad    ")
                : paint(context.terminal, "yellow", "warning");
          return `${mark} ${one.what}: ${one.detail}${one.advice === undefined ? "" : `\n        -> ${one.advice}`}`;
        }),
      ].join("\n"),
    );
    if (findings.some((one) => one.verdict === "bad")) process.exitCode = 7;
  });
}

function node(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 20) return { what: "node", verdict: "good", detail: process.version };
  return { what: "node", verdict: "bad", detail: process.version, advice: "otagate needs Node 20 or newer" };
}

function configuration(path: string | undefined, env: NodeJS.ProcessEnv): Finding {
  try {
    const loaded = loadConfig(path, env);
    return { what: "configuration", verdict: "good", detail: `${loaded.path ?? "defaults"}, state in ${loaded.state}` };
  } catch (thrown) {
    return { what: "configuration", verdict: "bad", detail: asGatewayError(thrown).message };
  }
}

/** Our servers that other machines can reach without TLS, or that no client can use. */
function oddFaces(path: string | undefined, env: NodeJS.ProcessEnv): Finding[] {
  try {
    const { config } = loadConfig(path, env);
    const plain = plainFaces(config).map(
      ({ section, address, risk, advice }): Finding => ({
        what: `TLS of ${section}`,
        verdict: "missing",
        detail: `${address} can be reached from other machines: ${risk}`,
        advice,
      }),
    );
    return noClientCanBind(config.smppFace)
      ? [...plain, { what: "smppFace clients", verdict: "missing", detail: noClientText }]
      : plain;
  } catch {
    // The configuration's own finding states it.
    return [];
  }
}

/** User's hardware profiles that are not used; others are not affected. */
function leftOutProfiles(path: string | undefined, env: NodeJS.ProcessEnv): Finding[] {
  try {
    const { profiles } = loadConfig(path, env).config.modemDiscovery;
    if (profiles.length === 0) return [];
    const { problems, warnings } = loadProfiles(profiles);
    const old = warnings.map(({ source, problem }): Finding => {
      return {
        what: "hardware profile",
        verdict: "missing",
        detail: problem,
        advice: `remove the field from ${source}`,
      };
    });
    if (old.length > 0 && problems.length === 0) return old;
    if (problems.length === 0) {
      return [
        { what: "hardware profiles", verdict: "good", detail: `custom profiles in ${profiles.join(", ")} are used` },
      ];
    }
    return problems.map(({ source, problem }) => ({
      what: "hardware profile",
      verdict: "bad",
      detail: `ignored: ${problem}`,
      advice: `otagate hardware-profile check ${source}`,
    }));
  } catch {
    // The configuration's own finding states it.
    return [];
  }
}

/** Findings about certificates, state folder and store. */
async function durable(path: string | undefined, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let loaded: ReturnType<typeof loadConfig>;
  try {
    loaded = loadConfig(path, env);
  } catch {
    // The configuration's own finding states it.
    return [];
  }
  const { config, state } = loaded;
  const inUse = await answers(join(state, socketName));
  const folder = stateFolder(state);
  return [
    ...certificates(config, Date.now()),
    ...(folder === undefined ? [await store(config, state, env, inUse)] : [folder]),
  ];
}

async function native(name: string, use: string, advice: string): Promise<Finding> {
  try {
    const loaded: { default?: unknown } = await import(name);
    if (name === "better-sqlite3" && typeof loaded.default === "function")
      Reflect.construct(loaded.default, [":memory:"]);
    return { what: name, verdict: "good", detail: `loaded (${use})` };
  } catch (error) {
    const bad = name === "better-sqlite3";
    return {
      what: name,
      verdict: bad ? "bad" : "missing",
      detail: `cannot be loaded, ${use} not available: ${error instanceof Error ? error.message.split("\n")[0] : ""}`,
      advice,
    };
  }
}

/** Findings of each driver. */
async function driverFindings(env: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  const registry = driverRegistry();
  const findings = await Promise.all(
    registry.schemes.map(async (scheme): Promise<readonly Finding[]> => {
      try {
        return (await (await registry.driver(scheme)).diagnose?.(env, deps)) ?? [];
      } catch (error) {
        return [{ what: `driver ${scheme}`, verdict: "missing", detail: asGatewayError(error).message }];
      }
    }),
  );
  return findings.flat();
}

async function virtualReaders(): Promise<Omit<Finding, "what">> {
  const { pcscLabProblem } = await import("../../../simulators/pcsc-lab.ts");
  const problem = pcscLabProblem();
  if (problem === undefined) return { verdict: "good", detail: "pcscd and vpcd are installed" };
  return {
    verdict: "missing",
    detail: problem,
    advice: "apt-get install -y pcscd vsmartcard-vpcd (only for simulators)",
  };
}

/** The daemon that `--url` or OTAGATE_URL names. @throws api.usage when it is not a URL */
async function daemonAt(url: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const api = remoteApi(url, env);
  try {
    const { version: running } = await api.v1.daemon.get();
    return { what: "daemon", verdict: "good", detail: `responds at ${url}, version ${running}` };
  } catch (thrown) {
    const { code, message } = asGatewayError(thrown);
    const refused = code === "api.unauthorized" || code === "api.forbidden";
    return {
      what: "daemon",
      verdict: "bad",
      detail: `${url}: ${message}`,
      advice: refused
        ? "set OTAGATE_TOKEN to a token of this daemon (otagate token create)"
        : "check the address in --url or OTAGATE_URL, and that the daemon runs there",
    };
  }
}

async function daemonState(path: string | undefined, env: NodeJS.ProcessEnv): Promise<Finding> {
  try {
    const { state } = loadConfig(path, env);
    const socket = join(state, socketName);
    if (await answers(socket)) return { what: "daemon", verdict: "good", detail: `responds at ${socket}` };
  } catch {
    // The configuration's own finding states it.
  }
  return {
    what: "daemon",
    verdict: "missing",
    detail: "not running; commands work without it, one at a time",
    advice: "otagate daemon",
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
