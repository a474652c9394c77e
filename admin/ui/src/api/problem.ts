/** One field that the server found wrong, such as body.amount. */
export interface Fault {
  location: string
  message: string
}

/** What went wrong with a request: a problem of RFC 9457, or type "network" where no answer came. */
export class Problem extends Error {
  constructor(
    readonly type: string,
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: Fault[] = [],
    readonly retryAfter = 0, // seconds
  ) {
    super(detail || title)
  }
}

/** Reads a problem out of an answer that was none of 2xx. */
export function problemOf(body: unknown, response: Response): Problem {
  const p = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>
  return new Problem(
    p.type ?? 'internal',
    response.status,
    p.title ?? response.statusText,
    p.detail ?? '',
    p.errors ?? [],
    Number(response.headers.get('Retry-After') ?? 0) || 0,
  )
}

/** Anything that was thrown, as a problem. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem('internal', 0, '', thrown instanceof Error ? thrown.message : String(thrown))
}
