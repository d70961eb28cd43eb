/** Reports and their statistics. */
import { loadTests } from "../load_tests.ts";

await loadTests("report", "analysis", "stats", "record");
