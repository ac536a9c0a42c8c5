import { xmlText } from "./xml-text.ts";

/** One case of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  readonly className: string;
  readonly seconds: number;
  readonly failure?: { readonly type: string; readonly message: string; readonly text?: string };
  readonly skipped?: string;
  readonly output?: string;
}

interface JunitSuite {
  readonly name: string;
  /** When it began, milliseconds. */
  readonly at: number;
  readonly cases: readonly JunitCase[];
}

/** A JUnit report as continuous integration reads it. */
export function junitXml(suites: readonly JunitSuite[]): string {
  return [...junitPieces(suites)].join("");
}

/** The same report in pieces, one for each case: a caller may let others have their turn between them. */
export function* junitPieces(suites: readonly JunitSuite[]): Generator<string> {
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n';
  for (const suite of suites) {
    yield suiteHead(suite);
    for (const one of suite.cases) yield caseXml(one);
    yield "  </testsuite>\n";
  }
  yield "</testsuites>\n";
}

function suiteHead({ name, at, cases }: JunitSuite): string {
  const failures = cases.filter((one) => one.failure !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0).toFixed(3);
  const stamp = new Date(at).toISOString().slice(0, 19);
  const head = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds}"`;
  return `  <testsuite name="${xmlText(name)}" ${head} timestamp="${stamp}">\n`;
}

function caseXml({ name, className, seconds, failure, skipped, output }: JunitCase): string {
  const inner = [
    ...(failure === undefined
      ? []
      : [
          `      <failure type="${xmlText(failure.type)}" message="${xmlText(failure.message)}">${xmlText(failure.text ?? "")}</failure>\n`,
        ]),
    ...(skipped === undefined ? [] : [`      <skipped message="${xmlText(skipped)}"/>\n`]),
    ...(output === undefined ? [] : [`      <system-out>${xmlText(output)}</system-out>\n`]),
  ];
  const head = `    <testcase name="${xmlText(name)}" classname="${xmlText(className)}" time="${seconds.toFixed(3)}"`;
  return inner.length === 0 ? `${head}/>\n` : `${head}>\n${inner.join("")}    </testcase>\n`;
}
