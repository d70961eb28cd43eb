/** A thread that answers in each way in which one can fail. */
import { answerThread } from "../../src/base/ask_thread.ts";
import { UsageError } from "../../src/base/input_error.ts";

/** What it is asked to do. */
export type Deed =
  | "answer"
  | "say"
  | "what was told"
  | "throw"
  | "throw a usage error"
  | "throw a number"
  | "post a function"
  | "throw later"
  | "close"
  | "exit"
  | "wait";

let told = "nothing";

/** Where it stays once it has answered for the last time, or does not answer. */
const never = new Promise(() => {});

const deeds: Readonly<Record<Deed, (say: (said: unknown) => void) => unknown>> = {
  "answer": () => "answer",
  "say": (say) => {
    say("first");
    say("second");
  },
  "what was told": () => told,
  "throw": () => {
    throw new RangeError("out of range");
  },
  "throw a usage error": () => {
    throw new UsageError("not like this");
  },
  "throw a number": () => {
    throw 7;
  },
  "post a function": () => () => {},
  "throw later": () => {
    queueMicrotask(() => {
      throw new TypeError("nobody catches this");
    });
    return never;
  },
  "close": () => {
    self.close();
    return never;
  },
  "exit": () => Deno.exit(0),
  "wait": () => never,
};

answerThread((deed: Deed, say) => deeds[deed](say), (said: string) => told = said);
