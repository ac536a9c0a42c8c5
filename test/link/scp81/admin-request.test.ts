import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { RequestReader } from "../../../src/codec/gp/request-reader.ts";
import { type AgentClaim, checkRequest, plainUri, uriPurpose } from "../../../src/link/scp81/admin-request.ts";

const eid = "89001012012341234012345678901224";
const other = "89001012012341234012345678901232";
const agent = `//se-id/eid/${eid};//aa-id/aid/A000000559/1010FFFFFFFF8900000100`;
const iccid = "8901000000000000012";

function check(lines: readonly string[], claim: AgentClaim = { eid }, target = "/gsma/adminagent") {
  const reader = new RequestReader({ headOctets: 8192, bodyOctets: 8192 });
  const [event] = reader.push(Buffer.from(`POST ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1"));
  if (event?.kind !== "request") throw new Error("no request");
  const checked = checkRequest(event.request, claim);
  return checked.ok ? checked.request : checked.status;
}

const protocol = "X-Admin-Protocol: globalplatform-remote-admin/1.0";
const from = (name: string, claim?: AgentClaim) => check([protocol, `X-Admin-From: ${name}`], claim);

describe("how a card names itself", () => {
  it.each([
    ["standard", agent],
    ["another spelling of aa-id", agent.replace("aa-id", "aaid")],
    ["a space behind the semicolon", agent.replace(";", "; ")],
    ["spaces around the semicolon", agent.replace(";", " ;\t")],
    ["capitals", agent.toUpperCase()],
    ["small letters", agent.toLowerCase()],
    ["quotes", `"${agent}"`],
    ["more parts behind it", `${agent};x=y`],
    ["the EID's part alone", `//se-id/eid/${eid}`],
    ["the EID alone", eid],
    ["folded", agent.replace(";", ";\r\n ")],
  ])("takes it in the form: %s", (_, name) => expect(from(name)).toMatchObject({ uri: "/gsma/adminagent" }));

  it.each([
    ["another EID", agent.replace(eid, other)],
    ["another EID, spelled in another way", `//se-id/eid/${other} ; //aaid/aid/A000000559/10`],
    ["another EID alone", other],
    ["an EID with a digit too many", agent.replace(eid, `${eid}0`)],
    ["nobody", ""],
    ["an opaque name", "0123456789"],
    ["an ICCID that is not the target's", "8901000000000000020F"],
  ])("refuses %s", (_, name) => expect(from(name, { eid, agentIds: [iccid] })).toBe(403));

  it.each([iccid, `${iccid}F`, `${iccid}f`, `${iccid}4`, "981000000000000010F2", ` ${iccid} `])(
    "takes the ICCID of its target as %s",
    (name) =>
      expect(from(name, { eid, agentIds: ["8901000000000000046", iccid] })).toMatchObject({ uri: "/gsma/adminagent" }),
  );

  it("takes what the settings say, and what was written into the card", () => {
    expect(from("Card 7", { eid, agentId: "card 7" })).toMatchObject({ uri: "/gsma/adminagent" });
    expect(from("written", { eid, agentIds: ["written"] })).toMatchObject({ uri: "/gsma/adminagent" });
    expect(from("something", { eid, agentId: "card 7", agentIds: ["written"] })).toBe(403);
    expect(from("anything", {})).toMatchObject({ uri: "/gsma/adminagent" });
    expect(from("anything", { agentIds: [iccid] })).toMatchObject({ uri: "/gsma/adminagent" });
    expect(from("anything", { agentId: "card 7" })).toBe(403);
  });

  it("refuses two names", () => {
    const two = [protocol, `X-Admin-From: ${agent}`];
    expect(check([...two, `X-Admin-From: ${agent.replace(eid, other)}`])).toBe(400);
    expect(check([...two, `X-Admin-From: ${agent}`])).toMatchObject({ uri: "/gsma/adminagent" });
  });
});

describe("what a card says in its headers", () => {
  const said = (...lines: string[]) => check([protocol, `X-Admin-From: ${agent}`, ...lines]);

  it.each([
    ["ok", "ok"],
    ["OK", "ok"],
    ["\tok ", "ok"],
    ["ok; charset=x", "ok"],
    ['"security-error"', "security-error"],
    ["Unknown-Application", "unknown-application"],
  ])("reads the script status %s", (text, scriptStatus) =>
    expect(said(`X-Admin-Script-Status: ${text}`)).toMatchObject({ scriptStatus }),
  );

  it.each(["true", "TRUE", " true\t", '"true"'])("reads resume %s", (text) =>
    expect(said(`x-admin-resume:${text}`)).toMatchObject({ resume: true }),
  );

  it.each(["false", "1", "", "truely"])("reads resume %s as none", (text) =>
    expect(said(`X-Admin-Resume: ${text}`)).toMatchObject({ resume: false }),
  );

  it.each([
    ["resume", ["X-Admin-Resume: true", "X-Admin-Resume: false"]],
    ["script status", ["X-Admin-Script-Status: ok", "X-Admin-Script-Status: security-error"]],
    ["protocol", ["X-Admin-Protocol: something-else/1.0"]],
  ])("refuses a %s that has contradictory values", (_, lines) => expect(said(...lines)).toBe(400));

  it.each(["globalplatform-remote-admin/1.0", "GlobalPlatform-Remote-Admin/1.1", "globalplatform-remote-admin / 1.0"])(
    "takes the protocol %s",
    (text) => expect(check([`X-Admin-Protocol: ${text}`, `X-Admin-From: ${agent}`])).toMatchObject({ resume: false }),
  );

  it("refuses another protocol", () => expect(check(["X-Admin-Protocol: x/1.0", `X-Admin-From: ${agent}`])).toBe(400));
});

describe("request targets", () => {
  const uris = ["/gsma/adminagent", "/polling"];

  it.each([
    "/gsma/adminagent",
    "/gsma/adminagent/",
    "/GSMA/AdminAgent",
    "/gsma/adminagent?a=b",
    "/gsma/adminagent#x",
    "/polling",
  ])("%s begins a session", (uri) => expect(uriPurpose(plainUri(uri), uris).kind).toBe("initial"));

  it.each(["//gsma//adminagent", "http://host:8443/gsma/adminagent", "gsma/adminagent", "HTTPS://h//gsma/adminagent"])(
    "%s begins a session too",
    (target) => {
      const request = check([protocol, `X-Admin-From: ${agent}`], { eid }, target);
      expect(typeof request === "object" && uriPurpose(plainUri(request.uri), uris).kind).toBe("initial");
    },
  );

  it.each(["/gsma/adminagent?s=T1", "/gsma/adminagent2", "/gsma", "/", "/polling/x", "/gsma/../polling"])(
    "%s does not",
    (uri) => expect(uriPurpose(plainUri(uri), uris).kind).toBe("other"),
  );

  it("takes an initial URI with doubled slashes in the settings", () => {
    expect(uriPurpose(plainUri("/a//b"), ["/a//b"]).kind).toBe("initial");
    expect(uriPurpose("/a/b", ["/a//b"]).kind).toBe("initial");
  });

  it("keeps slashes in a query", () => expect(plainUri("//a//b?c=//d")).toBe("/a/b?c=//d"));

  it("reads a notification with escaped digits", () =>
    expect(uriPurpose("/gsma/adminagent?msg=%45%31034C01FF", uris)).toMatchObject({
      kind: "initial",
      notification: fromHex("E1034C01FF"),
    }));
});
