/**
 * A terminal that follows a study's work: a status line, a line for each run, and signals that stop it.
 *
 * @module
 */
import { EventLines, eventText } from "./event_text.ts";
import type { ModuleSpectrum, RunSpectra } from "../record/spectra.ts";
import { counted, fixed } from "../base/format.ts";
import { differenceText } from "../report/verification.ts";
import type { Watch, WorkEvent } from "../runs/events.ts";
import { terminalFetching } from "./fetch_report.ts";
import { ablationText, runProgress, scoreText, summaryOf, WorkStatus } from "./work_status.ts";
import { keptLines, listenForStop, type StopListener, type StopWords } from "./stop.ts";
import { clearStatus, say, sayWrapped } from "./terminal.ts";

interface SeenWork {
  readonly total: number;
  /** Jobs that were done before, and jobs that are done now. */
  readonly skipped: number;
  readonly done: number;
  /** Steps of the runs under way that are safe, by title. */
  readonly checkpoints: ReadonlyMap<string, number>;
}

/** What a command says at a signal, by what has been seen. */
type WordsOf = (seen: () => SeenWork) => StopWords;

/** The words of a sweep. */
export const sweepWords: WordsOf = (seen) => ({
  onStop: () => {
    const { total, skipped, done } = seen();
    return `Stopping after this step. Done and kept: ${
      skipped + done
    } of ${total} runs; those under way\n` +
      "are kept up to a checkpoint. (Ctrl-C again ends at once.)";
  },
  onExit: () =>
    [
      "Ended at once. Done runs are kept, those under way up to these checkpoints or later:",
      ...keptLines([...seen().checkpoints].map(([title, step]) => ({ title, step }))),
    ].join("\n"),
});

/** The words of both ablations. */
export const ablateWords: WordsOf = (seen) => ({
  onStop: () =>
    `Stopping. Done and kept: ${
      seen().skipped + seen().done
    } runs; ablations under way start again later.\n` +
    "(Ctrl-C again ends at once.)",
  onExit: () => "Ended at once. Finished ablations are kept.",
});

/** The words of a verification. */
export const verifyWords: WordsOf = (seen) => ({
  onStop: () => "Stopping after this step. (Ctrl-C again ends at once.)",
  onExit: () =>
    `Ended at once: ${seen().done} of ${seen().total} runs were compared, above; nothing is written.`,
});

/** The words of reading spectra. */
export const spectraWords: WordsOf = (seen) => ({
  onStop: () =>
    `Stopping. Read: ${seen().done} of ${seen().total} runs; those of whole cells are kept.\n` +
    "(Ctrl-C again ends at once.)",
  onExit: () => "Ended at once. The spectra of whole cells are kept.",
});

function usedText({ modules }: RunSpectra): string {
  const sum = (of: (module: ModuleSpectrum) => number) =>
    modules.reduce((total, module) => total + of(module), 0);
  const ranks = sum(({ rank }) => rank);
  const effective = sum(({ effectiveRank }) => effectiveRank);
  const used = `effective rank ${fixed(effective, 1)} of ${ranks}`;
  return modules.some(({ intruders }) => intruders === null)
    ? used
    : `${used}, ${counted(sum(({ intruders }) => intruders!), "intruder dimension")}`;
}

/** Shows work on the terminal, and stops it at a signal. */
export class TerminalWatch {
  readonly #words: WordsOf;
  readonly #lines: EventLines | null;
  readonly #controller = new AbortController();
  readonly #checkpoints = new Map<string, number>();
  #status: WorkStatus | null = null;
  #listener: StopListener | null = null;

  /** @param options With `json`, each event is a line of JSON in place of text; see {@linkcode EventLines}. */
  constructor(words: WordsOf, { json = false }: { readonly json?: boolean } = {}) {
    this.#words = words;
    this.#lines = json ? new EventLines() : null;
  }

  /** Does some work while it is shown; from where it begins, signals stop it. */
  async during<T>(work: (watch: Watch) => Promise<T>): Promise<T> {
    try {
      return await work({
        onEvent: (event) => this.#hear(event),
        signal: this.#controller.signal,
        fetching: terminalFetching,
      });
    } finally {
      await clearStatus();
      this.#listener?.dispose();
    }
  }

  #begin({ noun, total, skipped }: Extract<WorkEvent, { kind: "begun" }>): void {
    this.#status = new WorkStatus(noun, total, skipped);
    this.#checkpoints.clear();
    this.#listener ??= listenForStop(
      () => this.#controller.abort(),
      this.#words(() => ({ ...this.#status!.counts, checkpoints: this.#checkpoints })),
    );
  }

  /** Keeps what a signal's words need, then shows the event. */
  async #hear(event: WorkEvent): Promise<void> {
    switch (event.kind) {
      case "begun":
        this.#begin(event);
        break;
      case "step":
        this.#checkpoints.set(event.title, event.progress.checkpointStep);
        break;
      case "stopped":
        this.#checkpoints.delete(event.title);
        break;
      case "done elsewhere":
        this.#status!.doneElsewhere();
        break;
      case "recorded":
      case "paused":
      case "ablated":
      case "measured":
      case "left out":
      case "verified":
        this.#checkpoints.delete(event.title);
        this.#status!.done(event.title);
    }
    if (this.#lines === null) return await this.#show(event);
    const line = this.#lines.lineOf(event, performance.now());
    if (line !== null) await say(line);
  }

  async #show(event: WorkEvent): Promise<void> {
    switch (event.kind) {
      case "step":
        return await this.#status!.report(event.title, runProgress(event.progress));
      case "share": {
        const { title, share } = event;
        const text = `${Math.floor(share * 100)} % of the removals`;
        return await this.#status!.report(title, { share, text });
      }
      case "recorded":
        return await this.#status!.tell(event.title, summaryOf(event.record));
      case "paused": {
        const score = scoreText(event.metric, event.score ?? undefined);
        return await this.#status!.tell(event.title, `${score} after step ${event.step}`);
      }
      case "ablated":
        return await this.#status!.tell(event.title, ablationText(event.ablation));
      case "measured":
        return await this.#status!.tell(event.title, usedText(event.spectra));
      case "left out":
        return await this.#status!.tell(event.title, `left out. ${event.reason}`);
      case "verified": {
        const { verdict, firstBeyond } = event.verification;
        const where = firstBeyond === null ? "" : ` (${differenceText(firstBeyond)})`;
        return await this.#status!.tell(event.title, `${verdict}${where}`);
      }
      case "begun":
      case "stopped":
        return;
    }
    await clearStatus();
    await sayWrapped(eventText(event));
  }
}
