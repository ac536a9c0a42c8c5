/** How a command is asked. ITU-T V.250 §5.4 */
type CommandForm = "execute" | "read" | "test" | "write";

/** One command of a line. */
export interface AtCommand {
  /** Upper case with its sign: `E`, `&F`, `S3`, `+CMGS`, `#QSS`, `$GPSP`. */
  readonly name: string;
  readonly form: CommandForm;
  /** What follows `=`, or the digits of a basic command. */
  readonly tail: string;
  /** The command as it stood in the line, with `AT` before it. */
  readonly text: string;
}

const extendedName = /^[+*!#$%^][A-Za-z0-9!%\-./:_]*/;
const basicName = /^(?:[&\\%][A-Za-z]|[A-Za-z])/;

/** Splits what follows `AT` into its commands; undefined when it makes no sense. ITU-T V.250 §5.2 */
export function splitLine(body: string): readonly AtCommand[] | undefined {
  const commands: AtCommand[] = [];
  let rest = body.trimStart();
  while (rest.length > 0) {
    const taken = /^[+*!#$^%]/.test(rest) && extendedName.test(rest) ? takeExtended(rest) : takeBasic(rest);
    if (taken === undefined) return undefined;
    commands.push(taken.command);
    rest = taken.rest.trimStart();
  }
  return commands;
}

interface Taken {
  readonly command: AtCommand;
  readonly rest: string;
}

function takeExtended(text: string): Taken | undefined {
  const name = extendedName.exec(text)?.[0] ?? "";
  const end = endOfCommand(text);
  const whole = text.slice(0, end);
  const tail = whole.slice(name.length).trim();
  const form = formOf(tail);
  if (form === undefined) return undefined;
  const command = {
    name: name.toUpperCase(),
    form,
    tail: form === "write" ? tail.slice(1).trim() : "",
    text: `AT${whole}`,
  };
  return { command, rest: text.slice(end + 1) };
}

function formOf(tail: string): CommandForm | undefined {
  if (tail === "") return "execute";
  if (tail === "?") return "read";
  if (tail === "=?") return "test";
  return tail.startsWith("=") ? "write" : undefined;
}

/** Position of the semicolon that ends an extended command, or of the end. */
function endOfCommand(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    if (text[at] === ";" && !quoted) return at;
  }
  return text.length;
}

function takeBasic(text: string): Taken | undefined {
  if (text.startsWith(";")) return takeBasic(text.slice(1));
  const dial = /^[Dd](.*)$/s.exec(text);
  if (dial !== null)
    return { command: { name: "D", form: "execute", tail: dial[1] ?? "", text: `AT${text}` }, rest: "" };
  const register = /^[Ss](\d+)(=\d*|\?|=\?)?/.exec(text);
  if (register !== null) {
    const asked = register[2] ?? "";
    const form = formOf(asked) ?? "execute";
    const command = {
      name: `S${Number(register[1])}`,
      form,
      tail: form === "write" ? asked.slice(1) : "",
      text: `AT${register[0]}`,
    };
    return { command, rest: text.slice(register[0].length) };
  }
  const name = basicName.exec(text)?.[0];
  if (name === undefined) return undefined;
  const digits = /^\d*/.exec(text.slice(name.length))?.[0] ?? "";
  const length = name.length + digits.length;
  const command = {
    name: name.toUpperCase(),
    form: "execute" as const,
    tail: digits,
    text: `AT${text.slice(0, length)}`,
  };
  return { command, rest: text.slice(length) };
}

/** One parameter; `quoted` marks a string. */
interface Parameter {
  readonly text: string;
  readonly quoted: boolean;
}

/** The parameters of a write command, read by position. */
export class Parameters {
  readonly #list: readonly Parameter[];

  constructor(tail: string) {
    this.#list = splitParameters(tail);
  }

  get count(): number {
    return this.#list.length;
  }

  /** Text of a parameter, undefined when it is missing or empty and not quoted. */
  text(index: number): string | undefined {
    const parameter = this.#list[index];
    return parameter === undefined || (parameter.text === "" && !parameter.quoted) ? undefined : parameter.text;
  }

  /** A number within limits; undefined when missing, NaN when it is none or out of range. */
  number(index: number, from = 0, to = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(index);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : Number.NaN;
  }
}

function splitParameters(tail: string): Parameter[] {
  if (tail === "") return [];
  const list: Parameter[] = [];
  let text = "";
  let quoted = false;
  let inside = false;
  const push = () => {
    list.push({ text: quoted ? text : text.trim(), quoted });
    text = "";
    quoted = false;
  };
  for (const c of tail) {
    if (c === '"') {
      if (!inside && !quoted) text = "";
      inside = !inside;
      quoted = true;
    } else if (c === "," && !inside) push();
    else if (!quoted || inside) text += c;
  }
  push();
  return list;
}
