import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { requireTool, tools } from "../services/tools.ts";

const root = join(import.meta.dirname, "../..");
const rulesFile = join(root, "deploy/prometheus/tidemark.rules.yaml");
const testFile = join(import.meta.dirname, "tidemark.rules.test.yaml");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}
const rules = (parse(readFileSync(rulesFile, "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const headings = [...read("docs/runbook.md").matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? "");
/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

/** The members of a union of string literals, read off the source. */
function unionOf(path: string, name: string): string[] {
  const body = new RegExp(`export type ${name} =([^;]+);`).exec(read(path))?.[1] ?? "";
  return [...body.matchAll(/"([^"]+)"/g)].map(([, member]) => member ?? "");
}

describe("the rules for Prometheus", () => {
  it("are rules, and fire when they should, says promtool", () => {
    const promtool = requireTool(tools.promtool);
    execFileSync(promtool, ["check", "rules", rulesFile], { encoding: "utf8" });
    const said = execFileSync(promtool, ["test", "rules", testFile], { encoding: "utf8" });
    assert.match(said, /SUCCESS/);
  });

  it("are each tested both ways", () => {
    const { tests } = parse(readFileSync(testFile, "utf8")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[];
    };
    const cases = tests.flatMap((test) => test.alert_rule_test);
    for (const { alert } of rules) {
      const own = cases.filter(({ alertname }) => alertname === alert);
      assert.ok(
        own.some(({ exp_alerts: expected = [] }) => expected.length > 0),
        `${alert} is seen to fire`,
      );
      assert.ok(
        own.some(({ exp_alerts: expected = [] }) => expected.length === 0),
        `${alert} is seen silent`,
      );
    }
  });

  it("lead to a heading of the runbook", () => {
    const anchors = headings.map(anchorOf);
    for (const { alert, annotations } of rules) {
      const [page, anchor = ""] = (annotations["runbook_url"] ?? "").split("#");
      assert.equal(page, "docs/runbook.md", alert);
      assert.equal(anchor, alert.toLowerCase());
      assert.ok(anchors.includes(anchor), `${anchor} is no heading`);
    }
  });

  it("read metrics that tidemark exports", () => {
    const faces = globSync("src/serve/**/*.ts", { cwd: root });
    const exported = new Set(faces.flatMap((path) => read(path).match(/\btidemark_\w+/g) ?? []));
    const used = new Set(rules.flatMap(({ expr }) => expr.match(/tidemark_\w+/g) ?? []));
    const missing = [...used].filter((metric) => !exported.has(metric.replace(/_bucket$/, "")));
    assert.deepEqual(missing, []);
  });
});

describe("the runbook", () => {
  it("has a heading for each alert and each fault code, and no other", () => {
    const wanted = [
      ...unionOf("src/model/verdict.ts", "AlertName"),
      ...rules.map(({ alert }) => alert),
      ...unionOf("src/model/fault.ts", "FaultCode"),
    ];
    assert.ok(wanted.length > 30);
    assert.deepEqual(headings.toSorted(), wanted.toSorted());
  });

  it("says of each reason that /health can give what to do, and of no other", () => {
    const [, section = ""] = /^## What \/health says\n([\s\S]*?)^## /m.exec(read("docs/runbook.md")) ?? [];
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    const told = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text),
    );
    const sources = globSync("src/**/*.ts", { cwd: root }).map(read);
    // trouble("store", …), onTrouble(`sink.${name}`, …), and the names that are handed on
    const named = sources.flatMap((text) =>
      [...text.matchAll(/\b(?:on)?[tT]rouble\(\s*["`]([a-z.]+)/g)].map(([, name = ""]) => name),
    );
    const kinds = new Set([...named, "backlog", "prometheus.", "alertmanager ", "webhook "]);
    assert.ok(kinds.size > 12, [...kinds].join());
    const reasons = [...read("src/serve/health.ts").matchAll(/(?:push\(|dead = .*?\[)\s*["`]([^$"`]+)/g)].map(
      ([, text = ""]) => text.trim(),
    );
    assert.ok(reasons.length >= 6, reasons.join());
    for (const name of [...kinds, ...reasons])
      assert.ok(
        told.some((text) => text.startsWith(name.trim())),
        `"${name}" is in no row`,
      );
    const known = [...kinds, ...reasons].map((name) => name.trim());
    for (const text of told)
      assert.ok(
        /^(?:judge|follower)$/.test(text) ||
          known.some((name) => text.startsWith(name) || name.startsWith(text)),
        `"${text}" is no reason`,
      );
  });

  it("has no link to a heading that is not there", () => {
    const anchors = [...headings, "What /health says"].map(anchorOf);
    for (const [, anchor = ""] of read("docs/runbook.md").matchAll(/\]\(#([^)]+)\)/g))
      assert.ok(anchors.includes(anchor), `#${anchor}`);
  });
});
