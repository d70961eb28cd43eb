/** Two servers on this machine that behave like the Hugging Face hub and the storage that it redirects to. */
import type { FetchProgress, Transport } from "../../src/fetch/transport.ts";

/** A request as a server saw it. */
export interface SeenRequest {
  readonly server: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly range: string | null;
}

/** Answers in place of a server, or null to let it answer. */
export type Interception = (seen: SeenRequest) => Response | null;

/** A file of the hub; a large one lies in the storage, with its SHA-256 as its etag. */
export interface HubFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isLarge: boolean;
  /** Default: the true one. */
  readonly etag?: string;
  /** Whether it is sent as a weak one, as servers do that compress. Default false. */
  readonly isWeak?: boolean;
}

export interface FakeHub {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Looked at before each answer. */
  intercept: Interception;
}

/** The commit that all revisions of the fake hub's model are. */
export const fakeCommit = "0123456789abcdef0123456789abcdef01234567";

export const fakeRepository = "someone/tiny";

function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 by the platform. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", bytes));
}

async function gitHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const head = new TextEncoder().encode(`blob ${bytes.length}\0`);
  return hex(await crypto.subtle.digest("SHA-1", Uint8Array.of(...head, ...bytes)));
}

async function etagOf({ etag, isLarge, bytes, isWeak = false }: HubFile): Promise<string> {
  return `${isWeak ? "W/" : ""}"${etag ?? await (isLarge ? sha256(bytes) : gitHash(bytes))}"`;
}

/** The bytes that a request asks for. */
export function ranged(bytes: Uint8Array<ArrayBuffer>, range: string | null): Response {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (range === null) return new Response(bytes);
  if (start >= bytes.length) return new Response(null, { status: 416 });
  const headers = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  return new Response(bytes.subarray(start), { status: 206, headers });
}

/** A body that breaks off after some bytes, with the length of the whole. */
export function brokenAfter(bytes: Uint8Array<ArrayBuffer>, count: number): Response {
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!sent) {
        sent = true;
        controller.enqueue(bytes.slice(0, count));
        return;
      }
      // The client has to see the first bytes before the end of the connection.
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.error(new Error("cut"));
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes.length) } });
}

function seenBy(server: SeenRequest["server"], request: Request): SeenRequest {
  return {
    server,
    method: request.method,
    path: decodeURIComponent(new URL(request.url).pathname),
    token: request.headers.get("authorization"),
    range: request.headers.get("range"),
  };
}

const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() };

/** Runs a check against a fake hub with these files, by name. */
export async function withFakeHub(
  files: ReadonlyMap<string, HubFile>,
  check: (hub: FakeHub) => Promise<void>,
): Promise<void> {
  const hub: FakeHub & { url: string } = { url: "", seen: [], intercept: () => null };
  const answer = async (
    server: SeenRequest["server"],
    request: Request,
    otherwise: (seen: SeenRequest) => Response | Promise<Response>,
  ) => {
    const seen = seenBy(server, request);
    hub.seen.push(seen);
    const response = hub.intercept(seen) ?? await otherwise(seen);
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
  const storage = Deno.serve(
    quiet,
    (request) =>
      answer(
        "storage",
        request,
        ({ path, range }) => ranged(files.get(path.slice(1))!.bytes, range),
      ),
  );
  const server = Deno.serve(quiet, (request) =>
    answer("hub", request, async ({ path, range }) => {
      if (path.startsWith(`/api/models/${fakeRepository}/revision/`)) {
        const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
        return Response.json({ id: fakeRepository, sha: fakeCommit, siblings });
      }
      const cached = files.get(path.replace("/api/resolve-cache/", ""));
      if (cached !== undefined) {
        const response = ranged(cached.bytes, range);
        response.headers.set("etag", await etagOf(cached));
        response.headers.set("x-repo-commit", fakeCommit);
        response.headers.set("content-length", String(cached.bytes.length));
        return response;
      }
      const name = path.replace(/^\/someone\/tiny\/resolve\/(?:main|[0-9a-f]{40})\//, "");
      const file = files.get(name);
      if (file === undefined) {
        return new Response(null, { status: 404, headers: { "x-error-code": "RepoNotFound" } });
      }
      if (!file.isLarge) {
        return new Response(null, {
          status: 307,
          headers: { "location": `/api/resolve-cache/${name}`, "x-repo-commit": fakeCommit },
        });
      }
      return new Response(null, {
        status: 302,
        headers: {
          "location": `http://127.0.0.1:${storage.addr.port}/${name}`,
          "x-linked-etag": await etagOf(file),
          "x-linked-size": String(file.bytes.length),
          "x-repo-commit": fakeCommit,
        },
      });
    }));
  hub.url = `http://127.0.0.1:${server.addr.port}`;
  try {
    await check(hub);
  } finally {
    await server.shutdown();
    await storage.shutdown();
  }
}

/** A transport to the real network that does not wait, and what it was asked to wait and to show. */
export function patientTransport(): Transport & {
  readonly waits: number[];
  readonly progress: FetchProgress[];
} {
  const waits: number[] = [];
  const progress: FetchProgress[] = [];
  return {
    waits,
    progress,
    fetch: (url, init) => fetch(url, init),
    wait: (millis) => {
      waits.push(millis);
      return Promise.resolve();
    },
    now: () => 0,
    onProgress: (now) => {
      progress.push(now);
      return Promise.resolve();
    },
    onRetry: () => Promise.resolve(),
  };
}
