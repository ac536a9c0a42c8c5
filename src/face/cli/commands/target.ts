import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { GatewayError } from "../../../base/gateway-error.ts";
import { parseJson } from "../../../base/json.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { paint, result, say, table } from "../terminal.ts";
import { registerTargetCard } from "./target-card.ts";

interface ShownTarget {
  readonly id: string;
  readonly kind: string;
  readonly name?: string;
  readonly eid?: string;
  readonly iccid?: string;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly tags: readonly string[];
  readonly esimProfiles: readonly {
    readonly aid: string;
    readonly iccid?: string;
    readonly imsi?: string;
    readonly state: string;
    readonly fallback: boolean;
  }[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly keySets?: readonly {
    readonly type: string;
    readonly kvn: number;
    readonly algorithm: string;
    readonly cntr: number;
    readonly tars: readonly string[];
  }[];
  readonly version: number;
}

interface Outcome {
  readonly target: ShownTarget;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

/** `target add|list|show|import|set|remove`, and what {@link registerTargetCard} adds. */
export function registerTarget(program: Command, context: CliContext): void {
  const target = program.command("target").description("eUICCs and UICCs that are addressed");
  registerImport(target, context);
  registerAdd(target, context);
  registerTargetCard(program, target, context);
  target
    .command("list")
    .option("--tag <tag>", "only those with this tag")
    .option("--limit <n>", "at most this many", wholeNumber, 1000)
    .description("list targets")
    .action(async (options: { tag?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: ShownTarget[] = [];
      for await (const one of connection.api.list<ShownTarget>("/v1/targets", { tag: options.tag }, options.limit))
        found.push(one);
      result(context.terminal, found, (targets) =>
        targets.length === 0
          ? "no targets\n"
          : table(
              ["ID", "NAME", "EID / ICCID", "MSISDN", "ENABLED PROFILE", "TAGS"],
              targets.map((one) => [
                one.id,
                one.name ?? "",
                one.eid ?? one.iccid ?? "",
                one.msisdn ?? "",
                enabledOf(one),
                one.tags.join(","),
              ]),
            ),
      );
    });
  target
    .command("show")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .description("one target with its profiles and key sets (never key values)")
    .action(async (reference: string) => {
      await using connection = await context.connect();
      const one = await connection.api.get<ShownTarget>(`/v1/targets/${encodeURIComponent(reference)}`);
      result(context.terminal, one, (shown) => targetText(shown, context));
    });
  target
    .command("set")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .option("--name <name>")
    .option("--msisdn <digits>")
    .option("--tag <tag...>", "replace the tags")
    .option("--notifications <mode>", "bench, relay or withhold")
    .option("--spi <hex>", "SPI of commands")
    .description("change a target")
    .action(
      async (
        reference: string,
        options: { name?: string; msisdn?: string; tag?: string[]; notifications?: string; spi?: string },
      ) => {
        await using connection = await context.connect();
        const path = `/v1/targets/${encodeURIComponent(reference)}`;
        const before = await connection.api.get<ShownTarget>(path);
        const settings = {
          ...before.settings,
          ...(options.notifications === undefined ? {} : { notifications: options.notifications }),
          ...(options.spi === undefined ? {} : { spi: options.spi }),
        };
        const changed = await connection.api.patch<ShownTarget>(path, {
          name: options.name,
          msisdn: options.msisdn,
          tags: options.tag,
          settings,
        });
        result(context.terminal, changed, (shown) => targetText(shown, context));
      },
    );
  target
    .command("remove")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .description("remove a target and its keys")
    .action(async (reference: string) => {
      await using connection = await context.connect();
      await connection.api.delete(`/v1/targets/${encodeURIComponent(reference)}`);
      result(context.terminal, { removed: reference }, () => `removed ${reference}`);
    });
}

function registerImport(target: Command, context: CliContext): void {
  target
    .command("import")
    .argument("<file>", "EIS or key file: JSON (one or a list), SGP.02 XML, or CSV; - for standard input")
    .option("--eum <pem>", "EUM certificate that the signature of an XML EIS must fit")
    .option("--ci <pem>", "CI certificate that the EUM certificate must come from")
    .option("--transport-key <hex|@file>", "key that the key values of an XML EIS are wrapped with")
    .description("add or replace targets from a file, keys included")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate target import eis.json\n  otagate target import keys.csv\n  otagate target import eis.xml --eum eum.pem --ci ci.pem\n\nCSV columns: eid,iccid,imsi,msisdn,name,kvn,algorithm,kic,kid,dek,cntr,tars,psk,psk_kvn,tags\n",
    )
    .action(async (file: string, options: { eum?: string; ci?: string; transportKey?: string }) => {
      const { eum, ci, transportKey } = options;
      const body = {
        ...importBody(file),
        ...(eum === undefined ? {} : { eum: textFile(eum) }),
        ...(ci === undefined ? {} : { ci: textFile(ci) }),
        ...(transportKey === undefined ? {} : { transportKey: keyText(transportKey) }),
      };
      await using connection = await context.connect();
      const { items } = await connection.api.post<{ items: Outcome[] }>("/v1/targets/import", body);
      for (const { warnings, target: one } of items)
        for (const warning of warnings) say(context.terminal, `${one.eid ?? one.id}: ${warning}`);
      result(context.terminal, items, (outcomes) =>
        outcomes
          .map(
            ({ target: one, created }) =>
              `${created ? "added" : "replaced"} ${one.id} ${one.eid ?? one.iccid ?? ""} with ${one.esimProfiles.length} profiles`,
          )
          .join("\n"),
      );
    });
}

/** The request for a file by what its first characters say it is. @throws config.unreadable, target.invalid */
function importBody(file: string): object {
  const text = textFile(file === "-" ? 0 : file);
  const start = text.trimStart()[0];
  if (start === "<") return { format: "xml", text };
  if (start !== "{" && start !== "[") return { format: "csv", text };
  try {
    const parsed = parseJson(text);
    return { format: "json", items: Array.isArray(parsed) ? parsed : [parsed] };
  } catch (cause) {
    const why = cause instanceof GatewayError ? cause.message : "not valid JSON";
    throw new GatewayError("target.invalid", `${file}: ${why}`, { detail: { file }, cause });
  }
}

/** @throws config.unreadable */
function textFile(file: string | 0): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", `cannot read ${file}`, { detail: { file }, cause });
  }
}

function registerAdd(target: Command, context: CliContext): void {
  target
    .command("add")
    .option("--eid <eid>")
    .option("--iccid <iccid>")
    .option("--imsi <imsi>")
    .option("--msisdn <digits>")
    .option("--name <name>")
    .option("--tag <tag...>")
    .option("--kvn <n>", "key version of the SCP80 keys", wholeNumber, 1)
    .option("--kic <hex|@file>", "KIc")
    .option("--kid <hex|@file>", "KID")
    .option("--algorithm <name>", "AES, 3DES or DES", "AES")
    .option("--cntr <n>", "counter that was last used", wholeNumber, 0)
    .option("--tars <tar...>", "TARs these keys serve (default: ISD-R and ISD-Ps)")
    .option("--psk <hex|@file>", "PSK for SCP81")
    .option("--psk-kvn <n>", "key version of the PSK", wholeNumber, 64)
    .description(
      "add a target by hand; keys on the command line are visible to other users of the machine, @file is not",
    )
    .addHelpText("after", "\nExample:\n  otagate target add --eid 8900… --kic @kic.hex --kid @kid.hex\n")
    .action(async (options: AddOptions) => {
      await using connection = await context.connect();
      const outcome = await connection.api.post<Outcome>("/v1/targets", shapeOf(options));
      for (const warning of outcome.warnings) say(context.terminal, warning);
      result(context.terminal, outcome, ({ target: one, created }) => `${created ? "added" : "replaced"} ${one.id}`);
    });
}

interface AddOptions {
  readonly eid?: string;
  readonly iccid?: string;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly name?: string;
  readonly tag?: string[];
  readonly kvn: number;
  readonly kic?: string;
  readonly kid?: string;
  readonly algorithm: string;
  readonly cntr: number;
  readonly tars?: string[];
  readonly psk?: string;
  readonly pskKvn: number;
}

function shapeOf(options: AddOptions): unknown {
  const keySets: unknown[] = [];
  if (options.kic !== undefined && options.kid !== undefined) {
    keySets.push({
      kvn: options.kvn,
      type: "SCP80",
      algorithm: options.algorithm,
      cntr: options.cntr,
      ...(options.tars === undefined ? {} : { tars: options.tars }),
      keys: [
        { id: 1, value: keyText(options.kic) },
        { id: 2, value: keyText(options.kid) },
      ],
    });
  }
  if (options.psk !== undefined)
    keySets.push({ kvn: options.pskKvn, type: "SCP81", keys: [{ id: 1, value: keyText(options.psk) }] });
  const { eid, iccid, imsi, msisdn, name, tag } = options;
  return JSON.parse(JSON.stringify({ eid, iccid, imsi, msisdn, name, tags: tag, keySets }));
}

function keyText(value: string): string {
  return value.startsWith("@") ? readFileSync(value.slice(1), "utf8").trim() : value;
}

function enabledOf(target: ShownTarget): string {
  const enabled = target.esimProfiles.find((profile) => profile.state === "enabled");
  return enabled === undefined ? "" : (enabled.iccid ?? enabled.aid);
}

function targetText(target: ShownTarget, { terminal }: CliContext): string {
  const dim = (text: string) => paint(terminal, "dim", text);
  const lines = [
    `${dim("target     ")} ${target.id}${target.name === undefined ? "" : ` (${target.name})`}, ${target.kind}, version ${target.version}`,
    ...(["eid", "iccid", "imsi", "msisdn"] as const).flatMap((key) =>
      target[key] === undefined ? [] : [`${dim(key.toUpperCase().padEnd(11))} ${target[key]}`],
    ),
    ...(target.tags.length === 0 ? [] : [`${dim("tags       ")} ${target.tags.join(", ")}`]),
  ];
  if (target.esimProfiles.length > 0) {
    lines.push(
      "",
      table(
        ["ISD-P", "ICCID", "IMSI", "STATE", "FALL-BACK"],
        target.esimProfiles.map((one) => [
          one.aid,
          one.iccid ?? "",
          one.imsi ?? "",
          one.state,
          one.fallback ? "yes" : "",
        ]),
      ).trimEnd(),
    );
  }
  if ((target.keySets ?? []).length > 0) {
    lines.push(
      "",
      table(
        ["KEY SET", "KVN", "ALGORITHM", "CNTR", "TARS"],
        (target.keySets ?? []).map((set) => [
          set.type,
          String(set.kvn),
          set.algorithm,
          String(set.cntr),
          set.tars.join(","),
        ]),
      ).trimEnd(),
    );
  }
  return lines.join("\n");
}
