import { expect, it } from "vitest";
import { configFile, defaultState } from "../../src/app/config/state-folder.ts";

it("an empty variable is as good as none", () => {
  const home = { XDG_CONFIG_HOME: "/none-such" };
  const without = configFile(undefined, home);
  expect(configFile(undefined, { ...home, OTAGATE_CONFIG: "" })).toBe(without);
  expect(configFile("", { ...home, OTAGATE_CONFIG: "/etc/own.yaml" })).toBe("/etc/own.yaml");
  expect(defaultState({ OTAGATE_STATE: "", STATE_DIRECTORY: "", XDG_STATE_HOME: "/var/x" })).toBe("/var/x/otagate");
});
