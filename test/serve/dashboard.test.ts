import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import type { ViewStatus } from "../../src/pipeline/board.ts";
import { profileOf } from "../judge/profiles.ts";
import { breach, featureView, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { movedOf } from "../pipeline/outcomes.ts";
import { evil, location } from "../report/input.ts";
import { launchChromium } from "../services/services.ts";
import { fakeBoard, openBreaker, serve, statusOf } from "./support.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Opened, closed again and open, under names and with values that no page should believe. */
function troubled(): ViewStatus {
  const view = featureView([location, { ...location, name: evil }], { name: evil, owner: evil });
  const recent = Array.from({ length: 40 }, (_, at) =>
    judgedMinute(
      at,
      view.fields.map(({ name: field }) =>
        at % 20 > 15
          ? breach({ field, statistic: "default_rate", shift: 39, summary: `99% are ${evil}` })
          : verdict({ field, shift: 0.3 }),
      ),
    ),
  );
  const history = (["open", "half-open", "closed", "open"] as const).map((to, at) => ({
    ...{ time: (16 + at * 6) * minute, from: "closed" as const, to, reasons: [], rows: 100 },
  }));
  const profile = profileOf(location, ["US", evil, evil]);
  const fields = new Map(view.fields.map(({ name }) => [name, profile]));
  const reasons = [0, 1].map(() => ({
    field: evil,
    statistic: "default_rate" as const,
    summary: `99% are ${evil}`,
  }));
  const breaker = openBreaker({ featureView: evil, history, reasons });
  return statusOf(view, { recent, breaker, fields, baselineFields: fields, latest: recent.at(-1) });
}

describe("the dashboard in a browser", () => {
  it("asks only its own server, is as wide as its page, and axe finds no serious issue", async (t) => {
    const { url } = await serve(t, fakeBoard([troubled(), statusOf(featureView([location]))]));
    const browser = await launchChromium(t);
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 1280],
      ["light", 360],
    ] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      const [requests, errors]: [string[], string[]] = [[], []];
      page.on("request", (request) => void requests.push(request.url()));
      page.on("pageerror", (error) => void errors.push(error.message));
      page.on("console", (message) => void errors.push(message.text()));
      page.on("dialog", (dialog) => void errors.push(dialog.message()));
      await page.goto(url.href);
      const serious = await page.evaluate(
        `${axe}; axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => id + " " + nodes[0].html.slice(0, 200)))`,
      );
      assert.deepEqual(serious, [], `${colorScheme} ${width}`);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${width}: ${wide} wide`);
      assert.deepEqual(
        requests.filter((each) => !each.startsWith(url.href) && !each.startsWith("data:")),
        [],
      );
      assert.deepEqual(errors, []);
      await page.close();
    }
  });

  it("shows what has changed without being loaded again, and keeps what was unfolded", async (t) => {
    const board = fakeBoard([troubled()]);
    const { url } = await serve(t, board);
    const browser = await launchChromium(t);
    const page = await browser.newPage();
    await page.goto(url.href);
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator("summary").first().click();
    const breaker = { ...troubled().breaker, state: "half-open" as const };
    board.says.views = [{ ...troubled(), breaker }];
    board.emit(movedOf("open", "half-open", minute));
    await page.locator(".top.half-open").waitFor();
    assert.equal(await page.locator("details").first().getAttribute("open"), "");
  });
});
