import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { code, fenced, prose, renderMarkdown, table } from "../../src/report/markdown.ts";
import { evil, inputOf } from "./input.ts";

describe("report.md", () => {
  const text = renderMarkdown(inputOf());

  it("says state, when, by what and how much before anything else", () => {
    const [title, story, reason, figures] = text.split("\n\n");
    assert.equal(title, "# reco_user: the breaker opened, and closed again");
    assert.equal(story, "Opened 1970-01-01 00:04:16 UTC, closed 1970-01-01 00:09:00, after 4 min 44 s.");
    assert.equal(reason, "**19.4% of user_location are outside the mapping**");
    assert.match(figures ?? "", /^4 of 12 windows of 1m were critical, with 4,000 rows \(77%\)\. 1 critical/);
    assert.match(
      figures ?? "",
      /5,204 rows read = 5,200 profiled \+ 1 late \+ 2 rejected \+ 1 dead-lettered/,
    );
  });

  it("has what moved, events, segments and alerts, and the command to see it again", () => {
    assert.match(
      text,
      /\| user_location \| critical \| 1970-01-01 00:04:16 \| 99% are .* \| 39\.6 SD \| 4 \|/,
    );
    assert.match(text, /- 1970-01-01 00:04:00: deploy of /);
    assert.match(text, /\| node:a7 \| 4,800 \| stayed closed \| \*\*26 SD\*\* \|/);
    assert.match(text, /\| node:a8 \| 4,800 \| stayed closed \| 0\.1 SD \|/);
    assert.match(text, /\| TidemarkDefaultCase \(critical\) \| user_location \| .* \| `f00d` \|/);
    assert.match(text, /\n```sh\ntidemark replay --spec a\.yaml --input 'b c\.arrow' --out out\n```\n$/);
  });

  it("has whole tables, whatever the values hold", () => {
    const columns = (line: string): number => line.replace(/\\./g, "").split("|").length;
    for (const block of text.split("\n\n").filter((each) => each.startsWith("|"))) {
      const [head = "", ...lines] = block.split("\n");
      for (const line of lines) assert.equal(columns(line), columns(head), line);
    }
    assert.doesNotMatch(text, /(?<!\\)<script|(?<!\\)\]\(|[^\\]`\||@all|#1|:\/\/evil|\u202e/);
  });

  it("says so when nothing moved", () => {
    const { summary } = inputOf();
    const breaker = { ...summary.breaker, openedAt: null, closedAt: null, reasons: [] };
    const calm = renderMarkdown(inputOf({ bad: [0, 0], change: { summary: { ...summary, breaker } } }));
    assert.match(
      calm,
      /^# reco_user: the breaker stayed closed\n\nNothing opened it in 12 windows\.\n\n0 of 12/,
    );
    assert.match(calm, /## What moved\n\n3 of 3 fields stood where they normally stand\.\n/);
  });
});

describe("text in Markdown", () => {
  it("stays text: no markup, no link, no mention, no issue", () => {
    assert.equal(
      prose("user_location _is_ *50%* <b> a|b `c`"),
      "user_location \\_is\\_ \\*50%\\* \\<b\\> a\\|b \\`c\\`",
    );
    assert.equal(prose("@team #12 https://x www.x"), "@\u200bteam \\#\u200b12 https:\u200b//x www\u200b.x");
    assert.equal(prose("a\nb"), "a\\\\u{a}b");
    assert.doesNotMatch(prose(evil), /(?<!\\)[<>`|[\]]/);
  });

  it("ends a block of code only where it ends", () => {
    assert.equal(fenced("a ``` b"), "````sh\na ``` b\n````");
  });

  it("keeps every letter of what is to be copied", () => {
    assert.equal(code("features-0@160"), "`features-0@160`");
    assert.equal(code("a`|b"), "`a'\\|b`");
    assert.equal(prose("s3://models/v4"), "s3://models/v4");
  });

  it("aligns numbers to the right", () => {
    assert.equal(table(["a", "n"], [["x", "1"]], [1]), "| a | n |\n| --- | --: |\n| x | 1 |");
  });
});
