/**
 * What goes wrong when something is fetched, with the way out in the message.
 *
 * @module
 */

/** A file could not be fetched; what had arrived is kept where it can be gone on from. */
export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly url: string;
  /** HTTP status, or null where the answer was not the trouble. */
  readonly status: number | null;

  /**
   * @param what What was fetched, as messages call it.
   * @param problem Found, wanted and the fix.
   */
  constructor(
    what: string,
    problem: string,
    about: { readonly url: string; readonly status?: number | null; readonly cause?: unknown },
  ) {
    super(`Cannot fetch ${what}: ${problem} (${about.url})`, { cause: about.cause });
    this.url = about.url;
    this.status = about.status ?? null;
  }
}

/** What a server answered that it will not give a file. */
interface Refusal {
  readonly status: number;
  /** The hub's name for the cause, such as `RevisionNotFound`, or null. */
  readonly errorCode: string | null;
}

/** Found and fix for a refusal; a source of its own may know more. */
export type Advice = (refusal: Refusal) => string;

/** What to say of a refusal by a plain web server. */
export function plainAdvice({ status }: Refusal): string {
  if (status === 401 || status === 403) {
    return `found status ${status}, want a file that anyone may read; fetch it by hand`;
  }
  if (status === 404 || status === 410) {
    return `found no such file (status ${status}); the address may have moved`;
  }
  if (status === 429) return "found too many requests (status 429); wait, then run this again";
  return `found status ${status}, want 200; run this again later`;
}

/** What to say of a refusal by the Hugging Face hub. */
export function hubAdvice(hub: { readonly token: string | null; readonly title: string }): Advice {
  const { token, title } = hub;
  return (refusal) => {
    const { status, errorCode } = refusal;
    if (errorCode === "GatedRepo" || status === 403) {
      return `found status ${status}: access to "${title}" is restricted; accept its terms on its page, and set HF_TOKEN ` +
        (token === null
          ? "to a token of the account that did"
          : "to a token that may read it (the one that is set may not)");
    }
    if (status === 401) {
      return token === null
        ? `found status 401, want a token: set HF_TOKEN, or check the name "${title}" (the hub answers the same for names ` +
          "that it does not have)"
        : "found status 401: the token in HF_TOKEN was not accepted; make a new one, or unset it for public models";
    }
    if (status === 404) {
      if (errorCode === "RevisionNotFound") {
        return `found no such revision (status 404), want one of "${title}": a branch, a tag or a commit after the "@"`;
      }
      if (errorCode === "EntryNotFound") return "found no such file at this revision (status 404)";
      return `found no such model (status 404); check owner and name of "${title}"`;
    }
    if (status === 429 && token === null) {
      return "found too many requests (status 429); wait, or set HF_TOKEN for a higher limit, then run this again";
    }
    return plainAdvice(refusal);
  };
}
