/** The reasons for which the server refuses, and `offline`: it did not answer at all. */
export type ErrorCode =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "rate_limited"
  | "deadline_exceeded"
  | "cancelled"
  | "unavailable"
  | "unsupported"
  | "internal"
  | "offline";

/** A refusal of the API. The message is safe to show: what was wrong, what was expected, what to do. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly status: number;
  /** Machine-readable facts: the field, the limit, the current state. */
  readonly details: Record<string, string>;
  readonly ref: string | null;
  readonly requestId: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    more: { status?: number; details?: Record<string, string>; ref?: string | null; requestId?: string | null } = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status ?? 0;
    this.details = more.details ?? {};
    this.ref = more.ref ?? null;
    this.requestId = more.requestId ?? null;
  }

  /** The field of the request that the error is about, if it is about one. */
  get field(): string | null {
    return this.details["field"] ?? null;
  }
}

/** Whether an error only says that we ourselves gave up waiting. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Anything thrown, as something that can be shown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) {
    return new ApiError("offline", "The server does not answer. Is it running, and is the network up?");
  }
  return new ApiError("internal", error instanceof Error ? error.message : String(error));
}

/** Reads the body of a refusal; what is not one of ours (a proxy's page) is told by its status. */
export async function errorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  let said: string | null = null;
  try {
    const body: unknown = JSON.parse(text);
    if (isErrorBody(body)) {
      const { code, message, details, ref, requestId } = body.error;
      return new ApiError(code, message, { status: response.status, details, ref, requestId });
    }
    // The Open Inference Protocol's errors are a text alone.
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string") {
      said = body.error;
    }
  } catch {
    // Not JSON: told below.
  }
  const code: ErrorCode = response.status === 401
    ? "unauthenticated"
    : response.status === 403
    ? "forbidden"
    : response.status === 404
    ? "not_found"
    : response.status === 400
    ? "invalid"
    : "internal";
  return new ApiError(code, said ?? `The server answered ${response.status} ${response.statusText}.`, {
    status: response.status,
  });
}

interface ErrorBody {
  error: { code: ErrorCode; message: string; details?: Record<string, string>; ref?: string; requestId?: string };
}

function isErrorBody(value: unknown): value is ErrorBody {
  if (typeof value !== "object" || value === null || !("error" in value)) return false;
  const { error } = value;
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}
