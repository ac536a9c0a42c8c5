import type { Command } from "commander";
import { everyItem } from "../../api/client.ts";
import type { TargetAnswer, TargetDetail } from "../../api/targets.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../number-flag.ts";
import { paint, result, table } from "../terminal.ts";
import { registerTargetCard } from "./target-card.ts";
import { registerTargetImport } from "./target-import.ts";
import { registerTargetSet } from "./target-set.ts";

/** `target add|list|show|import|set|remove`, and what {@link registerTargetCard} adds. */
export function registerTarget(target: Command, context: CliContext): void {
  registerTargetImport(target, context);
  registerTargetCard(target, context);
  target
    .command("list")
    .option("--tag <tag>", "only targets with this tag")
    .option("--limit <n>", "maximum number of targets", wholeNumber, 1000)
    .description("list targets")
    .action(async (options: { tag?: string; limit: number }) => {
      await using connection = await context.connect();
      const found: TargetAnswer[] = [];
      const { targets: all } = connection.api.v1;
      for await (const one of everyItem((page) => all.list({ query: { tag: options.tag, ...page } }), options.limit))
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
    .description("show a target with its profiles and key sets (never key values)")
    .action(async (reference: string) => {
      await using connection = await context.connect();
      const one = await connection.api.v1.targets.get({ params: { ref: reference } });
      result(context.terminal, one, (shown) => targetText(shown, context));
    });
  registerTargetSet(target, context, (shown) => targetText(shown, context));
  target
    .command("remove")
    .argument("<target>", "id, EID, ICCID, IMSI, MSISDN or name")
    .description("remove a target and its keys")
    .action(async (reference: string) => {
      await using connection = await context.connect();
      await connection.api.v1.targets.remove({ params: { ref: reference } });
      result(context.terminal, { removed: reference }, () => `removed ${reference}`);
    });
}

function enabledOf(target: TargetAnswer): string {
  const enabled = target.esimProfiles.find((profile) => profile.state === "enabled");
  return enabled === undefined ? "" : (enabled.iccid ?? enabled.aid);
}

function targetText(target: TargetAnswer & Partial<TargetDetail>, { terminal }: CliContext): string {
  const dim = (text: string) => paint(terminal, "dim", text);
  const lines = [
    `${dim("target     ")} ${target.id}${target.name === undefined ? "" : ` (${target.name})`}, ${target.kind}, version ${target.version}`,
    ...(["eid", "iccid", "imsi", "msisdn"] as const).flatMap((key) =>
      target[key] === undefined ? [] : [`${dim(key.toUpperCase().padEnd(11))} ${target[key]}`],
    ),
    ...[target.reach, target.settings].flatMap((part) =>
      Object.entries(part).map(([key, value]) => `${dim(key.padEnd(11))} ${value}`),
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
