import { baseStyle } from "./style.ts";

export const reportStyle = `${baseStyle}
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 60px; }
section, .answer { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 20px 26px; margin: 0 0 18px; scroll-margin-top: 10px; }
.answer { border-left: 8px solid var(--ok); } .answer.open { border-left-color: var(--critical); } .answer.half-open, .answer.again { border-left-color: var(--warning); }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 12px; top: 8px; padding: 6px 10px; background: var(--card); z-index: 1; }
h1 { font-size: 30px; letter-spacing: -.02em; line-height: 1.2; margin: 4px 0; } .open h1 { color: var(--critical); } .closed h1 { color: var(--ok); }
h2 { font-size: 17px; margin-bottom: 10px; } h3 { font-size: 15px; margin: 16px 0 6px; overflow-wrap: anywhere; } h2 + h3 { margin-top: 0; } h3 small { font-weight: 400; margin: 0 6px; }
.story { font-size: 17px; overflow-wrap: anywhere; } .story time { color: inherit; } .answer .wide, .answer .narrow { margin-top: 14px; } .calm { color: var(--ok); }
.answer .counts { margin-top: 14px; gap: 6px 30px; } .answer .counts dd { font-size: 17px; }
.answer nav { display: flex; flex-wrap: wrap; gap: 2px 18px; margin-top: 12px; padding-top: 10px; border-top: 1px solid var(--line); font-size: 14px; }
figure svg { width: 100%; }
td time, td.number { white-space: nowrap; } td.seen { overflow-wrap: anywhere; min-width: 170px; }
td.shift svg, td.compared svg { margin-top: 2px; } td.shift svg { margin-left: auto; } td.compared b { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.compared.critical b { color: var(--critical); } td.compared.warning b { color: var(--warning); } td.compared small { display: block; }
.scroll + .scroll { margin-top: 14px; } .cards tbody th { min-width: 166px; } .alerts td:nth-child(2) { min-width: 138px; } .alerts td:nth-child(4) small { display: block; } tr.all { background: color-mix(in srgb, var(--ink) 4%, transparent); }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 14px; margin: 4px 0 0; padding: 0; }
article { border-top: 1px solid var(--line); padding: 16px 0 14px; scroll-margin-top: 10px; } article:target { background: color-mix(in srgb, var(--current) 6%, transparent); } article h3 { margin-top: 0; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 12px 26px; margin: 10px 0 6px; align-items: start; }
figure { margin: 0; min-width: 0; } figcaption { font-size: 13px; font-weight: 600; margin-bottom: 4px; } figcaption small { font-weight: 400; }
.well { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 0 26px; } .well .multiples { grid-template-columns: minmax(0, 1fr); }
details table { max-width: 520px; margin-top: 6px; } details .scroll table { max-width: none; }
.quality td { vertical-align: top; white-space: normal !important; max-width: 170px; overflow-wrap: anywhere; } .quality thead th { white-space: normal; }
.made div { display: flex; gap: 14px; } .made dt { flex: none; width: 70px; } .made dd { overflow-wrap: anywhere; min-width: 0; } .made + details { margin: 10px 0; }
.legend i.open { background: var(--critical); opacity: .25; } .legend i.half-open { background: var(--warning); opacity: .35; }
.legend i.heat-0 { background: var(--track); } .legend i[class^="heat-"]:not(.heat-0) { background: var(--critical); }
@media (max-width: 640px) {
  main { padding: 10px 8px 40px; } section, .answer { padding: 14px 14px; border-radius: 10px; } h1 { font-size: 25px; }
  .scroll table { min-width: 620px; } details .scroll table, .scroll table.cards { min-width: 0; } table.cards, .cards tbody { display: block; }
  .cards thead { display: none; } .cards tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 2px 12px; padding: 10px 0; border-top: 1px solid var(--line); }
  .cards th, .cards td { border: 0; padding: 0; overflow-wrap: anywhere; } .cards .seen { grid-column: 1 / -1; } .of::before { content: "windows "; color: var(--soft); }
  .cards .shift svg { display: none; }
}
@media print {
  @page { margin: 12mm; }
  :root { color-scheme: light; } * { print-color-adjust: exact; }
  body { background: none; font-size: 10.5px; } main { max-width: none; padding: 0; } .skip, .answer nav, details:not([open]) { display: none; }
  section, .answer { border: 0; border-radius: 0; padding: 0; margin: 0 0 16px; } .answer { border-left: 6px solid; padding-left: 12px; }
  .scroll { overflow: visible; } th, td { padding: 4px 8px 4px 0; } td time, td.number, thead th { white-space: normal; } td.seen { min-width: 120px; } .cards tbody th, .alerts td:nth-child(2) { min-width: 0; }
  .pill, small, dt, figcaption, thead th, .legend, code, pre { font-size: 9px; } .story { font-size: 12px; } h1 { font-size: 22px; } .answer .counts dd { font-size: 13px; }
  .wide svg text { font-size: 13px; } summary { list-style: none; break-after: avoid; }
  tr, article, figure, h2, h3, dl, pre, .legend { break-inside: avoid; } h2, h3, .legend { break-after: avoid; } thead { display: table-header-group; }
  .multiples, .well { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px 14px; } article { padding: 8px 0; }
}
`;

/** Of exactly that text, for the report's content security policy; a test says what it must be. */
export const reportStyleHash = "sha256-LnIgxb/wII0fghwD8UMNvhyKVamPKlm6QFnGofIPV3U=";
