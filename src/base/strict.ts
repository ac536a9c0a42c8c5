import { z } from "zod";
import { safeName } from "./key-like.ts";
import { nearest } from "./nearest.ts";

/** An object with these fields only; an unknown field is refused with the nearest allowed one. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? unknownField(issue.keys[0] ?? "", Object.keys(shape)) : undefined,
  });
}

/** Message for an unknown field where only `valid` ones are allowed. Never prints a name that could be a key. */
function unknownField(name: string, valid: readonly string[]): string {
  const hint = safeName(name) === name ? nearest(name, valid) : undefined;
  if (hint !== undefined) return `unknown field; did you mean '${hint}'?`;
  return valid.length === 0 ? "unknown field; none is expected here" : `unknown field; known are ${valid.join(", ")}`;
}

/** The first error of a value, unknown fields before wrong values, and the path of its field. */
export function firstIssue(error: z.ZodError): { readonly field: string; readonly message: string } {
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown?.code === "unrecognized_keys")
    return { field: pathText([...unknown.path, unknown.keys[0] ?? ""]), message: unknown.message };
  const [issue] = error.issues;
  return { field: pathText(issue?.path ?? []), message: issue?.message ?? "not valid" };
}

/** A path in the usual notation; names that could be keys are counted instead. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((step) => (typeof step === "number" ? String(step) : safeName(String(step)))).join(".");
}
