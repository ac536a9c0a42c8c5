import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { parseRanges, splitLine } from "../../codec/at/args.ts";
import type { Port } from "../port.ts";
import { identifiersIn, maskIdentifiers } from "../secrets/masked-identifiers.ts";
import { AtEngine } from "./at/at-engine.ts";
import { type AtResult, resultError } from "./at/at-request.ts";
import { RecordingPort } from "./at/recording-port.ts";
import type { Transcript, TranscriptStep } from "./at/transcript.ts";
import { readCard, readEid } from "./card-facts.ts";
import { chooseProfile, identify, wake } from "./modem-startup.ts";
import { genericName, type ModemIdentity, type ModemProfile, type ProfileSet } from "./profile/profile.ts";
import type { ProfileFile } from "./profile/profile-schema.ts";
import { firstAnswer } from "./questions.ts";
import type { Timers } from "./timers.ts";

/** One read-only query and its outcome. */
interface ProbeAnswer {
  readonly question: string;
  readonly result: string;
  readonly lines: readonly string[];
}

/** A capability of a modem, as far as queries show it. */
interface ProbeCapability {
  readonly name: string;
  readonly verdict: "yes" | "no" | "partial" | "unknown";
  /** The answer that shows it. */
  readonly because: string;
}

/** The result of a probe. */
export interface ProbeReport {
  readonly identity: ModemIdentity;
  /** Hardware profile in use; `generic-3gpp` if there is none for this modem. */
  readonly profile: string;
  readonly capabilities: readonly ProbeCapability[];
  readonly answers: readonly ProbeAnswer[];
  /** A profile to start from, not reviewed yet. */
  readonly draft: ProfileFile;
  /** The whole dialog with identifiers replaced, to be sent in. */
  readonly transcript: Transcript;
}

/** What a probe needs. */
interface ProbeDeps {
  readonly port: Port;
  readonly profiles: ProfileSet;
  readonly clock: Clock;
  readonly timers?: Timers;
  readonly usb?: string;
  readonly signal?: AbortSignal;
}

/** Queries without side effects. */
const questions = [
  "ATI",
  "AT+GCAP",
  "AT+CFUN?",
  "AT+CPIN?",
  "AT+CSQ",
  "AT+CESQ",
  "AT+CREG?",
  "AT+CGREG?",
  "AT+CEREG?",
  "AT+COPS?",
  "AT+CGATT?",
  "AT+CGDCONT?",
  "AT+CSMS?",
  "AT+CPMS=?",
  "AT+CPMS?",
  "AT+CMGF=?",
  "AT+CNMI=?",
  "AT+CNMI?",
  "AT+CSCA?",
  "AT+CMMS=?",
  "AT+CNMA=?",
  "AT+CRSM=?",
  "AT+CSIM=?",
  "AT+CCHO=?",
  "AT+CGLA=?",
  "AT+CUSATD?",
  "AT+CUSATR=?",
  "AT+CMUX=?",
  "AT+CLAC",
] as const;

/**
 * Identifies a modem, sends queries without side effects, and summarizes the answers. @throws modem.timeout without a
 * response, link.*
 */
export async function probeModem({ port, profiles, clock, timers, usb, signal }: ProbeDeps): Promise<ProbeReport> {
  const recorder = new RecordingPort(port, clock);
  await using engine = new AtEngine({
    port: recorder,
    link: "probe",
    profile: profiles.get(genericName),
    ...withoutUndefined({ timers }),
  });
  await wake(engine, 15, clock, signal);
  const identity = await identify(engine);
  const profile = chooseProfile(profiles, identity, undefined);
  engine.use(profile);
  const answers: ProbeAnswer[] = [];
  for (const question of [...questions, ...ownQuestions(profile)]) {
    signal?.throwIfAborted();
    answers.push(await put(engine, question));
  }
  const card = await readCard(engine);
  const imei = await firstAnswer(engine, profile.file.identity?.imei);
  const eid = await readEid(engine, "probe");
  const secrets = [imei, card.iccid, card.imsi, eid].filter((value) => value !== undefined);
  const facts = {
    vendor: identity.maker,
    model: identity.model,
    firmware: identity.revision,
    source: "recorded by a probe",
  };
  return {
    identity,
    profile: profile.name,
    answers,
    capabilities: capabilitiesOf(answers, card.iccid, eid),
    draft: draftProfile(identity, answers, usb),
    transcript: { facts, steps: withoutIdentifiers(recorder.steps, secrets) },
  };
}

function ownQuestions({ file }: ModemProfile): readonly string[] {
  const queries = [...(file.identity?.iccid ?? []), ...(file.toolkit?.query === undefined ? [] : [file.toolkit.query])];
  return queries.map(({ command }) => command);
}

async function put(engine: AtEngine, question: string): Promise<ProbeAnswer> {
  let result: AtResult;
  try {
    result = await engine.send({ line: question, timeoutMs: 15_000 });
  } catch (error) {
    const { code } = asGatewayError(error);
    if (!engine.alive) throw error;
    return { question, result: code, lines: [] };
  }
  const lines = result.info.map(({ text }) => text);
  return { question, result: resultError(question, result)?.message.replace(/^[^:]*: /, "") ?? "OK", lines };
}

function capabilitiesOf(
  answers: readonly ProbeAnswer[],
  iccid: string | undefined,
  eid: string | undefined,
): readonly ProbeCapability[] {
  const of = (question: string) => answers.find((answer) => answer.question === question);
  const works = (name: string, question: string): ProbeCapability => {
    const answer = of(question);
    const verdict = answer?.result === "OK" ? "yes" : "unknown";
    return { name, verdict, because: `${question}: ${answer?.lines[0] ?? answer?.result ?? "not asked"}` };
  };
  const offers = (name: string, question: string, field: number, values: readonly string[]): ProbeCapability => {
    const offered = parseRanges(splitLine(of(question)?.lines[0] ?? "").rest)[field] ?? [];
    const verdict = offered.length === 0 ? "unknown" : values.some((value) => offered.includes(value)) ? "yes" : "no";
    return { name, verdict, because: `${question}: ${of(question)?.lines[0] ?? of(question)?.result ?? ""}` };
  };
  return [
    works("sms", "AT+CSMS?"),
    offers("sms-pdu-mode", "AT+CMGF=?", 0, ["0"]),
    offers("sms-direct", "AT+CNMI=?", 1, ["2", "3"]),
    offers("status-reports", "AT+CNMI=?", 3, ["1", "2"]),
    works("more-messages", "AT+CMMS=?"),
    works("csim", "AT+CSIM=?"),
    works("logical-channels", "AT+CCHO=?"),
    works("crsm", "AT+CRSM=?"),
    works("toolkit-raw", "AT+CUSATR=?"),
    works("cmux", "AT+CMUX=?"),
    { name: "iccid", verdict: iccid === undefined ? "unknown" : "yes", because: iccid ?? "no question gave it" },
    { name: "eid", verdict: eid === undefined ? "unknown" : "yes", because: eid ?? "no ECASD over +CSIM" },
  ];
}

/** A draft profile: only what was read. */
function draftProfile(identity: ModemIdentity, answers: readonly ProbeAnswer[], usb: string | undefined): ProfileFile {
  const vendor = identity.maker.split(/[\s,]/)[0] ?? "unknown";
  const slug = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "unknown";
  const escaped = identity.model.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const family = escaped.replace(/[-_].*$/, "");
  const setting = draftIndications(answers);
  return {
    $schema: "../../schema.json",
    name: `${slug(vendor)}-${slug(identity.model)}`,
    title: `${vendor} ${identity.model}`,
    extends: "3gpp",
    vendor,
    models: [identity.model],
    match: { ...(usb === undefined ? {} : { usb: [usb] }), model: `^${family === "" ? escaped : family}` },
    ...(setting === undefined ? {} : { sms: { indications: setting } }),
    quirks: [],
    sources: [{ id: "probe", kind: "measured", title: `otagate modem probe, firmware ${identity.revision}` }],
    verified: [],
  };
}

/** +CNMI settings that its test command lists, the most complete first. */
function draftIndications(answers: readonly ProbeAnswer[]): string[] | undefined {
  const line = answers.find(({ question }) => question === "AT+CNMI=?")?.lines[0];
  if (line === undefined) return undefined;
  const [mode = [], mt = [], , ds = [], bfr = []] = parseRanges(splitLine(line).rest);
  if (!mt.includes("1")) return undefined;
  const last = bfr.includes("0") ? "0" : (bfr[0] ?? "0");
  const first = mode.includes("2") ? "2" : (mode.at(-1) ?? "1");
  return ["1", "2", "0"].filter((value) => ds.includes(value)).map((value) => `${first},1,0,${value},${last}`);
}

/** Replaces all identifiers by others of the same form, including those that were not requested. */
function withoutIdentifiers(steps: readonly TranscriptStep[], known: readonly string[]): readonly TranscriptStep[] {
  const whole = joined(steps);
  const said = whole.flatMap((step) => (step.kind === "received" ? identifiersIn(step.text) : []));
  const mask = maskIdentifiers([...known, ...said]);
  return whole.map((step) => {
    return step.kind === "sent" || step.kind === "received" ? { ...step, text: mask(step.text) } : step;
  });
}

/** An identifier may be split across two reads, so reads without a pause between them are joined. */
function joined(steps: readonly TranscriptStep[]): readonly TranscriptStep[] {
  const whole: TranscriptStep[] = [];
  for (const step of steps) {
    const before = whole.at(-1);
    const pauseBefore = before?.kind === "delay" && before.ms < 50 ? whole.at(-2) : undefined;
    if (step.kind === "received" && before?.kind === "received") {
      whole[whole.length - 1] = { kind: "received", text: before.text + step.text };
    } else if (step.kind === "received" && pauseBefore?.kind === "received") {
      whole.splice(-2, 2, { kind: "received", text: pauseBefore.text + step.text });
    } else {
      whole.push(step);
    }
  }
  return whole;
}
