import { baseStyle } from "./style.ts";

export const reportStyle = `${baseStyle}
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 60px; }
section, .answer { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 20px 26px; margin: 0 0 18px; }
.answer { border-left: 8px solid var(--ok); } .answer.open { border-left-color: var(--critical); } .answer.half-open, .answer.again { border-left-color: var(--warning); }
h1 { font-size: 30px; letter-spacing: -.02em; margin: 4px 0; } .open h1 { color: var(--critical); } .closed h1 { color: var(--ok); }
h2 { font-size: 17px; margin-bottom: 10px; } h3 { font-size: 16px; } h3 small { font-weight: 400; margin: 0 6px; }
.story { font-size: 17px; } .story time { color: inherit; } .answer .counts { margin-top: 16px; } .calm { color: var(--ok); }
td time, td.number { white-space: nowrap; }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 14px; margin: 4px 0 0; padding: 0; }
article { border-top: 1px solid var(--line); padding: 18px 0; } article:target { background: color-mix(in srgb, var(--current) 6%, transparent); }
.charts { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 12px 36px; margin: 10px 0 6px; } details table { max-width: 520px; margin-top: 6px; } details .scroll table { max-width: none; }
.quality td { vertical-align: top; white-space: normal !important; max-width: 170px; overflow-wrap: anywhere; } .quality thead th { white-space: normal; }
.made div { display: flex; gap: 14px; } .made dt { flex: none; width: 80px; } .made dd { overflow-wrap: anywhere; } .made + p { margin-top: 12px; }
@media print { section, .answer { border: 0; padding: 0; break-inside: avoid-page; } }
`;

/** Of exactly that text, for the report's content security policy; a test says what it must be. */
export const reportStyleHash = "sha256-tdbsREDoccb3U7A+/xGbRB8pmivEYiZhzJcEE9UyQ7s=";
