/** What report and dashboard share: colours for light and dark, text, tables, pills, charts. No font or file from elsewhere. */
export const baseStyle = `:root { color-scheme: light dark; --ground: #f4f6f8; --card: #ffffff; --ink: #16202b; --soft: #556372; --line: #dde3ea;
  --ok: #2a7a57; --warning: #8f6000; --critical: #b91c26; --insufficient: #8a96a3; --current: #1a62d6; --baseline: #c3ccd7; --track: #e6ebf0; --event: #6a3fb5; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #0e1319; --card: #161d25; --ink: #e6ebf0; --soft: #9aa7b5; --line: #2a3440;
  --ok: #4fb98a; --warning: #dba928; --critical: #ff7070; --insufficient: #6b7886; --current: #78aefc; --baseline: #3d4a58; --track: #26303b; --event: #c3a2ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1, h2, h3, p, dl, dd { margin: 0; }
a { color: var(--current); }
small, dt, time, .soft { color: var(--soft); }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: color-mix(in srgb, var(--ink) 7%, transparent); border-radius: 4px; overflow-wrap: anywhere; }
code { padding: 1px 5px; } pre { padding: 10px 14px; white-space: pre-wrap; margin: 8px 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 7px 14px 7px 0; border-top: 1px solid var(--line); vertical-align: middle; }
thead th { border-top: 0; font-size: 13px; font-weight: 500; color: var(--soft); white-space: nowrap; }
tbody th { font-weight: 600; } tbody th small { font-weight: 400; display: block; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; position: relative; }
.pill { display: inline-block; border: 1px solid currentColor; border-radius: 99px; padding: 0 9px; font-size: 13px; white-space: nowrap; }
.pill.ok { color: var(--ok); } .pill.warning { color: var(--warning); } .pill.insufficient { color: var(--soft); }
.pill.critical { color: var(--card); background: var(--critical); border-color: var(--critical); font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: 8px 36px; }
.counts dt { font-size: 13px; } .counts dd { font-size: 19px; font-variant-numeric: tabular-nums; } .counts dd.bad { color: var(--critical); font-weight: 600; }
summary { cursor: pointer; color: var(--soft); }
.unseen { position: absolute; clip-path: inset(50%); height: 1px; width: 1px; overflow: hidden; white-space: nowrap; }
:focus-visible { outline: 2px solid var(--current); outline-offset: 2px; }
svg { display: block; max-width: 100%; height: auto; }
.wide svg { width: 100%; } .narrow { display: none; } @media screen and (max-width: 640px) { .wide { display: none; } .narrow { display: block; } }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--soft); }
svg text.unknown, svg text.limit { fill: var(--critical); font-weight: 600; }
.status-ok { fill: var(--ok); } .status-warning { fill: var(--warning); } .status-critical { fill: var(--critical); } .status-insufficient { fill: var(--insufficient); }
path.baseline, rect.baseline { fill: var(--baseline); } path.current { fill: none; stroke: var(--current); stroke-width: 1.5; }
rect.current, circle.current { fill: var(--current); } line.current { stroke: var(--current); } rect.unknown { fill: var(--critical); }
path.shift { fill: none; stroke: var(--ink); stroke-width: 1.4; stroke-linejoin: round; }
line.limit { stroke: var(--critical); stroke-dasharray: 3 2; } .axis { stroke: var(--line); fill: none; }
rect.track { fill: var(--track); } rect.near { fill: var(--ok); } rect.far { fill: var(--critical); }
.mark.open { fill: var(--critical); stroke: var(--critical); } .mark.half-open { fill: var(--warning); stroke: var(--warning); } .mark.closed { fill: var(--ok); stroke: var(--ok); }
line.mark { stroke-width: 1; } .mark.critical { fill: var(--critical); } .mark.warning { fill: var(--warning); }
.span.open { fill: var(--critical); opacity: .1; } .span.half-open { fill: var(--warning); opacity: .14; }
path.event { stroke: var(--event); stroke-dasharray: 1 2; } svg text.event { fill: var(--event); font-weight: 700; } svg text.name { fill: var(--ink); }
path.around { fill: var(--current); opacity: .18; } rect.dot { fill: var(--ink); }
.lane-ok { fill: var(--ok); } .heat-0 { fill: none; } .heat-1, .heat-2, .heat-3, .heat-4, .heat-5 { fill: var(--critical); }
.heat-1 { opacity: .25; } .heat-2 { opacity: .4; } .heat-3 { opacity: .6; } .heat-4 { opacity: .8; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin: 4px 0 0; padding: 0; list-style: none; }
.legend i { display: inline-block; width: 12px; height: 9px; border-radius: 2px; margin-right: 6px; background: var(--insufficient); }
.legend i.ok { background: var(--ok); } .legend i.warning { background: var(--warning); } .legend i.critical, .legend i.unknown { background: var(--critical); }
.legend i.baseline { background: var(--baseline); } .legend i.current { background: var(--current); }
@media (prefers-contrast: more) { :root { --soft: var(--ink); } }
`;

/** What the colours of distributions mean. */
export const distributionLegend =
  '<li><i class="baseline"></i>baseline</li><li><i class="current"></i>this window</li><li><i class="unknown"></i>✕ not in the model’s mapping</li>';
