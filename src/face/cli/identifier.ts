import { GatewayError } from "../../base/gateway-error.ts";

/** The part of the API client that is needed here. */
interface IdentifierSource {
  readonly v1: {
    readonly identifiers: {
      find(request: { readonly query: { readonly beginning: string } }): Promise<{ readonly items: readonly string[] }>;
    };
  };
}

const whole = /^[a-z]{2,8}_[0-9a-z]{26}$/;
/** The first characters encode the time: with fewer than this, nearly every record has the same beginning. */
const minCharacters = 4;

/**
 * Expands an abbreviated identifier (`job_01k9a2`, or without `job_`) to the only one with this beginning. A complete
 * identifier, or one without a match, is returned unchanged; the daemon refuses the latter.
 * @throws api.usage when more than one record matches
 */
export async function completeId(api: IdentifierSource, kind: string, text: string): Promise<string> {
  const typed = text.trim().toLowerCase();
  if (whole.test(typed)) return typed;
  const beginning = typed.startsWith(`${kind}_`) ? typed : `${kind}_${typed}`;
  if (!/^[a-z]+_[0-9a-z]{0,26}$/.test(beginning)) return text;
  if (beginning.length < kind.length + 1 + minCharacters)
    throw new GatewayError(
      "api.usage",
      `id: '${text}' is too short; give at least ${minCharacters} characters after ${kind}_`,
      {
        detail: { field: "id" },
      },
    );
  const { items } = await api.v1.identifiers.find({ query: { beginning } });
  return onlyOne(items, text) ?? beginning;
}

/** The only identifier with this beginning. @throws api.usage when there are more */
export function onlyOne(found: readonly string[], text: string): string | undefined {
  if (found.length <= 1) return found[0];
  throw new GatewayError("api.usage", `id: '${text}' is ambiguous: ${found.join(", ")}`, {
    detail: { field: "id" },
  });
}
