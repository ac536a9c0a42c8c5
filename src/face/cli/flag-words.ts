import type { GatewayError } from "../../base/gateway-error.ts";

/** What a command accepts: long options without dashes, and arguments. */
interface Accepted {
  readonly options: readonly string[];
  readonly arguments: readonly string[];
}

/** Fields whose option has another name. */
const otherNames: Readonly<Record<string, string>> = { waitMs: "timeout" };

/** An error about a field of an API body, reworded to name the option or argument that the field comes from, if any. */
export function inFlags(error: GatewayError, accepted: Accepted): GatewayError {
  const { field } = error.detail;
  if (typeof field !== "string" || !error.message.startsWith(`${field}: `)) return error;
  const flag = flagOf(field, accepted);
  return flag === undefined ? error : error.with({ message: `${flag}${error.message.slice(field.length)}` });
}

function flagOf(field: string, accepted: Accepted): string | undefined {
  const [, path = field, index] = /^(.*)\.(\d+)$/.exec(field) ?? [];
  const segments = path.split(".").map(kebab);
  const nth = index === undefined ? "" : ` ${Number(index) + 1}`;
  for (let from = 0; from < segments.length; from++) {
    const whole = segments.slice(from).join("-");
    for (const name of [whole, whole.replace(/s$/, "")]) {
      if (accepted.options.includes(name)) return `--${name}${nth}`;
      if (accepted.arguments.includes(name)) return `${name}${nth}`;
    }
  }
  return undefined;
}

function kebab(segment: string): string {
  const name = otherNames[segment] ?? segment.replace(/Ms$/, "");
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
