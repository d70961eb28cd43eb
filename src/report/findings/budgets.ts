/**
 * The answer at each budget in words.
 *
 * @module
 */
import { noBudget } from "../../analysis/run_rows.ts";
import { counted, joined, listed, whole } from "../../base/format.ts";
import type { BudgetResult, Context } from "./context.ts";
import { sentence } from "./finding.ts";

/** Methods and budgets that a sentence lists; of more it says how many. */
const mostMethods = 4;
const mostBudgets = 4;
/** Different answers that a sentence gives; of more only that of the largest budget. */
const mostClauses = 3;

/** Budgets with their preposition, for instance `at rank 2, 4 and 8`; empty for no budget. */
function atBudgets(budgets: readonly string[]): string {
  const named = budgets.filter((budget) => budget !== noBudget);
  if (named.length === 0) return "";
  if (named.length > mostBudgets) return `at all ${whole(named.length)} budgets`;
  const [rank, parameters] = ["rank ", " parameters"];
  if (named.every((name) => name.startsWith(rank))) {
    return `at rank ${joined(named.map((name) => name.slice(rank.length)))}`;
  }
  if (named.every((name) => name.endsWith(parameters))) {
    return `at ${joined(named.map((name) => name.slice(0, -parameters.length)))}${parameters}`;
  }
  return `at ${joined(named)}`;
}

/** `A, B and C`, or of many `the 14 methods`. */
export function methodsText(methods: readonly string[]): string {
  return methods.length <= mostMethods ? joined(methods) : `the ${whole(methods.length)} methods`;
}

const placed = (text: string, budgets: readonly string[]) =>
  [text, atBudgets(budgets)].filter((part) => part !== "").join(" ");

/** What was found at all budgets, in one sentence. */
export function budgetsSentence(found: readonly BudgetResult[], context: Context): string {
  const { labels } = context.grid;
  if (found.every(({ differences, alike }) => differences.length + alike.length === 0)) {
    const isTested = found.some(({ test }) => test === "ranks" || test === "paired");
    const isEarly = found.some(({ test }) => test === "early");
    const all = labels.filter((label) =>
      found.some(({ methods, early }) =>
        methods.includes(label) && !(isTested && early.includes(label))
      )
    );
    const tail = isTested
      ? `no significant difference between ${methodsText(all)} was found`
      : isEarly
      ? `${remedyAt(found)} are needed before ${methodsText(all)} can be compared`
      : `there are too few runs to test the difference between ${methodsText(all)}`;
    const leaders = leadersText(found, context.measure);
    if (leaders === null) return `${sentence(tail)}.`;
    return !isTested && isEarly
      ? `${sentence(tail)}; so far ${leaders}.`
      : `${sentence(leaders, labels)}, but ${tail}.`;
  }
  const groups = [...Map.groupBy(found, (result) => clauseOf(result, context))];
  // The clause of the largest budget is always among those that are said.
  const said = groups.length <= mostClauses ? groups : groups.slice(-1);
  const clauses = said.map(([clause, own]) => {
    const place = atBudgets(own.map(({ budget }) => budget));
    return place === "" ? clause : `${place}, ${clause}`;
  });
  const rest = said.length === groups.length ? "" : "; other budgets differ from this";
  return `${sentence(clauses.join("; "), labels)}${rest}.`;
}

/** What is needed at the first budget without a verdict. */
function remedyAt(found: readonly BudgetResult[]): string {
  return found.find(({ test }) => test === "early")!.remedy.needs;
}

/** Whether all tie, or no best may be named. */
const hasNoLeader = ({ leaders, methods }: BudgetResult): boolean =>
  leaders.length === 0 || leaders.length === methods.length;

/** Who has the best mean at which budget; null where all tie at every budget. */
function leadersText(found: readonly BudgetResult[], measure: string): string | null {
  if (found.every(hasNoLeader)) return null;
  const groups = [...Map.groupBy(found, ({ leaders }) => JSON.stringify(leaders)).values()];
  if (groups.length === 1) {
    const { leaders } = found[0]!;
    const has = leaders.length === 1 ? "has" : "share";
    return placed(
      `${joined(leaders)} ${has} the best ${measure}`,
      found.map(({ budget }) => budget),
    );
  }
  if (found.length > mostBudgets) return leadersText(found.slice(-1), measure);
  const owners = groups.map((own) => {
    const { leaders } = own[0]!;
    const whose = leaders.length === 1 ? `${leaders[0]}’s` : `shared by ${joined(leaders)}`;
    return placed(whose, own.map(({ budget }) => budget));
  });
  return `the best ${measure} is ${joined(owners)}`;
}

/** Which pairs differ, of a few by name. */
function pairsText({ differences, methods }: BudgetResult): string {
  if (differences.length <= 2) {
    return joined(
      [...Map.groupBy(differences, ({ better }) => better)].map(([better, own]) =>
        `${better} is significantly better than ${joined(own.map(({ worse }) => worse))}`
      ),
    );
  }
  const pairs = methods.length * (methods.length - 1) / 2;
  return `${whole(differences.length)} of ${
    counted(pairs, "pair")
  } of methods differ significantly`;
}

/** What was found at one budget, without naming it. */
function clauseOf(result: BudgetResult, { measure, baseline }: Context): string {
  const { leaders, methods, differences, test, early, alike, remedy } = result;
  if (differences.length === 0) {
    const best = hasNoLeader(result) ? "" : ` (best ${measure}: ${joined(leaders)})`;
    if (alike.length > 0) {
      const all = alike.length === methods.length - 1;
      return `${methodsText(alike)} ${
        alike.length === 1 ? "is" : "are"
      } equivalent to ${baseline}` +
        (all ? "" : `; otherwise no significant difference was found`) + best;
    }
    return test === "early"
      ? `${remedy.needs} are needed for a verdict${best}`
      : test === "none"
      ? `there are too few runs to test the difference${best}`
      : `no significant difference was found${best}`;
  }
  if (leaders.length === 0) return pairsText(result);
  const [leader, ...tied] = leaders as [string, ...string[]];
  if (tied.length > 0) {
    return `${joined(leaders)} share the best ${measure}, and ${pairsText(result)}`;
  }
  if (early.includes(leader)) {
    return `${leader} needs ${remedy.needs} and has the best ${measure} so far; ${
      pairsText(result)
    }`;
  }
  const others = methods.filter((label) => label !== leader && !early.includes(label));
  const beaten = others.filter((label) =>
    differences.some(({ better, worse }) => better === leader && worse === label)
  );
  if (beaten.length === others.length) {
    const all = others.length > mostMethods
      ? `all ${whole(others.length)} other methods`
      : joined(others);
    return `${leader} is significantly better than ${all}`;
  }
  const lead = `${leader} has the best ${measure}`;
  if (beaten.length === 0) {
    return `${lead} but is not significantly better than any other method; ${pairsText(result)}`;
  }
  // Paired tests compare with the baseline alone.
  const rest = test === "paired" && leader !== baseline
    ? []
    : others.filter((label) => !beaten.includes(label));
  return `${lead}, significantly better than ${listed(beaten)}` +
    (rest.length === 0 ? "" : ` but not than ${listed(rest, "or")}`);
}
