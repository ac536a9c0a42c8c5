/** One finding of `doctor`. */
export interface Finding {
  readonly what: string;
  readonly verdict: "good" | "missing" | "bad";
  readonly detail: string;
  /** The remedy. */
  readonly advice?: string;
}
