import { type ErrorCode, type ErrorEntry, errorCatalogue, type RetryClass } from "./error-catalogue.ts";

/** Facts of an error that programs may use. Never key material. */
export type ErrorDetail = Readonly<Record<string, unknown>>;

/**
 * The only error class of the product. `code` is one of the catalogue, `detail` holds facts (offset, field, sw, cme …),
 * `cause` the error that was translated.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, options: { detail?: ErrorDetail; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }

  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }

  get retry(): RetryClass {
    return this.entry.retry;
  }

  toJSON(): { code: ErrorCode; message: string; detail: ErrorDetail } {
    return { code: this.code, message: this.message, detail: this.detail };
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

/** The error itself if it is ours, else the unexpected one wrapped as `api.internal`: for the outermost boundary only. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("api.internal", error instanceof Error ? error.message : String(error), { cause: error });
}
