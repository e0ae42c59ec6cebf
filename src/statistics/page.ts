import type { ClassicalStatistic } from "./classical.ts";
import { classicalStatistics } from "./table.ts";

const kinds = { numeric: "numbers", categorical: "categories", both: "numbers and categories" } as const;

const head = `# Drift statistics

Written by \`npm run docs\` from \`src/statistics/\`; a test keeps it current.

\`tidemark stat all --reference A.json --current B.json\` computes these over two JSON arrays of numbers or strings; \`stat NAME\` one of
them, \`--json\` for machines: \`{"ks":{"value":0.04,"pValue":0.95}}\`. A field of a spec may choose one as its breaker's line
([specs](specs.md)), the report shows all of them for its fields, and \`/metrics\` has those that are cheap as
\`tidemark_field_statistic\` (the first 200 fields of a view).

## Conventions

- **p** is the reference, **q** the current sample; n and m are their numbers of values. Nulls are left out (\`nullShift\` counts them).
- **Cells** of numbers are cut at the reference's deciles (linear between neighbours in rank, repeated ones dropped, a value on an edge
  belongs above it, the outer cells open): K = 10, fewer when values repeat. Cells of categories are the values of either sample.
- Where a logarithm or a quotient of shares is taken, a share of 0 counts as 0.0001; the others are not made smaller for it.
- A statistic that is not defined for the data (no spread, one category) is left out of \`all\`; asked for by name it is an error.
- From arrays the values are exact to rounding. From a window's sketches they are too for categories, means, SDs and nulls; for the
  rest a number is known to 1/128 of its distance from the baseline's median: \`ks\` is low by the fullest bucket's share at most,
  \`wasserstein\` off by (E|x − c| + E|y − c|)/128 at most, \`psi\` was within 0.06 in every test.

## Why a fixed cut is right for one window size only

Two samples of the same source differ by luck, and the more so the smaller they are. Undrifted, PSI·nm/(n + m) is close to chi-square
with K − 1 degrees of freedom, so that with 10 cells and a large reference PSI is about 9/m on average (more at 50 rows, where cells
are empty now and then). Of 40,000 simulated windows without any drift:

| rows a window (m) | mean PSI | above 0.1 | above 0.2 | 99.9% lie below |
| ----------------: | -------: | --------: | --------: | --------------: |
|                50 |     0.23 |       86% |       44% |             1.1 |
|               100 |    0.096 |       39% |      3.3% |            0.33 |
|             1,000 |   0.0090 |      none |      none |           0.028 |
|            10,000 |  0.00090 |      none |      none |          0.0028 |
|           100,000 | 0.000090 |      none |      none |         0.00029 |
`;

const tail = `
The cut of 0.2 is loud at 50 rows and blind at 100,000, where 0.0003 is proof of some change. Every distance here has the same trouble,
and p-values have the opposite one: at 100,000 rows they call the smallest difference certain. This is why the breaker asks two
questions, how far and how sure, and why a field's own threshold needs evidence too: the statistic's p-value below 1e-9, or that of
the G-test over its cells (those that expect fewer than 5 rows put together), or of Kolmogorov–Smirnov.
`;

/** docs/statistics.md. */
export function statisticsPage(): string {
  return `${head}${tail}\n${classicalStatistics.map(sectionOf).join("\n")}`;
}

function sectionOf(statistic: ClassicalStatistic): string {
  const { name, title, fits, formula, source, units, range, reading, pValue } = statistic;
  return `## ${name}

${title}. Of ${kinds[fits]}.

- Formula: ${formula}
- Units: ${units}
- Range: ${range}
- p-value: ${pValue ?? "none"}
- Line of a field: ${lineOf(statistic)}
- Source: ${source}

${reading}
`;
}

/** What a spec's `drift` may say of it. */
function lineOf({ compares, pValue, evidence }: ClassicalStatistic): string {
  const sure = { own: "its own p-value", cells: "the G-test", ranks: "Kolmogorov–Smirnov" }[evidence];
  const value = compares === "magnitude" ? "its size, either sign" : "its value";
  return [
    ...(compares === "none" ? [] : [`\`threshold\` on ${value}, evidence by ${sure}`]),
    ...(pValue === undefined ? [] : ["`pValue`"]),
  ].join(", or ");
}
