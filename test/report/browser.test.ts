import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { renderReport } from "../../src/report/report.ts";
import { tidemark } from "../cli/command.ts";
import { fieldSpec } from "../judge/samples.ts";
import { launchChromium } from "../services/services.ts";
import { evil, inputOf, location } from "./input.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const dir = mkdtempSync(join(tmpdir(), "tidemark-report-"));
const incident = pathToFileURL(join(dir, "out", "report.html")).href;
/** A day, under names and with values that no page should believe. */
const hostile = pathToFileURL(join(dir, "hostile.html")).href;

before(async () => {
  const { code, stderr } = await tidemark([
    ...["replay", "--spec", "feature-specs/reco_user.yaml"],
    ...["--baseline", "feature-specs/reco_user.baseline.json"],
    ...["--input", "replay-data/tensor-collapse/incident.arrow", "--out", join(dir, "out")],
    ...["--event", `2026-03-03T04:14Z=deploy of ${evil}`],
  ]);
  assert.equal(code, 0, stderr);
  const others = Array.from({ length: 14 }, (_, at) =>
    fieldSpec(`${at} ${evil.repeat(1 + (at % 3))}`, at % 5 === 0 ? "string" : "float64"),
  );
  const input = inputOf({ fields: [location, ...others], windows: 800, bad: [300, 400] });
  writeFileSync(join(dir, "hostile.html"), renderReport(input));
});
after(() => rmSync(dir, { recursive: true }));

/** A page that must ask nobody for anything and complain of nothing. */
async function open(t: TestContext, browser: Browser, url: string, options: object = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options });
  const [requests, errors]: [string[], string[]] = [[], []];
  page.on("request", (request) => void requests.push(request.url()));
  page.on("pageerror", (error) => void errors.push(error.message));
  page.on("console", (message) => void errors.push(message.text()));
  page.on("dialog", (dialog) => void errors.push(`dialog ${dialog.message()}`));
  t.after(() => {
    assert.deepEqual(
      requests.filter((each) => each !== url && !each.startsWith("data:") && !each.startsWith(`${url}#`)),
      [],
    );
    assert.deepEqual(errors, []);
  });
  await page.goto(url);
  return page;
}

const seriousOf = (page: Page): Promise<unknown> =>
  page.evaluate(
    `${axe}; axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => id + " " + nodes[0].html.slice(0, 200)))`,
  );

describe("report.html in a browser", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    it(`asks nobody for anything, and axe finds no serious issue in ${colorScheme}`, async (t) => {
      const browser = await launchChromium(t);
      for (const url of colorScheme === "light" ? [incident, hostile] : [incident]) {
        const page = await open(t, browser, url, { colorScheme });
        assert.match((await page.locator("h1").textContent()) ?? "", /opened/);
        assert.deepEqual(await seriousOf(page), []);
      }
    });
  }

  it("shows the answer on the first screen: state, when, what moved first, by how much", async (t) => {
    const browser = await launchChromium(t);
    const page = await open(t, browser, incident, { viewport: { width: 1280, height: 800 } });
    for (const text of ["The breaker opened", "Opened Tue 3 Mar 04:17:16", "39.9 SD", "United States"]) {
      const box = await page.getByText(text).first().boundingBox();
      assert.ok(box !== null && box.y + box.height <= 800, `${text}: ${JSON.stringify(box)}`);
    }
    const first = page.locator("#moved tbody th").first();
    assert.equal(await first.textContent(), "user_location");
  });

  it("is never wider than its page, on a telephone or on paper, and cuts nothing off", async (t) => {
    const browser = await launchChromium(t);
    for (const url of [incident, hostile]) {
      for (const [width, media] of [
        [360, "screen"],
        [1200, "screen"],
        [700, "print"], // A4 less its margins
      ] as const) {
        const page = await open(t, browser, url, { viewport: { width, height: 900 } });
        await page.emulateMedia({ media });
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(wide <= width, `${media} ${width}: ${wide} wide`);
        if (media === "screen") continue;
        const cut = await page.evaluate(
          `[...document.querySelectorAll("main *")].filter((each) => each.checkVisibility() && !each.closest("svg") && (each.getBoundingClientRect().right > ${width} || (getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1 && !each.matches(".unseen")))).map((each) => each.outerHTML.slice(0, 120))`,
        );
        assert.deepEqual(cut, []);
      }
    }
  });

  it("prints on white, whatever the screen is like, with open alerts and without what only a screen needs", async (t) => {
    const browser = await launchChromium(t);
    const page = await open(t, browser, incident, { colorScheme: "dark" });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const colours = await page.evaluate(
      `["html", "body", "main", ".answer", "section", "h1", "td"].map((each) => getComputedStyle(document.querySelector(each))).map(({ color, backgroundColor }) => [color, backgroundColor])`,
    );
    for (const [ink, ground] of colours as [string, string][]) {
      assert.ok(lightness(ink) < 0.5, `ink ${ink}`);
      assert.ok(ground.endsWith(", 0)") || lightness(ground) > 0.9, `ground ${ground}`);
    }
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.equal(await page.locator("#alerts tbody tr").first().isVisible(), true);
    const pdf = await page.pdf({ format: "A4" });
    const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(pages >= 4 && pages <= 12, `${pages} pages for 22 fields`);
  });

  it("is reached by the keyboard alone, every part of it, and shows where one is", async (t) => {
    const browser = await launchChromium(t);
    const page = await open(t, browser, incident);
    const all = await page.evaluate<number>(
      `[...document.querySelectorAll("a[href], summary, [tabindex='0']")].filter((each) => each.checkVisibility({ contentVisibilityAuto: true })).length`,
    );
    const seen = new Set<string>();
    for (let step = 0; step < all; step++) {
      await page.keyboard.press("Tab");
      const [where, ring] = await page.evaluate<[string, string]>(
        `[String([...document.querySelectorAll("*")].indexOf(document.activeElement)), getComputedStyle(document.activeElement).outlineStyle]`,
      );
      assert.equal(ring, "solid", await page.evaluate("document.activeElement.outerHTML.slice(0, 100)"));
      seen.add(where);
    }
    assert.equal(seen.size, all);
    await page.locator("summary", { hasText: "numbers" }).first().focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.getByRole("region", { name: "numbers of user_location" }).isVisible(), true);
    await page.keyboard.press("Tab");
    const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')");
    assert.equal(focused, "numbers of user_location");
  });
});

/** Of `rgb(r, g, b)`, 0 to 1. */
function lightness(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return (r + g + b) / 3 / 255;
}
