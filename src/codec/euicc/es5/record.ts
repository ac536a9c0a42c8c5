import type { z } from "zod";
import { checked } from "../../../base/field-words.ts";
import type { Aid } from "../aid.ts";
import type { Dgi } from "../dgi.ts";
import type { Es5Answer } from "./answer.ts";
import { usage } from "./usage.ts";

/** A C-APDU as records read it. */
export interface CardCommand {
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** Offset of the data in the whole input. */
  readonly dataOffset: number;
  /** First data grouping of a STORE DATA in DGI format, and what follows it. */
  readonly grouping?: Dgi & { readonly valueOffset: number; readonly rest: Uint8Array; readonly restOffset: number };
}

/** What the EIS of the card contributes to parameters. */
export interface ProfileLookup {
  /** ISD-P of the profile with this ICCID. @throws target.invalid */
  isdPOf(iccid: string): Aid;
  /** An ISD-P AID that no profile has. @throws target.invalid */
  freeIsdP(): Aid;
}

/** Gives names to what a function acts on. */
export interface Es5Names {
  /** A security domain. */
  domain(aid: Aid): string;
}

/** How a function is ordered by name. */
export interface Es5Call<F> {
  /** What it does, for help texts: imperative. */
  readonly does: string;
  /** Its parameters; octets are hexadecimal. */
  readonly params: z.ZodObject;
  /** The function that parameters from outside describe. @throws api.usage naming the parameter, target.invalid, codec.* */
  resolve(raw: unknown, eis: ProfileLookup): F;
  /** How parameters are written as options of a command; `false`: there is no such command. */
  readonly options?: Es5Options | false;
}

/** What options of a command need beside the parameters' own description. */
interface Es5Options {
  /** Parameters that are not options. */
  readonly without?: readonly string[];
  /** Placeholder of an option's value. */
  readonly values?: Readonly<Record<string, string>>;
  /** Items of a comma-separated list that are not plain text. */
  readonly items?: Readonly<Record<string, (text: string) => unknown>>;
}

/** One function of interface ES5, or one that travels with it: everything that is specific to it. SGP.02 §4.1.1, §4.1.3 */
export interface Es5Record<F extends { readonly name: string }> {
  readonly name: F["name"];
  readonly clause: string;
  /** INS of the command by which it is recognized. */
  readonly ins: number;
  /**
   * Its C-APDUs, in their order. Each ends with Le, without which some cards answer nothing over SMS.
   * @throws codec.* for values that do not fit
   */
  commands(fn: F): readonly Uint8Array[];
  /** The function that a command with its INS carries out; undefined for another one. @throws codec.* */
  classify(command: CardCommand): F | undefined;
  /** Meaning of its answer data, without the status word. @throws codec.* */
  answer?(data: Uint8Array, offset: number): Es5Answer;
  /** Status words that mean something of their own. */
  readonly statusWords?: Readonly<Record<number, string>>;
  /** What it does, as text. */
  words(fn: F, names: Es5Names): string;
  /** Absent from a function that is only ever part of others. */
  readonly call?: Es5Call<F>;
}

/** A record, its types inferred. */
export function es5Record<F extends { readonly name: string }>(record: Es5Record<F>): Es5Record<F> {
  return record;
}

/** How a function is ordered by name: `from` makes the function of validated parameters. */
export function es5Call<F, P extends z.ZodObject>({
  from,
  ...call
}: Omit<Es5Call<F>, "params" | "resolve"> & {
  readonly params: P;
  readonly from: (params: z.output<P>, eis: ProfileLookup) => F;
}): Es5Call<F> {
  return { ...call, resolve: (raw, eis) => from(parsed(call.params, raw), eis) };
}

function parsed<P extends z.ZodObject>(params: P, raw: unknown): z.output<P> {
  const result = checked(params, raw ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.code === "unrecognized_keys" ? issue.keys.join() : (issue?.path.join(".") ?? "");
  throw usage(`params.${field}`, issue?.message ?? "not valid");
}
