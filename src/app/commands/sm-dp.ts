import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { FileStateStore } from "../../../simulators/euicc/state-store.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { ecCurves, p256 } from "../../codec/euicc/ec-curve.ts";
import { type Eid, parseEid } from "../../codec/euicc/eid.ts";
import { type EcPrivateKey, ecPrivateKeyPem, newEcKey } from "../../crypto/certificates/ec-key.ts";
import { keyIdentifier } from "../../crypto/certificates/issue.ts";
import { newTestPki } from "../../crypto/certificates/test-pki.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { unreadable } from "../../face/cli/input-file.ts";
import { result, table } from "../../face/cli/terminal.ts";
import { credentialFindings } from "../../gateway/downloads/credentials.ts";
import { loadConfig } from "../config/config.ts";
import { masterSeal } from "../secrets.ts";
import { sealedKey, smDpCredentials } from "../sm-dp-credentials.ts";

/** Validity of the certificates of a test set. */
const validityMs = 10 * 365.25 * 86_400_000;

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
      const cards = makeSet(path, card, curve);
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

function makeSet(path: string, cards: readonly string[], curveName: string): { file: string; eid: string }[] {
  const curve = ecCurves.find(({ name }) => name.toLowerCase() === curveName.toLowerCase());
  if (curve === undefined || (curve.name !== "P-256" && curve.name !== "brainpoolP256r1"))
    throw new GatewayError("api.usage", "--curve must be P-256 or brainpoolP256r1", { detail: { field: "curve" } });
  const now = Date.now();
  const random = (octets: number) => new Uint8Array(randomBytes(octets));
  const pki = newTestPki({ curve, validFrom: now - 86_400_000, validTo: now + validityMs, random });
  const put = (name: string, text: string) => writeFileSync(join(path, name), text);
  put("ci.pem", pem(pki.ci.certificate));
  put("eum.pem", pem(pki.eum.certificate));
  put("sm-dp.7f21", `${toHex(pki.smDp.certificate)}\n`);
  put("sm-sr.7f21", `${toHex(pki.smSr.certificate)}\n`);
  const keys: readonly (readonly [string, EcPrivateKey])[] = [
    ["ci.key", pki.ci.key],
    ["eum.key", pki.eum.key],
    ["sm-dp.key", pki.smDp.key],
    ["sm-sr.key", pki.smSr.key],
  ];
  for (const [name, key] of keys) writeSecret(join(path, name), ecPrivateKeyPem(key));
  return cards.map((file) => {
    const store = new FileStateStore(file);
    const state = store.load() ?? createEuiccState();
    const eid: Eid = parseEid(state.eid);
    const key = newEcKey(curve);
    const openssl = curve.openssl === "brainpoolP256r1" ? ("brainpoolP256r1" as const) : ("prime256v1" as const);
    state.ecasd = {
      privateKey: toHex(key.scalar.reveal()),
      certificate: toHex(pki.ecasd({ eid, key })),
      ciPublicKey: toHex(pki.ci.key.point),
      ciKeyId: toHex(keyIdentifier(pki.ci.key)),
      curve: openssl,
      ciCurve: openssl,
    };
    store.save(state);
    return { file, eid: state.eid };
  });
}

function configurationOf(path: string, name: string): string {
  return [
    "smDp:",
    `  - name: ${name}`,
    `    certificate: ${join(path, "sm-dp.7f21")}`,
    `    key: file:${join(path, "sm-dp.key")}`,
    `    ci: ${join(path, "ci.pem")}`,
    `    eums: [${join(path, "eum.pem")}]`,
    "",
  ].join("\n");
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
