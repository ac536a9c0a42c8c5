import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { GatewayError } from "../../base/gateway-error.ts";
import { p256 } from "../../codec/euicc/ec-curve.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { unreadable } from "../../face/cli/input-file.ts";
import { result, table } from "../../face/cli/terminal.ts";
import { credentialFindings } from "../../gateway/downloads/credentials.ts";
import { loadConfig } from "../config/config.ts";
import { masterSeal } from "../secrets.ts";
import { sealedKey, smDpCredentials } from "../sm-dp-credentials.ts";
import { filesOf, makeTestSet, writeSecret } from "./sm-dp-test-set.ts";

/** Where the configuration is. */
type Globals = () => { readonly config?: string };

/** `sm-dp init|list|check|seal`: credentials of SM-DPs. None of them requires a daemon. */
export function registerSmDp(smDp: Command, context: CliContext, globals: Globals): void {
  registerInit(smDp, context);
  const configured = () => {
    const { config, state } = loadConfig(globals().config, context.env);
    const sealed = masterSeal(config.masterKey, state, context.env);
    return smDpCredentials(config.smDp, () => sealed(false).seal, context.env);
  };
  smDp
    .command("list")
    .description("list the SM-DPs of the configuration")
    .addHelpText("after", "\nExample:\n  otagate sm-dp list\n")
    .action(() => {
      const all = configured().map(({ name, key, ci, eums }) => ({
        name,
        curve: key.curve.name,
        ci: ci?.subject.replaceAll("\n", ", ") ?? "none",
        eums: eums.length,
      }));
      result(context.terminal, all, (shown) =>
        shown.length === 0
          ? "no SM-DP is configured\n"
          : table(
              ["NAME", "CURVE", "CI", "MANUFACTURERS"],
              shown.map((one) => [one.name, one.curve, one.ci, String(one.eums)]),
            ),
      );
    });
  smDp
    .command("check")
    .argument("[name]", "only this SM-DP")
    .description("check certificates and keys of the configured SM-DPs; exit code 1 on a finding")
    .addHelpText("after", "\nExample:\n  otagate sm-dp check lab\n")
    .action((name: string | undefined) => {
      const wanted = configured().filter((one) => name === undefined || one.name === name);
      if (wanted.length === 0)
        throw new GatewayError(
          "download.credentials",
          `no SM-DP ${name === undefined ? "" : `'${name}' `}is configured`,
        );
      const found = wanted.map((one) => ({ name: one.name, findings: credentialFindings(one, Date.now()) }));
      result(context.terminal, found, (all) =>
        all
          .map((one) =>
            one.findings.length === 0
              ? `${one.name}: ok\n`
              : one.findings.map(({ code, message }) => `${one.name}: ${code}: ${message}\n`).join(""),
          )
          .join(""),
      );
      if (found.some(({ findings }) => findings.length > 0)) process.exitCode = 1;
    });
  smDp
    .command("seal")
    .argument("<key>", "file with the private key of an SM-DP, PEM")
    .requiredOption("-o, --output <file>", "file for the sealed key, which the configuration names as file:…")
    .description("seal the private key of an SM-DP with the master key")
    .addHelpText("after", "\nExample:\n  otagate sm-dp seal sm-dp.key -o /etc/otagate/sm-dp.sealed\n")
    .action((file: string, { output }: { output: string }) => {
      const { config, state } = loadConfig(globals().config, context.env);
      const pem = readKey(file);
      mkdirSync(state, { recursive: true, mode: 0o700 });
      const { seal } = masterSeal(config.masterKey, state, context.env)(true);
      writeSecret(output, sealedKey(pem, seal));
      result(context.terminal, { sealed: output }, () => `${output}: the sealed key; remove ${file}\n`);
    });
}

function readKey(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unreadable("key", file, cause);
  }
}

interface InitOptions {
  readonly name: string;
  readonly card?: readonly string[];
  readonly curve: string;
}

function registerInit(smDp: Command, context: CliContext): void {
  smDp
    .command("init")
    .argument("<folder>", "folder for the certificates and keys; created if missing")
    .option("--name <name>", "name of the SM-DP in the configuration", "test")
    .option("--card <file...>", "state files of simulated eUICCs that are to trust the set; created if missing")
    .option("--curve <curve>", "P-256 or brainpoolP256r1", p256.name)
    .description("make a test set for simulated cards: a CI, a manufacturer (EUM) and an SM-DP")
    .addHelpText("after", "\nExample:\n  otagate sm-dp init ./sm-dp --card ~/.local/state/otagate/euicc-1.json\n")
    .action((folder: string, { name, card = [], curve }: InitOptions) => {
      const path = resolve(folder);
      if (existsSync(join(path, "sm-dp.key")))
        throw new GatewayError("api.usage", `folder: ${path} contains a test set already`, {
          detail: { field: "folder" },
        });
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const cards = makeTestSet(path, card, curve);
      const snippet = configurationOf(path, name);
      result(context.terminal, { folder: path, name, cards, configuration: snippet }, () =>
        [
          `${path}: certificates and keys of CI, EUM and SM-DP, for simulated cards only`,
          ...cards.map((one) => `${one.file}: card ${one.eid} trusts them; import its EIS again`),
          "Add to the configuration:",
          "",
          snippet,
        ].join("\n"),
      );
    });
}

function configurationOf(path: string, name: string): string {
  const { certificate, key, ci, eums } = filesOf(path);
  return [
    "smDp:",
    `  - name: ${name}`,
    `    certificate: ${certificate}`,
    `    key: ${key}`,
    `    ci: ${ci}`,
    `    eums: [${eums.join(", ")}]`,
    "",
  ].join("\n");
}
