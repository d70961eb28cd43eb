/**
 * Whether runs were repeated, and what they were trained with.
 *
 * @module
 */
import { html } from "../html.ts";
import { command, type Section, table, text, titled } from "../section.ts";
import { provenanceTable } from "../tables/provenance.ts";
import { verificationTable, verificationText } from "../tables/verification.ts";

/** Verified runs, versions, devices and hashes. */
export const reproducibility: Section = {
  title: "Reproducibility",
  isPrinted: true,
  empty: (analysis) =>
    html`Not verified yet: ${
      command("verify", analysis)
    } repeats a sample of these runs and compares losses, metrics, ranks and predictions.`,
  blocks: [
    text(({ analysis }) => {
      const verified = verificationText(analysis);
      return verified === null ? [] : [html`<p>${verified}</p>`];
    }),
    table(verificationTable),
    titled(provenanceTable),
  ],
};
