import { escapeHtml } from "../report/html.ts";
import { code } from "../report/markdown.ts";
import { reportStyle, reportStyleHash } from "../report/report-style.ts";
import type { CanaryResult } from "./canary.ts";
import type { Check } from "./check.ts";
import { nameOf, short } from "./compare.ts";

/** What Argo Rollouts' web metric reads: `jsonPath: "{$.data.ok}"`, `successCondition: result == true`. */
export interface CanaryShape {
  readonly data: {
    readonly ok: boolean;
    readonly kl: number | null;
    readonly n: number;
    readonly threshold: number;
    readonly reason: string;
    readonly verdict: CanaryResult["verdict"];
  };
}

export function shapeOf({ verdict, kl, n, threshold, reasons }: CanaryResult): CanaryShape {
  const reason = reasons[0] ?? "the candidate answers as production does";
  return { data: { ok: verdict === "promote", kl, n, threshold, reason, verdict } };
}

const marks: Readonly<Record<Check["result"], string>> = {
  pass: "✔",
  warn: "▲",
  inconclusive: "?",
  abort: "✖",
};

/** For a terminal and for a pull request. */
export function renderMarkdown(result: CanaryResult): string {
  const { checks, components, n, queries } = result;
  const told = components.filter(({ kl }) => kl !== null);
  const rows = told.map(({ path, kind, n: pairs, kl, example }) =>
    kl === null
      ? ""
      : `| ${code(nameOf({ path, kind }))} | ${pairs} | ${short(kl.value)} | ${short(kl.low)} – ${short(kl.high)} | ${short(kl.raw)} | ${example === null ? "" : `${code(example.production)} → ${code(example.candidate)}`} |`,
  );
  return [
    `# Canary: ${result.verdict}\n`,
    `${n} of ${queries} golden queries answered by both.\n`,
    ...checks.map(
      ({ name, result: outcome, summary }) => `- ${marks[outcome]} **${name}**: ${line(summary)}`,
    ),
    "",
    ...(rows.length === 0
      ? []
      : [
          "| output | pairs | KL | interval | as measured | production → candidate |",
          "| --- | --: | --: | --: | --: | --- |",
          ...rows,
          "",
        ]),
  ].join("\n");
}

const pill: Readonly<Record<Check["result"], string>> = {
  pass: "ok",
  warn: "warning",
  inconclusive: "insufficient",
  abort: "critical",
};
const state: Readonly<Record<CanaryResult["verdict"], string>> = {
  promote: "closed",
  inconclusive: "half-open",
  abort: "open",
};

/** One file that opens to the answer, without a script and without a network. */
export function renderHtml(result: CanaryResult, toolVersion: string): string {
  const { verdict, checks, components, n, queries, reasons, latency } = result;
  const text = (value: string): string => escapeHtml(value);
  const checkRows = checks.map(
    ({ name, result: outcome, summary }) =>
      `<tr><th scope="row">${name}</th><td><span class="pill ${pill[outcome]}">${outcome}</span></td><td>${text(summary)}</td></tr>`,
  );
  const parts = components.map(({ path, kind, n: pairs, kl, example }) => {
    const figures =
      kl === null
        ? ["–", "–", "–"]
        : [short(kl.value), `${short(kl.low)} – ${short(kl.high)}`, short(kl.raw)];
    const shown = example === null ? "" : `${text(example.production)} → ${text(example.candidate)}`;
    return `<tr><th scope="row">${text(nameOf({ path, kind }))}</th><td class="number">${pairs}</td>${figures.map((figure) => `<td class="number">${figure}</td>`).join("")}<td>${shown}</td></tr>`;
  });
  const quantiles =
    latency === null
      ? ""
      : `<section><h2>Latency</h2><table><thead><tr><th></th><th class="number">median</th><th class="number">p95</th><th class="number">p99</th></tr></thead><tbody>${(["production", "candidate"] as const).map((side) => `<tr><th scope="row">${side}</th>${[latency[side].p50, latency[side].p95, latency[side].p99].map((ms) => `<td class="number">${short(ms)} ms</td>`).join("")}</tr>`).join("")}</tbody></table></section>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${reportStyleHash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="tidemark ${text(toolVersion)}">
<title>Canary: ${verdict}</title>
<link rel="icon" href="data:,">
<style>${reportStyle}</style>
</head>
<body>
<main>
<header class="answer ${state[verdict]}"><p>canary of ${queries} golden queries</p><h1>${verdict}</h1>
<p class="story">${text(reasons[0] ?? `The candidate answers as production does: ${n} queries compared.`)}</p></header>
<section><h2>Checks</h2><div class="scroll"><table><thead><tr><th scope="col">check</th><th scope="col">result</th><th scope="col">what was seen</th></tr></thead><tbody>${checkRows.join("")}</tbody></table></div></section>
<section><h2>Outputs</h2><div class="scroll"><table><thead><tr><th scope="col">output</th><th scope="col" class="number">pairs</th><th scope="col" class="number">KL, nats</th><th scope="col" class="number">interval</th><th scope="col" class="number">as measured</th><th scope="col">production → candidate</th></tr></thead><tbody>${parts.join("")}</tbody></table></div>
<p class="soft">KL is without the part that sampling alone would show; the gate is ${result.threshold}.</p></section>
${quantiles}
</main>
</body>
</html>
`;
}

/** What comes from a model must not make Markdown of its own. */
function line(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
