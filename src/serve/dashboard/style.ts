export const style = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --ink: #17202b; --soft: #586575; --line: #dde3ea;
  --ok: #2e7d5b; --warning: #9a6700; --critical: #c0262d; --insufficient: #8a96a3; --current: #1f6feb; --baseline: #c5ced8; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f141a; --card: #171e26; --ink: #e6ebf0; --soft: #9aa7b5; --line: #2a3440;
  --ok: #4fb98a; --warning: #d9a520; --critical: #ff6b6b; --insufficient: #6b7886; --current: #6ea8fe; --baseline: #3a4653; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
header, main { max-width: 1160px; margin: 0 auto; padding: 0 20px; }
header { display: flex; align-items: baseline; gap: 16px; padding-top: 18px; }
h1 { font-size: 22px; letter-spacing: .02em; margin: 0; }
header p, small, dt, .strip p, time { color: var(--soft); }
a { color: var(--current); }
.view { background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin: 16px 0; padding: 0 20px 16px; overflow: hidden; }
.top { display: flex; justify-content: space-between; align-items: center; gap: 20px; margin: 0 -20px; padding: 14px 20px; border-bottom: 1px solid var(--line); border-left: 6px solid var(--ok); }
.top.open { border-left-color: var(--critical); background: color-mix(in srgb, var(--critical) 9%, transparent); }
.top.half-open { border-left-color: var(--warning); }
h2 { margin: 0; font-size: 19px; } h2 small { font-weight: 400; font-size: 14px; }
.reason { margin: 2px 0 0; }
.breaker { font-size: 17px; white-space: nowrap; display: flex; align-items: center; gap: 8px; }
.lamp { width: 14px; height: 14px; border-radius: 50%; background: var(--ok); }
.open .lamp { background: var(--critical); } .half-open .lamp { background: var(--warning); }
.open .breaker strong { color: var(--critical); }
.counts { display: flex; flex-wrap: wrap; gap: 6px 34px; margin: 14px 0; }
.counts div { min-width: 60px; } dt { font-size: 13px; } dd { margin: 0; font-size: 17px; font-variant-numeric: tabular-nums; }
.strip svg { width: 100%; height: 18px; border-radius: 4px; } .strip p { margin: 2px 0 10px; font-size: 13px; }
.status-ok { fill: var(--ok); } .status-warning { fill: var(--warning); } .status-critical { fill: var(--critical); } .status-insufficient { fill: var(--insufficient); }
.pill { border: 1px solid currentColor; border-radius: 99px; padding: 1px 9px; font-size: 13px; }
.pill.status-ok { color: var(--ok); } .pill.status-warning { color: var(--warning); } .pill.status-critical { color: var(--critical); font-weight: 600; } .pill.status-insufficient { color: var(--soft); }
.alerts { list-style: none; margin: 0 0 12px; padding: 0; } .alerts li { border-left: 3px solid var(--critical); padding: 3px 10px; margin: 4px 0; }
.alerts li.warning { border-left-color: var(--warning); } .alerts time { float: right; font-size: 13px; }
.calm { color: var(--ok); margin: 0 0 10px; }
code { background: color-mix(in srgb, var(--ink) 8%, transparent); border-radius: 4px; padding: 0 5px; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 6px 10px 6px 0; border-top: 1px solid var(--line); vertical-align: middle; }
thead th { border-top: 0; font-size: 13px; font-weight: 500; color: var(--soft); } tbody th { font-weight: 500; white-space: nowrap; } tbody th small { font-weight: 400; }
.bar { white-space: nowrap; font-variant-numeric: tabular-nums; } meter { width: 90px; height: 12px; }
svg { display: block; } svg text { font: 10px system-ui, sans-serif; fill: var(--soft); } svg text.unknown { fill: var(--critical); font-weight: 600; }
path.baseline, rect.baseline { fill: var(--baseline); } path.current { fill: none; stroke: var(--current); stroke-width: 1.5; } rect.current { fill: var(--current); } rect.unknown { fill: var(--critical); }
path.shift { fill: none; stroke: var(--ink); stroke-width: 1.2; } line.limit { stroke: var(--critical); stroke-dasharray: 3 3; }
.troubles { border: 1px solid var(--warning); border-radius: 12px; padding: 4px 16px; margin: 16px 0; } .troubles ul { list-style: none; padding: 0; margin: 6px 0; }
.unseen { position: absolute; clip-path: inset(50%); height: 1px; width: 1px; overflow: hidden; }
`;
