import { type ErrorCode, type ErrorEntry, errorCatalogue, type RetryClass } from "./error-catalogue.ts";

/** Facts of an error that programs may use. Never key material. */
export type ErrorDetail = Readonly<Record<string, unknown>>;

/** Whether a message whose submission failed may have left: `not-sent` = certainly not, and it may be sent again. */
export type SubmitFate = "not-sent" | "unknown";

/** Facts of an error besides its code and its message. */
interface ErrorFacts {
  readonly detail?: ErrorDetail;
  /** Set by code that sends; absent from other errors. */
  readonly fate?: SubmitFate | undefined;
  readonly cause?: unknown;
}

/**
 * The only error class of the product. `code` is one of the catalogue, `detail` contains facts (offset, field, sw, cme
 * …), `fate` whether anything was sent, `cause` the error that was translated.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;
  readonly fate: SubmitFate | undefined;

  constructor(code: ErrorCode, message: string, { detail = {}, fate, cause }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
    this.fate = fate;
  }

  /** The same error with another message, with further facts or with its fate; this one is its cause. */
  with({ message = this.message, detail = {}, fate = this.fate }: ErrorFacts & { message?: string }): GatewayError {
    return new GatewayError(this.code, message, { detail: { ...this.detail, ...detail }, fate, cause: this });
  }

  /** All facts in one record, as answers and logs show them. */
  get facts(): ErrorDetail {
    return this.fate === undefined ? this.detail : { ...this.detail, fate: this.fate };
  }

  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }

  get retry(): RetryClass {
    return this.entry.retry;
  }

  toJSON(): { code: ErrorCode; message: string; detail: ErrorDetail } {
    return { code: this.code, message: this.message, detail: this.facts };
  }
}

/** A codec's refusal: `offset` counts octets (or characters) from the start of the whole input. */
export function codecError(
  code: Extract<ErrorCode, `codec.${string}`>,
  message: string,
  offset: number,
  detail: ErrorDetail = {},
): GatewayError {
  return new GatewayError(code, message, { detail: { offset, ...detail } });
}

/** True when `error` is a {@link GatewayError}, of the given code if one is given. */
export function isGatewayError(error: unknown, code?: ErrorCode): error is GatewayError {
  return error instanceof GatewayError && (code === undefined || error.code === code);
}

/**
 * The error itself if it is a GatewayError, otherwise the unexpected one wrapped as `api.internal`: for the outermost
 * boundary only.
 */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("api.internal", error instanceof Error ? error.message : String(error), { cause: error });
}
