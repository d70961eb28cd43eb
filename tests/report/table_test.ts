import { assertEquals, assertStringIncludes } from "@std/assert";
import { csvOf } from "../../src/report/csv.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { number, reportTable, text } from "../../src/report/table.ts";

const rows = [{ name: "a", score: 0.5 }, { name: "b", score: 0.25, sd: 0.125 }];
const about = { id: "t", title: "T", note: "A note." };

Deno.test("a table shows its columns, and its CSV has the fields of its rows, empty where a row lacks one", () => {
  const table = reportTable(rows, {
    ...about,
    columns: [text("who", ({ name }) => name), null, number("%", ({ score }) => `${100 * score}`)],
  });
  assertEquals(csvOf(table), "name,score,sd\na,0.5,\nb,0.25,0.125\n");
  assertStringIncludes(markdownOf(table), "| who | % |\n| --- | ---: |\n| a | 50 |\n| b | 25 |");
});

Deno.test("a table says where its CSV has other fields, or another order", () => {
  const csv = ({ name, score }: typeof rows[number]) => ({ percent: 100 * score, name });
  const table = reportTable(rows, { ...about, csv, columns: [] });
  assertEquals(csvOf(table), "percent,name\n50,a\n25,b\n");
});
