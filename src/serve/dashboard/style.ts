import { baseStyle } from "../../report/style.ts";

export const style = `${baseStyle}
body > header, main { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
body > header { display: flex; flex-wrap: wrap; align-items: flex-end; justify-content: space-between; gap: 8px 24px; padding-top: 20px; }
h1 { font-size: 24px; letter-spacing: -.01em; } header p { color: var(--soft); }
header nav { display: flex; align-items: center; gap: 14px; }
#live.on { color: var(--ok); } #live.off { color: var(--critical); }
h3 { font-size: 14px; font-weight: 600; margin: 22px 0 6px; } h3 small { font-weight: 400; margin-left: 6px; }
.view { background: var(--card); border: 1px solid var(--line); border-radius: 14px; margin: 18px 0; padding: 0 24px 20px; overflow: hidden; }
.top { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-start; gap: 10px 32px; margin: 0 -24px 18px; padding: 18px 24px; border-bottom: 1px solid var(--line); border-left: 8px solid var(--ok); }
.top > :first-child { flex: 1 1 420px; }
.top.open { border-left-color: var(--critical); background: color-mix(in srgb, var(--critical) 10%, var(--card)); }
.top.half-open { border-left-color: var(--warning); background: color-mix(in srgb, var(--warning) 10%, var(--card)); }
.top.open .soft, .top.open small, .top.open time, .top.half-open time, .top.half-open small { color: var(--ink); }
h2 { font-size: 21px; letter-spacing: -.01em; } h2 small { font-weight: 400; font-size: 14px; margin-left: 4px; }
.reason { margin-top: 3px; font-size: 16px; } .top details { margin-top: 4px; font-size: 14px; } .top details ul { margin: 4px 0 0; padding-left: 18px; } .top summary { color: var(--ink); }
.breaker { text-align: right; } .breaker p:first-child { font-size: 20px; display: flex; align-items: center; justify-content: flex-end; gap: 9px; } .breaker p + p { font-size: 13px; }
.open .breaker strong { color: var(--critical); } .half-open .breaker strong { color: var(--warning); } .closed .breaker strong { color: var(--ok); }
.top.open a, .top.half-open a { color: var(--ink); }
.lamp { flex: none; display: inline-block; width: .75em; height: .75em; border-radius: 50%; background: var(--ok); }
.open .lamp { background: var(--critical); } .half-open .lamp { background: var(--warning); }
.top.open .lamp { box-shadow: 0 0 0 4px color-mix(in srgb, var(--critical) 25%, transparent); }
.models { font-size: 14px !important; } .counts dd time { color: inherit; }
.segments ul, .overview ul, .troubles ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; }
.segments li, .overview li { border: 1px solid var(--line); border-radius: 99px; padding: 1px 11px; font-size: 13px; display: flex; align-items: center; gap: 6px; }
.overview { margin-top: 16px; } .overview li { background: var(--card); font-size: 14px; padding: 3px 13px; }
.rollouts ul { margin: 0; padding-left: 1.2em; } .rollouts li { overflow-wrap: anywhere; }
.troubles { border: 1px solid var(--warning); border-left-width: 8px; border-radius: 12px; padding: 12px 18px; margin: 18px 0; background: var(--card); } .troubles h2 { font-size: 16px; } .troubles ul { display: block; }
.calm { color: var(--ok); margin-top: 18px; }
.alerts th { white-space: nowrap; } .alerts td:last-child { white-space: nowrap; text-align: right; padding-right: 0; font-size: 13px; } .alerts thead th:last-child { text-align: right; padding-right: 0; }
.alerts tbody tr { box-shadow: inset 3px 0 var(--critical); } .alerts tbody tr.warning { box-shadow: inset 3px 0 var(--warning); } .alerts tbody th { padding-left: 12px; font-size: 14px; } .alerts thead th:first-child { padding-left: 12px; }
.example { color: var(--soft); white-space: normal; }
.heading { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-end; gap: 4px 24px; margin-bottom: 4px; }
.fields td:last-child { padding-right: 0; width: 270px; } .fields td small { display: block; max-width: 300px; }
.shift { display: flex; align-items: center; gap: 8px; white-space: nowrap; font-variant-numeric: tabular-nums; } .shift span { min-width: 62px; }
small.bad { color: var(--critical); font-weight: 600; }
.strip + p { margin-top: 6px; }
@media (max-width: 700px) { .breaker { text-align: left; } .breaker p:first-child { justify-content: flex-start; } .view { padding: 0 14px 14px; border-radius: 0; margin-left: -20px; margin-right: -20px; } .top { margin: 0 -14px 14px; padding: 14px; } }
`;
