import { expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { inFlags } from "../../../src/face/cli/flag-words.ts";

const accepted = {
  options: ["spi", "timeout", "answer-timeout", "tar", "iccid", "agent-id", "smsr-number", "tag"],
  arguments: ["apdu"],
};

it.each([
  ["settings.spi", "--spi"],
  ["settings.agentId", "--agent-id"],
  ["waitMs", "--timeout"],
  ["settings.answerTimeoutMs", "--answer-timeout"],
  ["work.tar", "--tar"],
  ["work.apdus.0", "apdu 1"],
  ["tags.1", "--tag 2"],
  ["params.iccid", "--iccid"],
  ["smsr.number", "--smsr-number"],
])("an error about %s is one about %s", (field, flag) => {
  const error = new GatewayError("api.usage", `${field}: is wrong`, { detail: { field } });
  expect(inFlags(error, accepted)).toMatchObject({ message: `${flag}: is wrong`, detail: { field } });
});

it("leaves an error alone that no flag caused", () => {
  const error = new GatewayError("api.usage", "body: is wrong", { detail: { field: "body" } });
  expect(inFlags(error, accepted)).toBe(error);
});
