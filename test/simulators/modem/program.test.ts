import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type ModemProgramOptions, runModem } from "../../../simulators/modem/program.ts";

/** Starts the program and talks to it as a shell would. */
function start(options: ModemProgramOptions) {
  const input = new PassThrough();
  const printed: Record<string, unknown>[] = [];
  const stop = new AbortController();
  let wake: () => void = () => {};
  const print = (line: string) => {
    printed.push(JSON.parse(line));
    wake();
  };
  const ended = runModem(options, { input, print, signal: stop.signal });
  const answer = async (count: number): Promise<Record<string, unknown>> => {
    while (printed.length < count) {
      await Promise.race([ended, new Promise<void>((resolve) => (wake = resolve))]);
    }
    return printed[count - 1] ?? {};
  };
  return {
    first: () => answer(1),
    ask: (line: string) => {
      const count = printed.length + 1;
      input.write(`${line}\n`);
      return answer(count);
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

function talk(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${line}\r`));
    let text = "";
    socket.on("data", (chunk) => {
      text += String(chunk);
      if (!/OK\r\n|ERROR/.test(text)) return;
      socket.destroy();
      resolve(text);
    });
    socket.on("error", reject);
  });
}

describe("the modem program", () => {
  it("tells its port, answers there, obeys control lines and ends with its signal", async () => {
    const program = start({ tcp: 0, imei: "356938035643809", plain: { imsi: "001010000000042" }, network: "serve:0" });
    const { port } = await program.first();
    const number = Number(String(port).split(":").at(-1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await talk(number, "AT+CGSN")).toContain("356938035643809");
    expect(await program.ask("state")).toMatchObject({ ok: true, powered: true, imsi: "001010000000042" });
    expect(await program.ask("coverage off")).toEqual({ ok: true });
    await program.stop();
    await expect(talk(number, "AT")).rejects.toThrow();
  });

  it("refuses options it does not understand", async () => {
    const io = { print: () => {}, signal: AbortSignal.abort() };
    await expect(runModem({ network: "elsewhere" }, io)).rejects.toMatchObject({ code: "config.invalid" });
    await expect(runModem({ misbehave: "nonsense" }, io)).rejects.toMatchObject({ code: "config.invalid" });
    await expect(runModem({ bip: "not-a-port" }, io)).rejects.toMatchObject({ code: "config.invalid" });
    await expect(runModem({ network: "join:/nonexistent" }, io)).rejects.toMatchObject({ code: "link.unavailable" });
  });
});
