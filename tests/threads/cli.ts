/** The commands. */
import { loadTests } from "../load_tests.ts";

await loadTests("cli", "end_to_end");
