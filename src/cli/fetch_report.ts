/**
 * What the terminal shows of downloads.
 *
 * @module
 */
import { columnsOf, shortened } from "../base/text_width.ts";
import { clearStatus, complain, showStatus } from "./terminal.ts";
import { type Fetching, ownFetching } from "../fetch/model_files.ts";
import { hubAccess } from "../fetch/hub.ts";
import { UsageError } from "../base/input_error.ts";
import { realTransport, type Transport } from "../fetch/transport.ts";

const units = ["bytes", "kB", "MB", "GB"];

/**
 * A size in units that read well.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sizeText } from "./fetch_report.ts";
 * assertEquals([612, 90_868_376].map(sizeText), ["612 bytes", "90.9 MB"]);
 * ```
 */
export function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Progress of downloads as a status line, and a line on standard error for each file and each wait. */
const downloads: Pick<Transport, "onProgress" | "onRetry"> = {
  onProgress: async ({ title, bytes, totalBytes }) => {
    if (bytes === totalBytes) {
      await clearStatus();
      await complain(`Fetched ${title} (${sizeText(bytes)})`);
      return;
    }
    const share = totalBytes === null ? "" : ` of ${sizeText(totalBytes)}`;
    const rest = `: ${sizeText(bytes)}${share}`;
    await showStatus((columns) => shortened(title, columns - columnsOf(rest)) + rest);
  },
  onRetry: async (_title, problem, millis) => {
    await clearStatus();
    await complain(`${problem}; trying again in ${(millis / 1000).toFixed(0)} s`);
  },
};

/** The network, with progress on the terminal. */
export function terminalTransport(): Transport {
  return realTransport(downloads);
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** Whether this process has the hub's variables and its host; nobody is asked. */
function mayFetch(): boolean {
  const variables = ["HF_ENDPOINT", "HF_TOKEN"];
  return variables.every((variable) => isGranted({ name: "env", variable })) &&
    isGranted({ name: "net", host: new URL(hubAccess().endpoint).host });
}

/**
 * The error of a command that has to fetch a model and may not.
 *
 * @param model Its name, such as `hub:OWNER/NAME@REVISION`.
 */
export function fetchRefused(model: string): UsageError {
  return new UsageError(
    `Cannot load "${model}": it is not in the cache, and this command has neither the network nor the hub's token; ` +
      `run deno task models fetch ${model} first`,
  );
}

const own = ownFetching(downloads);

/** How commands fetch encoders: by this process's environment and network, where it has them, with progress on the terminal. */
export const terminalFetching: Fetching = {
  ...own,
  access: (model) => {
    if (!mayFetch()) throw fetchRefused(model);
    return own.access(model);
  },
};
