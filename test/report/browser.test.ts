import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { tidemark } from "../cli/command.ts";
import { launchChromium } from "../services/services.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe("report.html in a browser", () => {
  it("asks nobody for anything, and axe finds no serious issue in light and dark", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "tidemark-report-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const { code, stderr } = await tidemark([
      ...["replay", "--spec", "feature-specs/reco_user.yaml"],
      ...["--baseline", "feature-specs/reco_user.baseline.json"],
      ...["--input", "replay-data/tensor-collapse/incident.arrow", "--out", dir],
    ]);
    assert.equal(code, 0, stderr);
    const browser = await launchChromium(t);
    const url = pathToFileURL(join(dir, "report.html")).href;
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1200, height: 900 } });
      const [requests, errors]: [string[], string[]] = [[], []];
      page.on("request", (request) => void requests.push(request.url()));
      page.on("pageerror", (error) => void errors.push(error.message));
      await page.goto(url);
      assert.deepEqual(
        requests.filter((each) => each !== url && !each.startsWith("data:")),
        [],
      );
      assert.deepEqual(errors, []);
      assert.match((await page.locator("h1").textContent()) ?? "", /opened/);
      const serious = (await page.evaluate(
        `${axe}; axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => id + " " + nodes[0].html.slice(0, 200)))`,
      )) as string[];
      assert.deepEqual(serious, [], colorScheme);
      await page.close();
    }
  });
});
