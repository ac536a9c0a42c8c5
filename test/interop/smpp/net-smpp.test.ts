import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { toHex } from "../../../src/base/hex.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import type { InboundItem } from "../../../src/link/sms-bearer.ts";
import { commandSms, never, openBearer, packet, until } from "../../drivers/smpp/account.ts";
import { accounts, MemoryPort } from "../../face/smpp/memory-port.ts";
import { available, Program } from "./program.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const has = available("perl", ["-MNet::SMPP", "-e", "1"], "Perl's Net::SMPP (libnet-smpp-perl)");

describe.skipIf(!has)("Perl's Net::SMPP", () => {
  it("drives a card through the SMSC face", async () => {
    const port = new MemoryPort();
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, times: { unbindMs: 100 } },
      { port, authenticate: accounts(), clock: systemClock, log: silentLog },
    );
    const segments = ["05000307020248494a", "0700030702017000aabbff80"];
    const octets = [toHex(packet), ...segments].map((text) => text.toLowerCase());
    await using esme = new Program("perl", [script("net-smpp-esme.pl"), String(face.port), "2", ...octets]);
    await until(() => port.submissions.length === 3, 10_000);
    const source = { ton: 1, npi: 1, addr: "491701234567" };
    const destination = { ton: 0, npi: 1, addr: "12345" };
    port.queue("esme", {
      kind: "message",
      source,
      destination,
      userData: Uint8Array.of(2, 0x71, 0, 0xff, 0),
      userDataHeader: true,
      protocolId: 0x7f,
      dataCoding: 0xf6,
    });
    const times = { submittedAt: Date.UTC(2026, 0, 2), doneAt: Date.UTC(2026, 0, 3) };
    port.queue("esme", {
      kind: "receipt",
      source,
      destination,
      messageId: "1",
      state: "delivered",
      intermediate: false,
      ...times,
    });
    expect(await esme.ended()).toBe(0);
    expect(esme.lines.slice(0, 4)).toEqual(["bound 0 otagate", "submitted 0 1", "submitted 0 2", "submitted 0 3"]);
    expect(esme.lines).toContain("delivered 64 246 491701234567 027100ff00");
    const receipt =
      esme.lines
        .find((line) => line.startsWith("delivered 4 "))
        ?.split(" ")
        .at(-1) ?? "";
    expect(Buffer.from(receipt, "hex").toString("latin1")).toMatch(
      /^id:1 sub:001 dlvrd:001 .* stat:DELIVRD err:000 text:$/,
    );
    expect(esme.lines.slice(-2)).toEqual(["enquired 0", "unbound 0"]);
    expect(port.submissions.map(({ userData }) => toHex(userData[0] ?? packet).toLowerCase())).toEqual(octets);
    expect(port.submissions[1]?.segment).toMatchObject({ reference: 7, total: 2, sequence: 2 });
  });

  it("serves an account as its SMSC", async () => {
    await using smsc = new Program("perl", [script("net-smpp-smsc.pl")]);
    const port = Number((await smsc.line("port ")).split(" ")[1]);
    await using bearer = await openBearer(port, {});
    const items: InboundItem[] = [];
    bearer.onInbound(async (item) => void items.push(item));
    const sms = commandSms();
    expect(await bearer.submit(sms, never)).toEqual({ at: "accepted", networkReference: "A1" });
    await until(() => items.length === 2);
    expect(items.find(({ kind }) => kind === "message")).toMatchObject({
      from: "491701234567",
      userDataHeader: true,
      userData: Uint8Array.from(Buffer.from("027100000b0aff80000102030405", "hex")),
      dataCoding: 2,
    });
    expect(items.find(({ kind }) => kind === "receipt")).toMatchObject({
      reference: sms.reference,
      state: "delivered",
    });
    expect(await smsc.line("bind ")).toBe("bind tester secret 34");
    expect(await smsc.line("submit ")).toBe(`submit 64 127 246 491701234567 ${toHex(packet).toLowerCase()}`);
    await bearer[Symbol.asyncDispose]();
    await smsc.line("unbind");
  });
});
