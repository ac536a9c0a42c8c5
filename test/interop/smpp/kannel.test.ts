import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { until } from "../../drivers/smpp/account.ts";
import { accounts, MemoryPort } from "../../face/smpp/memory-port.ts";
import { available, Program } from "./program.ts";

const has =
  available("bearerbox", ["--version"], "Kannel (kannel)") && available("smsbox", ["--version"], "Kannel's smsbox");

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function configuration(face: number, [admin = 0, boxes = 0, sendsms = 0]: readonly number[], callback: number): string {
  const groups = [
    {
      group: "core",
      "admin-port": admin,
      "admin-password": "x",
      "smsbox-port": boxes,
      "box-allow-ip": "127.0.0.1",
      "log-level": 1,
    },
    {
      group: "smsc",
      smsc: "smpp",
      "smsc-id": "face",
      host: "127.0.0.1",
      port: face,
      "transceiver-mode": "true",
      "smsc-username": "esme",
      "smsc-password": "secret",
      "system-type": '""',
      "msg-id-type": "0x00",
    },
    {
      group: "smsbox",
      "bearerbox-host": "127.0.0.1",
      "bearerbox-port": boxes,
      "sendsms-port": sendsms,
      "log-level": 1,
    },
    { group: "sendsms-user", username: "u", password: "p", "max-messages": 10 },
    {
      group: "sms-service",
      keyword: "default",
      "max-messages": 0,
      "get-url": `"http://127.0.0.1:${callback}/mo?udh=%u&data=%b&from=%p"`,
    },
  ];
  return groups
    .map((group) =>
      Object.entries(group)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join(""),
    )
    .join("\n");
}

const percent = (hex: string) => hex.replace(/../g, "%$&");

/** Kannel's binary parameters are not text in any alphabet: read them octet for octet. */
function octets(url: string, name: string): string {
  const raw = new RegExp(`[?&]${name}=([^&]*)`).exec(url)?.[1] ?? "";
  return raw.replace(/%([0-9a-fA-F]{2})|(\+)|([^%+])/g, (_, hex, plus, plain) =>
    (hex ?? Buffer.from(plus === undefined ? plain : " ", "latin1").toString("hex")).toLowerCase(),
  );
}

async function listen(urls: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    urls.push(request.url ?? "");
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describe.skipIf(!has)("Kannel as the ESME of the SMSC face", () => {
  it("binds, submits a command packet unchanged, takes its receipt and a proof of receipt", {
    timeout: 60_000,
  }, async () => {
    const port = new MemoryPort();
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, times: { unbindMs: 200 } },
      { port, authenticate: accounts(), clock: systemClock, log: silentLog },
    );
    const urls: string[] = [];
    const callback = await listen(urls);
    const callbackPort = (callback.address() as AddressInfo).port;
    const folder = await mkdtemp(join(tmpdir(), "otagate-kannel-"));
    const ports = await freePorts(3);
    const file = join(folder, "kannel.conf");
    await writeFile(file, configuration(face.port, ports, callbackPort));
    try {
      await using bearerbox = new Program("bearerbox", [file]);
      await until(() => face.connections.some(({ client }) => client === "esme"), 15_000).catch(() => {
        throw new Error(bearerbox.lines.join("\n"));
      });
      await using smsbox = new Program("smsbox", [file]);
      const body = "00000d0a80ff000102030405";
      const receiptUrl = encodeURIComponent(`http://127.0.0.1:${callbackPort}/dlr?type=%d`);
      const send =
        `http://127.0.0.1:${ports[2]}/cgi-bin/sendsms?username=u&password=p&from=12345&to=491701234567&udh=${percent("027000")}` +
        `&text=${percent(body)}&coding=1&mclass=2&alt-dcs=1&pid=127&dlr-mask=3&dlr-url=${receiptUrl}&validity=60`;
      let answer = "";
      await until(() => {
        if (answer === "")
          fetch(send)
            .then(async (got) => (answer ||= await got.text()))
            .catch(() => undefined);
        return answer !== "";
      }, 15_000).catch(() => {
        throw new Error(smsbox.lines.join("\n"));
      });
      expect(answer).toContain("Accepted");
      await until(() => port.submissions.length >= 1, 10_000);
      const [submission] = port.submissions;
      expect(submission).toMatchObject({
        to: "491701234567",
        from: "12345",
        userDataHeader: true,
        protocolId: 0x7f,
        dataCoding: 0xf6,
        receipt: "always",
      });
      expect(Buffer.from(submission?.userData[0] ?? []).toString("hex")).toBe(`027000${body}`);
      const source = { ton: 1, npi: 1, addr: "491701234567" };
      const destination = { ton: 0, npi: 1, addr: "12345" };
      const now = Date.now();
      const times = { submittedAt: now, doneAt: now };
      port.queue("esme", {
        kind: "receipt",
        source,
        destination,
        messageId: "1",
        state: "delivered",
        intermediate: false,
        ...times,
      });
      port.queue("esme", {
        kind: "message",
        source,
        destination,
        userData: Uint8Array.from(Buffer.from("02710000000b0aff8000", "hex")),
        userDataHeader: true,
        protocolId: 0x7f,
        dataCoding: 0xf6,
      });
      await until(
        () => urls.some((url) => url.startsWith("/dlr")) && urls.some((url) => url.startsWith("/mo")),
        15_000,
      ).catch(() => {
        throw new Error([...urls, ...bearerbox.lines.slice(-40)].join("\n"));
      });
      expect(urls).toContain("/dlr?type=1");
      const mo = urls.find((url) => url.startsWith("/mo")) ?? "";
      expect(octets(mo, "udh")).toBe("027100");
      expect(octets(mo, "data")).toBe("00000b0aff8000");
      await until(() => port.waiting.get("esme")?.length === 0);
    } finally {
      callback.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
