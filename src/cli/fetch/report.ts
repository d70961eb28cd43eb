/**
 * What the terminal shows of downloads.
 *
 * @module
 */
import { complain, showStatus } from "../terminal.ts";
import { realTransport, type Transport } from "./transport.ts";

const units = ["bytes", "kB", "MB", "GB"];

/**
 * A size in units that read well.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sizeText } from "./report.ts";
 * assertEquals([612, 90_868_376].map(sizeText), ["612 bytes", "90.9 MB"]);
 * ```
 */
export function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** The network, with progress as a status line and a line on standard error for each file and each wait. */
export function terminalTransport(): Transport {
  return realTransport({
    onProgress: async ({ title, bytes, totalBytes }) => {
      if (bytes === totalBytes) {
        await showStatus("");
        await complain(`Fetched ${title} (${sizeText(bytes)})`);
        return;
      }
      const share = totalBytes === null ? "" : ` of ${sizeText(totalBytes)}`;
      await showStatus(`${title}: ${sizeText(bytes)}${share}`);
    },
    onRetry: async (_title, problem, millis) => {
      await showStatus("");
      await complain(`${problem}; trying again in ${(millis / 1000).toFixed(0)} s`);
    },
  });
}
