/** One thing that `doctor` looked at. */
export interface Finding {
  readonly what: string;
  readonly verdict: "good" | "missing" | "bad";
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}
