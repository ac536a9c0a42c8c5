import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type CommandEffect,
  type CommandEvent,
  type CommandFacts,
  type CommandState,
  queued,
  stepCommand,
} from "../../../src/link/modem/at/command-step.ts";

const plain: CommandFacts = {
  body: false,
  inline: false,
  slowBody: false,
  tentative: false,
  abortable: false,
  acceptLate: false,
  lone: false,
  oneLine: false,
};
const fresh = { prompted: false, cancelled: false, orphan: false };
const sent: CommandState = { at: "sent", ...fresh };
const bodySent: CommandState = { at: "body-sent", ...fresh, prompted: true };
const late: CommandState = { at: "late", orphan: false };
const ended: CommandState = { at: "ended" };

/** Effects in short: `write body`, `limit line`, `settle answer`, `recover atPrompt`, `next` … */
function short(effect: CommandEffect): string {
  switch (effect.do) {
    case "write":
      return `write ${effect.what}`;
    case "limit":
      return `limit ${effect.by}`;
    case "release":
      return effect.withdrawn ? "withdraw" : "release";
    case "settle":
      return `settle ${effect.as}`;
    case "recover":
      return effect.awaitLate ? "recover, await late" : effect.atPrompt ? "recover at prompt" : "recover";
    case "next":
      return effect.soon ? "next soon" : "next";
    case "delay-body":
      return "delay body";
  }
}

describe("one AT command", () => {
  const timeout = (own = false): CommandEvent => ({ kind: "timeout", own });

  test.each<[string, CommandState, CommandEvent, Partial<CommandFacts>, CommandState, readonly string[]]>([
    // The ordinary way.
    ["leaves", queued, { kind: "start" }, {}, sent, ["write line", "limit line"]],
    ["is answered", sent, { kind: "final" }, {}, ended, ["settle answer", "next"]],
    // With a body.
    ["gets its prompt", sent, { kind: "prompt" }, { body: true }, bodySent, ["write body", "limit body"]],
    [
      "body is slow",
      sent,
      { kind: "prompt" },
      { body: true, slowBody: true },
      { ...sent, prompted: true },
      ["delay body"],
    ],
    [
      "body is due",
      { ...sent, prompted: true },
      { kind: "body-due" },
      { body: true, slowBody: true },
      bodySent,
      ["write body", "limit body"],
    ],
    [
      "prompt comes twice before a slow body",
      { ...sent, prompted: true },
      { kind: "prompt" },
      { body: true, slowBody: true },
      { ...sent, prompted: true },
      [],
    ],
    [
      "body leaves with the line",
      queued,
      { kind: "start" },
      { body: true, inline: true },
      { ...bodySent, prompted: false },
      ["write line-and-body", "limit body"],
    ],
    ["ends without a prompt", sent, { kind: "final" }, { body: true }, ended, ["settle answer", "next"]],
    // A prompt that nothing waits for.
    ["prompt without a body", sent, { kind: "prompt" }, {}, { ...sent, cancelled: true }, ["write escape"]],
    ["second prompt", bodySent, { kind: "prompt" }, { body: true }, { ...bodySent, cancelled: true }, ["write escape"]],
    // Its time is over.
    ["is not answered", sent, timeout(), {}, ended, ["settle timeout", "recover"]],
    ["stops at the prompt", sent, timeout(), { body: true }, ended, ["settle timeout", "recover at prompt"]],
    ["is a knock", sent, timeout(), { tentative: true }, ended, ["settle timeout", "next"]],
    ["lost only its OK", sent, timeout(true), { oneLine: true }, ended, ["recover", "settle success", "next"]],
    ["lost its answer of one line", sent, timeout(false), { oneLine: true }, ended, ["settle timeout", "recover"]],
    ["may be answered late", bodySent, timeout(), { body: true, acceptLate: true }, late, ["recover, await late"]],
    ["gets its line and may lack an OK", sent, { kind: "own-line" }, { lone: true }, sent, ["limit lone-answer"]],
    ["gets its line", sent, { kind: "own-line" }, {}, sent, []],
    ["is answered late", late, { kind: "final" }, {}, ended, ["settle late-answer"]],
    ["is never answered", late, timeout(), {}, ended, ["settle timeout"]],
    // Its caller gives up.
    ["is withdrawn", queued, { kind: "abort" }, {}, ended, ["withdraw"]],
    ["loses its caller", sent, { kind: "abort" }, {}, { ...sent, orphan: true }, ["release"]],
    [
      "is cut short",
      sent,
      { kind: "abort" },
      { abortable: true },
      { ...sent, orphan: true },
      ["release", "write any-key"],
    ],
    [
      "is given up before its prompt",
      sent,
      { kind: "abort" },
      { body: true },
      { ...sent, orphan: true, cancelled: true },
      ["release"],
    ],
    [
      "is given up at its prompt",
      { ...sent, prompted: true },
      { kind: "abort" },
      { body: true, slowBody: true },
      { ...sent, prompted: true, orphan: true, cancelled: true },
      ["release", "write escape"],
    ],
    [
      "is given up behind its body",
      bodySent,
      { kind: "abort" },
      { body: true },
      { ...bodySent, orphan: true },
      ["release"],
    ],
    ["is given up twice", { ...sent, orphan: true }, { kind: "abort" }, {}, { ...sent, orphan: true }, []],
    ["is given up while late", late, { kind: "abort" }, {}, { ...late, orphan: true }, ["release"]],
    [
      "given up, gets its prompt",
      { ...sent, orphan: true },
      { kind: "prompt" },
      { body: true },
      { ...sent, orphan: true, cancelled: true },
      ["write escape"],
    ],
    [
      "given up, sends no body",
      { ...sent, prompted: true, orphan: true },
      { kind: "body-due" },
      { body: true },
      { ...sent, prompted: true, orphan: true },
      [],
    ],
    // The module or the port.
    ["sees a restart", sent, { kind: "restarted" }, {}, ended, ["settle reset", "next soon"]],
    ["sees a restart while late", late, { kind: "restarted" }, {}, ended, ["settle timeout"]],
    ["outlives a restart in the queue", queued, { kind: "restarted" }, {}, queued, []],
    ["loses its port", bodySent, { kind: "gone" }, { body: true }, ended, ["settle gone"]],
    ["loses its port in the queue", queued, { kind: "gone" }, {}, ended, ["settle gone"]],
    ["has ended", ended, { kind: "final" }, {}, ended, []],
  ])("%s", (_name, state, event, facts, expected, effects) => {
    const { state: after, effects: asked } = stepCommand(state, event, { ...plain, ...facts });
    expect(after).toEqual(expected);
    expect(asked.map(short)).toEqual(effects);
  });

  const events: readonly CommandEvent[] = [
    { kind: "start" },
    { kind: "prompt" },
    { kind: "body-due" },
    { kind: "own-line" },
    { kind: "final" },
    timeout(true),
    timeout(false),
    { kind: "abort" },
    { kind: "restarted" },
    { kind: "gone" },
  ];
  const flags = [false, true];
  const onLine = flags.flatMap((prompted) =>
    flags.flatMap((cancelled) => flags.map((orphan) => ({ prompted, cancelled, orphan }))),
  );
  const states: readonly CommandState[] = [
    queued,
    ...onLine.flatMap((more) => [{ at: "sent", ...more } as const, { at: "body-sent", ...more } as const]),
    ...flags.map((orphan) => ({ at: "late", orphan }) as const),
    ended,
  ];
  const names = Object.keys(plain);
  const everyFacts = Array.from({ length: 2 ** names.length }, (_, bits) => ({
    ...plain,
    ...Object.fromEntries(names.map((name, bit) => [name, (bits >> bit) % 2 === 1])),
  }));

  test("ends once whatever happens, and a caller is told once", () => {
    for (const facts of everyFacts)
      for (const state of states)
        for (const event of events) {
          const { state: after, effects } = stepCommand(state, event, facts);
          const settled = effects.filter((effect) => effect.do === "settle").length;
          const withdrawn = effects.some((effect) => effect.do === "release" && effect.withdrawn);
          expect(settled + (withdrawn ? 1 : 0)).toBe(after.at === "ended" && state.at !== "ended" ? 1 : 0);
          const released = effects.some((effect) => effect.do === "release" && !effect.withdrawn);
          if ("orphan" in state && state.orphan) expect(released).toBe(false);
          if ("orphan" in state && "orphan" in after) expect(after.orphan).toBe(state.orphan || released);
          const writes = effects.filter((effect) => effect.do === "write" && effect.what === "body").length;
          if (state.at !== "sent" || ("orphan" in state && state.orphan)) expect(writes).toBe(0);
        }
  });

  test("goes through the states that the architecture page draws", () => {
    const drawn = new Set<string>();
    for (const facts of everyFacts)
      for (const state of states)
        for (const event of events) {
          const { state: after } = stepCommand(state, event, facts);
          if (after.at !== state.at) drawn.add(`${state.at} --> ${after.at}: ${event.kind}`);
        }
    const page = readFileSync(join(import.meta.dirname, "../../../docs/architecture.md"), "utf8");
    const diagram = /## The AT command[\s\S]*?```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    const lines = diagram
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("["));
    expect(new Set(lines.flatMap(eachEvent))).toEqual(drawn);
  });
});

/** `a --> b: x, y` is one line for each event. */
function eachEvent(line: string): string[] {
  const [way = "", events = ""] = line.split(": ");
  return events.split(", ").map((event) => `${way}: ${event}`);
}
