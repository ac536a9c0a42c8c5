import { userInfo } from "node:os";
import { GatewayError } from "../../src/base/gateway-error.ts";

/** The polkit actions of pcsc-lite: connecting to pcscd, and using a card. pcsc-lite doc/org.debian.pcsc-lite.policy */
const actions = ["org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"] as const;

/** The polkit rule that lets a user have card readers, as one line for a file of `/etc/polkit-1/rules.d`. */
function polkitRule(user: string): string {
  const asked = actions.map((action) => `action.id == "${action}"`).join(" || ");
  return `polkit.addRule(function (action, subject) { if ((${asked}) && subject.user == "${user}") return polkit.Result.YES; });`;
}

/** Advice on how to give this process access. */
function accessAdvice(): string {
  const user = nameOfUser();
  return `put this line into /etc/polkit-1/rules.d/50-otagate.rules and restart polkit and pcscd: ${polkitRule(user)}`;
}

/** The error for a pcscd that denies this process access. */
export function accessDenied(what: string, detail: Readonly<Record<string, unknown>>, cause?: unknown): GatewayError {
  const user = nameOfUser();
  return new GatewayError(
    "link.denied",
    `${what}: polkit denies the user ${user} access to card readers, or is not available (is D-Bus running?); ${accessAdvice()}`,
    {
      detail: { ...detail, user, rule: polkitRule(user) },
      cause,
    },
  );
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "otagate");
  }
}
