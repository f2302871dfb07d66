// The one error that crosses the API: a Status, thrown by the server's code and by clients alike.
import type { Draft } from "#schema/message.ts";
import type { Status, StatusCause } from "./status.ts";

/** Why the server said no, in the words clients switch on; each goes with one HTTP code. */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;
export type StatusReason = keyof typeof statusCodes;

export interface StatusErrorDetails {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  /** The resource ("pods") or, where upstream says so, the kind. */
  readonly kind?: string | undefined;
  readonly uid?: string | undefined;
  readonly causes?: readonly Draft<StatusCause>[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: number;
  readonly reason: string;
  readonly details: StatusErrorDetails | undefined;

  constructor(reason: StatusReason | (string & {}), message: string, details?: StatusErrorDetails, code?: number) {
    super(message);
    this.reason = reason;
    this.code = code ?? statusCodes[reason as StatusReason] ?? 500;
    this.details = details;
  }

  /** The v1 Status that goes over the wire. */
  status(): Draft<Status> & { readonly apiVersion: "v1"; readonly kind: "Status" } {
    const { message, reason, code, details } = this;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason && { reason }),
      ...(details && { details }),
      code,
    };
  }
}

export function statusErrorFrom(status: Draft<Status>, httpCode: number): StatusError {
  return new StatusError(
    status.reason ?? "",
    status.message ?? `the server answered ${httpCode}`,
    status.details as StatusErrorDetails,
    status.code ?? httpCode,
  );
}

export function isReason(error: unknown, ...reasons: readonly StatusReason[]): error is StatusError {
  return error instanceof StatusError && (reasons as readonly string[]).includes(error.reason);
}
