/** `deno task decide`: from a table to verdicts and a page, in a process with the permissions of the command. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withFolder } from "../with_folder.ts";

const root = new URL("../../", import.meta.url);

/** What the command prints and how it ends. */
async function decided(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "-P=ranklab", "src/cli/main.ts", "decide", ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

const table = [
  "peft_type,seed,eval/accuracy,rank",
  ...[81.2, 80.9, 81.7, 81.4, 81.1].flatMap((ours, i) => [
    `OURS,${i + 1},${ours},8`,
    `LORA,${i + 1},${ours - 3 + 0.1 * i},8`,
  ]),
].join("\n");

const claims = {
  title: "Ours and LoRA",
  claims: [{ name: "ours", says: "better", a: { method: "OURS" }, b: { method: "LORA" } }],
};

Deno.test("decide reads a table by its columns, prints verdicts and writes a page without what is not known", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/runs.csv`, table);
    await Deno.writeTextFile(`${folder}/claims.json`, JSON.stringify(claims));
    const own = ["--columns", "score=eval/accuracy,budget=rank"];
    const files = [
      `${folder}/runs.csv`,
      "--claims",
      `${folder}/claims.json`,
      "--out",
      `${folder}/out`,
    ];
    const { code, out, error } = await decided([...files, ...own, "--json"]);
    assertEquals([code, error], [0, ""]);
    const [verdict, ended] = out.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals([verdict.claim, verdict.answer, verdict.seeds], ["ours", "supported", 5]);
    assertEquals(verdict.stated, { kind: "elsewhere" });
    assertEquals(ended.report, `${folder}/out/report/report.html`);
    const page = await Deno.readTextFile(ended.report);
    for (const title of ["Verdicts", "Seeds that decide", "Where the scores are from"]) {
      assertStringIncludes(page, `<h2>${title}</h2>`);
    }
    for (const title of ["Settings", "Cost", "Ranks", "Reproducibility", "Convergence"]) {
      assert(!page.includes(`<h2>${title}</h2>`), title);
    }
    assertStringIncludes(page, "<h1>Ours and LoRA</h1>");
  });
});

Deno.test("decide says in one line what is wrong with a table, and stops with an error", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/runs.csv`, table.replace("80.9", "eighty"));
    const { code, out, error } = await decided([
      `${folder}/runs.csv`,
      "--columns",
      "score=eval/accuracy",
    ]);
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(
      error,
      `error: Cannot read "${folder}/runs.csv", line 4, column "eval/accuracy": found "eighty", want a number\n`,
    );
  });
});

Deno.test("decide says for programs which rank of LoRA another method is worth", async () => {
  const noise = [0, 0.4, -0.3, 0.2];
  const lines = noise.flatMap((own, i) => [
    `lora,${i + 1},${80 + own},2`,
    `lora,${i + 1},${84 + own},8`,
    `ours,${i + 1},${82 + own + 0.01 * (i % 2)},2`,
  ]);
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/s.csv`, ["method,seed,score,budget", ...lines].join("\n"));
    const { code, out, error } = await decided([`${folder}/s.csv`, "--json", "--no-report"]);
    assertEquals([code, error], [0, ""]);
    const [row, ended] = out.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals([row.kind, row.label, row.tried], ["budget-equivalence", "ours", [2, 8]]);
    assert(row.low < row.needed && row.needed < row.high);
    assertEquals([row.needed.toFixed(1), row.timesOwn.needed.toFixed(1)], ["4.0", "2.0"]);
    assertEquals(ended.kind, "ended");
  });
});
