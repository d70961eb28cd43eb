/** The section of `docs/extending.md`, run from the page. */
import { assertEquals } from "@std/assert";
import { analyse } from "../../src/analysis/analysis.ts";
import type { Section } from "../../src/report/section.ts";
import { cellsOf } from "../../src/report/table.ts";
import { scoredStudy } from "../analysis/scored_study.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("the section of docs/extending.md has a row a cell", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/extending.md", import.meta.url));
  const [, program = ""] = /^```ts ignore\n([^`]*spreadOverSeeds[\s\S]*?)^```$/m
    .exec(page) ?? [];
  await withFolder(async (home) => {
    const file = `${home}/spread_over_seeds.ts`;
    const report = new URL("../../src/report/", import.meta.url).href;
    await Deno.writeTextFile(file, program.replaceAll('"../', `"${report}`));
    const { spreadOverSeeds } = await import(`file://${file}`) as { spreadOverSeeds: Section };
    const [block] = spreadOverSeeds.blocks.flat();
    const study = analyse(
      scoredStudy({ labels: ["lora"], score: ({ seed }) => 0.5 + 0.01 * seed }),
    );
    const table = block?.kind === "table" ? block.of(study, {})! : null;
    assertEquals(cellsOf(table!), [["t", "lora", "rank 4", "3", "1.00"]]);
  });
});
