/**
 * Where the official files of the GLUE tasks are published.
 *
 * The addresses are those of the benchmark's own download script. Sizes and SHA-256 are those that Hugging Face's
 * `datasets` recorded for them (`datasets/glue/dataset_infos.json` of its repository, commit 040102f, before the data
 * moved to the hub); for all but QQP, TensorFlow Datasets recorded the same (`url_checksums/glue.txt`, commit 333639b).
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { glueTasks } from "./catalog.ts";

/** A published file. */
export interface PublishedFile {
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What one task is made from. */
export type GlueArchive =
  | {
    readonly kind: "zip";
    readonly task: string;
    readonly archive: PublishedFile;
    /** Files that are taken out: their names are the same within the archive and below the data folder. */
    readonly files: readonly string[];
  }
  | {
    readonly kind: "mrpc";
    readonly task: "MRPC";
    /** The training part of the Microsoft Research Paraphrase Corpus, which holds GLUE's dev set too. */
    readonly pairs: PublishedFile;
    /** The pairs of the dev set, by their two ids. */
    readonly devIds: PublishedFile;
    readonly files: readonly string[];
  };

const glue = "https://dl.fbaipublicfiles.com/glue/data";
const sentEval = "https://dl.fbaipublicfiles.com/senteval/senteval_data";

const zips: Readonly<Record<string, PublishedFile>> = {
  "CoLA": {
    url: `${glue}/CoLA.zip`,
    sizeBytes: 376_971,
    sha256: "f212fcd832b8f7b435fb991f101abf89f96b933ab400603bf198960dfc32cbff",
  },
  "SST-2": {
    url: `${glue}/SST-2.zip`,
    sizeBytes: 7_439_277,
    sha256: "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
  },
  "STS-B": {
    url: `${glue}/STS-B.zip`,
    sizeBytes: 802_872,
    sha256: "e60a6393de5a8b5b9bac5020a1554b54e3691f9d600b775bd131e613ac179c85",
  },
  "QQP": {
    url: `${glue}/QQP-clean.zip`,
    sizeBytes: 41_696_084,
    sha256: "40e7c862c04eb26ee04b67fd900e76c45c6ba8e6d8fab4f8f1f8072a1a3fbae0",
  },
  "MNLI": {
    url: `${glue}/MNLI.zip`,
    sizeBytes: 312_783_507,
    sha256: "e7c1d896d26ed6caf700110645df426cc2d8ebf02a5ab743d5a5c68ac1c83633",
  },
  "QNLI": {
    url: `${glue}/QNLIv2.zip`,
    sizeBytes: 10_627_589,
    sha256: "e634e78627a29adaecd4f955359b22bf5e70f2cbd93b493f2d624138a0c0e5f5",
  },
  "RTE": {
    url: `${glue}/RTE.zip`,
    sizeBytes: 697_150,
    sha256: "6bf86de103ecd335f3441bd43574d23fef87ecc695977a63b82d5efb206556ee",
  },
  "WNLI": {
    url: `${glue}/WNLI.zip`,
    sizeBytes: 28_999,
    sha256: "ae0e8e4d16f4d46d4a0a566ec7ecceccfd3fbfaa4a7a4b4e02848c0f2561ac46",
  },
};

const mrpc = {
  pairs: {
    url: `${sentEval}/msr_paraphrase_train.txt`,
    sizeBytes: 1_047_044,
    sha256: "60a9b09084528f0673eedee2b69cb941920f0b8cd0eeccefc464a98768457f89",
  },
  devIds: {
    url: `${glue}/mrpc_dev_ids.tsv`,
    sizeBytes: 6_222,
    sha256: "971d7767d81b997fd9060ade0ec23c4fc31cbb226a55d1bd4a1bac474eb81dc7",
  },
} as const;

/** The archives of the nine tasks, in the order of {@linkcode glueTasks}. */
export const glueArchives: readonly GlueArchive[] = glueTasks.map(({ name, splits }) => {
  const files = Object.values(splits).flat().map(({ path }) => path);
  return name === "MRPC"
    ? { kind: "mrpc", task: name, ...mrpc, files }
    : { kind: "zip", task: name, archive: zips[name]!, files };
});

interface MrpcSplits {
  readonly train: string;
  readonly dev: string;
}

/**
 * Divides the training part of the paraphrase corpus into GLUE's training and dev sets.
 *
 * @param pairs `msr_paraphrase_train.txt`: a header, then quality, two ids and two texts a line.
 * @param devIds `mrpc_dev_ids.tsv`: the two ids of a pair a line.
 *
 * @throws {InputError} If a line has another layout, or a pair of the dev set is missing.
 */
export function splitMrpc(pairs: string, devIds: string): MrpcSplits {
  const lines = (text: string) =>
    text.replace(/^\ufeff/, "").split(/\r?\n/).filter((line) => line !== "");
  const [header = "", ...rows] = lines(pairs);
  const wanted = new Set(lines(devIds).map((line) => line.trim()));
  const found = new Set<string>();
  const train: string[] = [header];
  const dev: string[] = [header];
  for (const [i, row] of rows.entries()) {
    const columns = row.split("\t");
    if (columns.length !== 5) {
      throw new InputError({
        file: "msr_paraphrase_train.txt",
        place: `line ${i + 2}`,
        found: `${columns.length} columns`,
        wanted: "5",
        message: `Cannot divide MRPC: line ${
          i + 2
        } of msr_paraphrase_train.txt has ${columns.length} columns, want 5`,
      });
    }
    const ids = `${columns[1]}\t${columns[2]}`;
    const isDev = wanted.has(ids);
    if (isDev) found.add(ids);
    (isDev ? dev : train).push(row.trimEnd());
  }
  const missing = [...wanted].find((ids) => !found.has(ids));
  if (missing !== undefined) {
    const found = `no pair "${shown(missing.replace("\t", " "))}"`;
    throw new InputError({
      file: "msr_paraphrase_train.txt",
      found,
      wanted: "all pairs of mrpc_dev_ids.tsv",
      message:
        `Cannot divide MRPC: found ${found} in msr_paraphrase_train.txt, want all pairs of mrpc_dev_ids.tsv; ` +
        "fetch both again",
    });
  }
  const text = (split: readonly string[]) => `${split.join("\n")}\n`;
  return { train: text(train), dev: text(dev) };
}
