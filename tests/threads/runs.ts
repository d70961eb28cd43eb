/** What a study does. */
import { loadTests } from "../load_tests.ts";

await loadTests("runs");
