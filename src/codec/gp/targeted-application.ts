import { codecError } from "../../base/gateway-error.ts";

/**
 * An AID (hexadecimal, 5 to 16 octets) as `X-Admin-Targeted-Application` writes it: `//aid/<RID>/<PIX>`.
 * GP Amendment B §3.4.2
 * @throws codec.text
 */
export function targetedApplication(aid: string): string {
  if (!/^(?:[0-9a-f]{2}){5,16}$/i.test(aid)) {
    throw codecError("codec.text", "an AID has 5 to 16 octets", 0, { field: "targetedApplication" });
  }
  return `//aid/${aid.slice(0, 10).toUpperCase()}/${aid.slice(10).toUpperCase()}`;
}

/** The AID (upper-case hexadecimal) of a header value. @throws codec.text */
export function readTargetedApplication(header: string): string {
  const [, rid, pix] = /^\/\/aid\/([0-9a-f]{10})\/((?:[0-9a-f]{2}){0,11})$/i.exec(header.trim()) ?? [];
  if (rid === undefined || pix === undefined) {
    throw codecError("codec.text", "not of the form //aid/<10 digits>/<up to 22 digits>", 0, {
      field: "targetedApplication",
    });
  }
  return (rid + pix).toUpperCase();
}
