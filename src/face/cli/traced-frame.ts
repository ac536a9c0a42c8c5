/** A frame in an answer of the API. */
export interface TracedFrame {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly dir: "in" | "out";
  readonly link: string;
  readonly target?: string;
  readonly job?: string;
  readonly session?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}
