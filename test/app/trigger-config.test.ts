import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { TriggerConfig, triggerBody } from "../../src/app/config/trigger.ts";
import { SessionTrigger } from "../../src/codec/gp/trigger.ts";
import { decode } from "../../src/codec/kit/codec.ts";

const configured = (trigger: object) => parseConfig({ version: 1, scp81: { trigger } }, "otagate.yaml");

describe("scp81.trigger", () => {
  it.each([
    ["bearer", "zz", "'z' is not a hexadecimal digit"],
    ["bearer", "3", "odd number of hexadecimal digits"],
    ["bearer", "", "no octet left"],
    ["bearer", "7F", "bearer type 7F is reserved"],
    ["bearer", "0203", "GPRS bearer parameters have six octets"],
    ["address", "192.0.2.256", "'192.0.2.256' is not an IP address"],
    ["address", "smsr.example", "'smsr.example' is not an IP address"],
    ["address", "2001:db8::1::2", "not an IP address"],
    ["networkAccessName", "iot..operator", "label"],
    ["host", "smsr.example\r\nX-Injected: 1", "printable ASCII"],
    ["uri", "/two words", "printable ASCII"],
    ["agentId", "", "printable ASCII"],
    ["port", 0, "must be 1 or more"],
    ["retryDelaySeconds", 30, "has no effect without retries"],
  ])("refuses %s %j, naming the key", (key, value, message) => {
    expect(() => configured({ [key]: value })).toThrow(`otagate.yaml: scp81.trigger.${key}: `);
    expect(() => configured({ [key]: value })).toThrow(message);
  });

  it("still names a key that does not exist", () => {
    expect(() => configured({ adress: "192.0.2.1" })).toThrow("did you mean 'address'?");
  });

  it("writes what is valid, and the empty trigger for nothing", () => {
    expect(triggerBody({})).toEqual(Uint8Array.of(0x81, 0x00));
    const all = { bearer: "03", address: "2001:db8::1", port: 443, uri: "/server/adminagent?cmd=1", retries: 2 };
    const read = decode(SessionTrigger, triggerBody(TriggerConfig.parse(all)));
    expect(read.session).toMatchObject({ retry: { attempts: 2, delaySeconds: 60 }, http: { uri: all.uri } });
  });
});
