import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";

const octets = 32;
const cost = { N: 16_384, r: 8, p: 1 };

function derive(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, octets, cost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** The stored form of a password: `scrypt:<salt>:<key>`, both base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt:${salt.toString("base64")}:${(await derive(password, salt)).toString("base64")}`;
}

/** Whether a password matches its hash; takes the same time for an invalid hash. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [kind, salt = "", key = ""] = hash?.split(":") ?? [];
  const expected = Buffer.from(key, "base64");
  const derived = await derive(password, Buffer.from(salt, "base64"));
  return kind === "scrypt" && expected.length === octets && timingSafeEqual(expected, derived);
}

/** Whether a rule is an address or a network. */
export function isAddressRule(rule: string): boolean {
  try {
    addressRule([rule]);
    return true;
  } catch (error) {
    if (isGatewayError(error, "config.invalid")) return false;
    throw error;
  }
}

/**
 * Test of an address against rules (`192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`); without rules every address passes.
 * @throws config.invalid for a rule that is neither an address nor a network
 */
export function addressRule(rules: readonly string[] | undefined): (address: string) => boolean {
  if (rules === undefined || rules.length === 0) return () => true;
  const allowed = new BlockList();
  for (const rule of rules) {
    const [net = "", bits, ...more] = rule.split("/");
    const family = isIP(net);
    const prefix = bits === undefined ? (family === 6 ? 128 : 32) : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || net.includes("%") || more.length > 0 || prefix < 0 || prefix > (family === 6 ? 128 : 32)) {
      throw new GatewayError("config.invalid", `${rule} must be an address or a network`);
    }
    allowed.addSubnet(net, prefix, family === 6 ? "ipv6" : "ipv4");
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").split("%")[0] ?? "";
    const family = isIP(plain);
    return family !== 0 && allowed.check(plain, family === 6 ? "ipv6" : "ipv4");
  };
}
