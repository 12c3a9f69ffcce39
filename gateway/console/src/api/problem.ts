/** A problem document (RFC 9457), as the gateway sends it. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  errors?: { pointer: string; message: string }[];
  /** Of a sign-in: the code of the account, which is not registered yet. */
  account?: string;
}

/** A request that the gateway refused, or that did not reach it (`status` 0). */
export class ApiError extends Error {
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument, options?: ErrorOptions) {
    super(document.detail ?? document.title, options);
    this.name = "ApiError";
    this.document = document;
  }

  /** The HTTP status; 0 where the gateway did not answer. */
  get status(): number {
    return this.document.status;
  }

  /** The code of the problem, such as `not-granted`; "" where the gateway did not answer. */
  get code(): string {
    return this.document.type.split(":").at(-1) ?? "";
  }

  /** What was wrong with each field, by its JSON pointer (RFC 6901). */
  get fields(): ReadonlyMap<string, string> {
    return new Map((this.document.errors ?? []).map(({ pointer, message }) => [pointer, message]));
  }
}

/** Return the problem of an answer that is not a success. */
export async function problemOf(response: Response): Promise<ApiError> {
  try {
    const document: unknown = await response.clone().json();
    if (isProblem(document)) return new ApiError({ ...document, status: response.status });
  } catch {
    // A proxy before the gateway may answer with a page of its own.
  }
  return new ApiError({ type: "", title: `HTTP ${response.status}`, status: response.status });
}

function isProblem(document: unknown): document is ProblemDocument {
  return typeof document === "object" && document !== null && "title" in document && "type" in document;
}
