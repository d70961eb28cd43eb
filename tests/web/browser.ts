/**
 * A headless Chromium with one page, and the server on this machine that the page is from.
 *
 * @module
 */
// The part of puppeteer that needs nothing of Node's, so that tests need no permission for it.
import puppeteer, {
  type ConnectionTransport,
} from "puppeteer-core/internal/puppeteer-core-browser.js";
import { embeddedModelFolder } from "../../src/models/sources.ts";
import type { Reader } from "./page.ts";

/** Debian's name of the browser. */
const program = "chromium";

/** Whether the path has the browser and tests may start it. */
export const hasBrowser: boolean =
  Deno.permissions.querySync({ name: "run", command: program }).state === "granted";

/** A page that has loaded the module `page.ts`. */
export interface Page extends AsyncDisposable {
  /** The value of an expression in which `page` is the module; it is told as JSON. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** The text that another page of the server shows once a condition on it holds. */
  readonly open: (path: string, condition: string) => Promise<string>;
}

/** Where the folders of the page's own files are. */
const folders: Readonly<Record<string, URL>> = {
  embedded: embeddedModelFolder,
  tiny: new URL("../golden/bert/", import.meta.url),
  runtime: new URL("./", import.meta.resolve("onnxruntime-web")),
};

/** Reads a file of one of the {@linkcode folders}. */
export const readFile: Reader = (path) => {
  // Where the runtime is not told otherwise, it looks for its files beside the page's script.
  const [folder = "", ...names] = (path.startsWith("ort-") ? `runtime/${path}` : path).split("/");
  const base = folders[folder];
  if (base === undefined) throw new RangeError(`Cannot read "${path}": no such folder`);
  return Deno.readFile(new URL(names.join("/"), base));
};

const mediaTypes: Readonly<Record<string, string>> = {
  html: "text/html",
  mjs: "text/javascript",
  wasm: "application/wasm",
};

/** The page's script. */
export async function bundled(): Promise<Uint8Array<ArrayBuffer>> {
  const { outputFiles = [], errors } = await Deno.bundle({
    entrypoints: [decodeURIComponent(new URL("./page.ts", import.meta.url).pathname)],
    platform: "browser",
    write: false,
  });
  const contents = outputFiles[0]?.contents;
  if (contents === undefined) {
    throw new Error(`Cannot bundle page.ts: ${errors.map(({ text }) => text).join("; ")}`);
  }
  return contents.slice();
}

/** @param site The folder of the pages below `/site/`. */
function serve(script: Uint8Array<ArrayBuffer>, site: URL): Deno.HttpServer<Deno.NetAddr> {
  const typed = (body: BodyInit, ending: string) =>
    new Response(body, {
      headers: { "content-type": mediaTypes[ending] ?? "application/octet-stream" },
    });
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ url }) => {
    const path = new URL(url).pathname.slice(1);
    if (path === "") return typed("<!doctype html><title>ranklab</title>", "html");
    if (path === "page.mjs") return typed(script, "mjs");
    try {
      const own = /^site\/(?!ort-)(.*)$/.exec(path)?.[1];
      const bytes = await (own === undefined
        ? readFile(path.replace(/^site\//, ""))
        : Deno.readFile(new URL(own, site)));
      return typed(bytes.slice(), path.split(".").at(-1)!);
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

/** The address at which a browser that has just been started listens, as it says on its standard error. */
async function addressFrom(errors: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let said = "";
  for await (
    const chunk of errors.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })
  ) {
    said += chunk;
    const address = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`Cannot start ${program}: it ended and said\n${said}`);
}

/** The browser's protocol over a web socket. */
function transportTo(address: string): Promise<ConnectionTransport> {
  const socket = new WebSocket(address);
  const transport: ConnectionTransport = {
    send: (message) => socket.send(message),
    close: () => socket.close(),
  };
  socket.onmessage = ({ data }) => transport.onmessage?.(data);
  socket.onclose = () => transport.onclose?.();
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(transport);
    socket.onerror = () => reject(new Error(`Cannot reach ${program} at ${address}`));
  });
}

/** Removes the browser's profile; its helper processes outlive it by a moment and may still write there. */
async function removeProfile(path: string): Promise<void> {
  for (let triesLeft = 100;; triesLeft--) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (triesLeft === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * Starts the browser and opens the page.
 *
 * @param site The folder of the pages that {@linkcode Page.open} opens.
 * @param flags The browser's further flags.
 */
export async function openPage(site: URL, flags: readonly string[] = []): Promise<Page> {
  const server = serve(await bundled(), site);
  const profile = await Deno.makeTempDir();
  const child = new Deno.Command(program, {
    args: [
      ...["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update"],
      ...["--remote-debugging-port=0", `--user-data-dir=${profile}`, ...flags, "about:blank"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const close = async () => {
    child.kill("SIGTERM");
    await child.status;
    await child.stderr.cancel().catch(() => {});
    await server.shutdown();
    await removeProfile(profile);
  };
  try {
    const browser = await puppeteer.connect({
      transport: await transportTo(await addressFrom(child.stderr)),
      protocolTimeout: 0,
    });
    const page = await browser.newPage();
    const origin = `http://127.0.0.1:${server.addr.port}`;
    await page.goto(`${origin}/`);
    await page.evaluate(`import("/page.mjs").then((page) => {
      globalThis.page = page;
    })`);
    return {
      evaluate: (expression) => page.evaluate(expression),
      open: async (path, condition) => {
        const own = await browser.newPage();
        const problems: unknown[] = [];
        own.on("pageerror", (error) => problems.push(error));
        await own.goto(`${origin}${path}`);
        while (problems.length === 0 && await own.evaluate(condition) !== true) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        if (problems.length > 0) throw problems[0];
        return await own.evaluate("document.body.innerText") as string;
      },
      [Symbol.asyncDispose]: async () => {
        await browser.disconnect();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
