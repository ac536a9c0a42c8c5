import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { Bench } from "./host.ts";

const until = async (done: () => boolean): Promise<void> => {
  const end = Date.now() + 3000;
  while (!done()) {
    if (Date.now() > end) throw new Error("not in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

/** Lets the card issue a command and returns the modem's TERMINAL RESPONSE. Vectors: TS 31.124 and TS 102 223 examples. */
async function respond(bench: Bench, command: string, options: Parameters<Bench["modem"]>[1] = {}): Promise<string> {
  const card = new PlainCard();
  const { modem } = await bench.modem(card, options);
  card.proactive.push(fromHex(command));
  await modem.slot.command(fromHex("80F2000C00"));
  await until(() => card.responses.length > 0);
  return toHex(card.responses[0] ?? new Uint8Array(0));
}

describe("simulated modem as the card's terminal", () => {
  it("downloads a terminal profile and answers what a terminal answers", async () => {
    await using bench = new Bench();
    const card = new PlainCard();
    await bench.modem(card);
    expect(toHex(card.profiles[0] ?? new Uint8Array(0))).toMatch(/^3301E84211/);
    expect(await respond(bench, "D009810301020082028182")).toBe("810301020082028281830100");
    expect(await respond(bench, "D00D81030103008202818284020001".replace("0200", "0201").slice(0, 30))).toContain(
      "8301",
    );
  });

  it("answers POLL INTERVAL, IMEI, location and unknown commands byte for byte", async () => {
    await using bench = new Bench();
    expect(await respond(bench, "D00D810301030082028182840201 1E")).toBe("8103010300820282818301008402011E");
    const imei = { identity: { imei: "123456789012345" } };
    expect(await respond(bench, "D009810301260182028182", imei)).toBe("81030126018202828183010014081A32547698103254");
    expect(await respond(bench, "D009810301260082028182")).toMatch(/^810301260082028281830100130900F1101A2B012C3D4F$/);
    expect(await respond(bench, "D00E8103012180820281028D03044869")).toBe("810301218082028281830130");
    expect(await respond(bench, "D009810301EE0082028182")).toBe("8103 01EE 00 82028281 830131".replaceAll(" ", ""));
  });

  it("hands SEND SHORT MESSAGE to the network and tells the card what became of it", async () => {
    await using bench = new Bench();
    const seen: string[] = [];
    bench.network.sms.onMo(({ to, submit }) => {
      seen.push(`${to} ${toHex(submit.userData)}`);
      return "taken";
    });
    const command = "D02781030113008202818386089194711532547 6F88B12410005A11032F47FF608027100000300010 2".replaceAll(
      " ",
      "",
    );
    expect(await respond(bench, command)).toBe("810301130082028281830100");
    expect(seen).toEqual(["01234 0271000003000102"]);
  });

  it("downloads class 2 messages with PID 7F to the card and returns its answer in the report", async () => {
    await using bench = new Bench();
    const card = new PlainCard({ msisdn: "+15551000009", onEnvelope: () => fromHex("027100000300AABB") });
    const { host } = await bench.modem(card);
    await host.ask("AT+CNMI=2,2,0,0,0");
    const tpdu = fromHex("44 0B915155010000F1 7F F6 62102001020340 05 0270000102");
    const outcome = await bench.network.sms.deliver("+15551000009", tpdu);
    expect(outcome).toMatchObject({ at: "delivered" });
    expect(toHex(("report" in outcome ? outcome.report : undefined) ?? new Uint8Array(0))).toBe(
      "40077FF608027100000300AABB",
    );
    const envelope = toHex(card.envelopes.at(-1) ?? new Uint8Array(0));
    expect(envelope).toBe(`D12782028381 0607915155010000F0 8B18${toHex(tpdu)}`.replaceAll(" ", ""));
    expect(host.text()).toBe("");
  });

  it("runs a BIP channel over TCP with data available and channel status events", async () => {
    const received: Buffer[] = [];
    let peer: Socket | undefined;
    const server = createServer((socket) => {
      peer = socket;
      socket.on("data", (chunk) => received.push(chunk));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const wanted: unknown[] = [];
    const route = (asked: unknown) => {
      wanted.push(asked);
      return { host: "127.0.0.1", port };
    };
    await using bench = new Bench();
    const card = new PlainCard();
    const { modem } = await bench.modem(card, { route });
    card.proactive.push(
      fromHex("D00D81030105008202818299 02090A"),
      fromHex("D0278103014001820281823501033902 05DC470908696E7465726E65743C030220FB3E0521C000020A"),
      fromHex("D00F 810301430182028121 3604 01020304"),
    );
    await modem.slot.command(fromHex("80F2000C00"));
    await until(() => card.responses.length === 3);
    expect(toHex(card.responses[1] ?? new Uint8Array(0))).toBe(
      "8103014001820282818301003802810035010339 0205DC".replace(" ", ""),
    );
    expect(wanted).toEqual([{ host: "192.0.2.10", port: 8443, apn: "internet" }]);
    await until(() => Buffer.concat(received).length === 4);
    peer?.write(Uint8Array.from({ length: 30 }, (_, i) => 0xc0 + i));
    await until(() => card.envelopes.length === 1);
    expect(toHex(card.envelopes[0] ?? new Uint8Array(0))).toBe("D60E9901098202828138028100 37011E".replace(" ", ""));
    card.proactive.push(fromHex("D00C 810301420082028121 37011E"));
    await modem.slot.command(fromHex("80F2000C00"));
    await until(() => card.responses.length === 4);
    expect(toHex(card.responses[3] ?? new Uint8Array(0))).toMatch(/^810301420082028281830100361EC0C1.*DD370100$/);
    peer?.destroy();
    await until(() => card.envelopes.length === 2);
    expect(toHex(card.envelopes[1] ?? new Uint8Array(0))).toBe("D60B99010A820282813802 0105".replace(" ", ""));
    server.close();
  });

  it("restarts the card on REFRESH, reads it anew and attaches again", async () => {
    await using bench = new Bench();
    const card = new PlainCard();
    const { modem, host } = await bench.modem(card, { timings: { simRestartMs: 20 } });
    await host.ask("AT+CEREG=2");
    card.proactive.push(fromHex("D009810301010482028182"));
    await modem.slot.command(fromHex("80F2000C00"));
    const seen = await host.until(/\+CEREG: 1,[^\n]*\n/);
    expect(seen.match(/\+[A-Z]+: [^\r]*/g)).toEqual([
      "+CEREG: 0",
      "+CPIN: NOT READY",
      "+CPIN: READY",
      "+CEREG: 2",
      '+CEREG: 1,"1A2B","0012C3D4",7',
    ]);
    expect(card.responses).toHaveLength(0);
    expect(card.profiles).toHaveLength(2);
  });

  it("tells a card that asked for it where it has service", async () => {
    await using bench = new Bench();
    const card = new PlainCard();
    const { modem } = await bench.modem(card);
    card.proactive.push(fromHex("D00C810301050082028182990103"));
    await modem.slot.command(fromHex("80F2000C00"));
    await until(() => card.envelopes.length === 1);
    expect(toHex(card.envelopes[0] ?? new Uint8Array(0))).toMatch(/^D6..99010382028281 ?1B0100130900F1101A2B/);
    bench.network.setCoverage(false);
    await until(() => card.envelopes.length === 2);
    expect(toHex(card.envelopes[1] ?? new Uint8Array(0))).toBe("D60A990103820282811B0102");
  });

  it("lets a host that stored a profile answer what is meant for people", async () => {
    await using bench = new Bench();
    const card = new PlainCard();
    const { modem, host } = await bench.modem(card);
    await host.ask('AT+CUSATW=1,"00000000"');
    card.proactive.push(fromHex("D00E8103012180820281028D03044869"));
    await modem.slot.command(fromHex("80F2000C00"));
    await host.until(/\+CUSATP: "D00E8103012180820281028D03044869"\r\n/);
    await host.ask('AT+CUSATT="810301218082028281830100"');
    await host.until(/\+CUSATEND\r\n/);
    expect(toHex(card.responses[0] ?? new Uint8Array(0))).toBe("810301218082028281830100");
  });
});
