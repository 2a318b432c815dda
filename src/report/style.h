// The page's style sheet. Kinds of linears have the colours k0 to k7, told apart also by
// colour-blind readers, in a set for light and one for dark paper; h0 to h9 are the steps of the
// heat maps.
#pragma once

namespace latticelens::report {

constexpr const char* style_sheet = R"css(
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --raised: #f3f4f3; --ink: #1b1e24; --soft: #5a606c; --hair: #dcdfe3;
  --accent: #0b57a4; --band: #0b57a422; --alarm: #a3120a; --alarm-paper: #fdeceA;
  --k0: #004e8c; --k1: #3b95d3; --k2: #00806a; --k3: #6a4fb3;
  --k4: #b87900; --k5: #c2508a; --k6: #c5450b; --k7: #5f6b2d;
  --h0: #f8efdd; --h1: #f7dcb6; --h2: #f4c48f; --h3: #efa772; --h4: #e58662;
  --h5: #d2645f; --h6: #b34666; --h7: #8c3067; --h8: #601f5b; --h9: #351342;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --raised: #1e2126; --ink: #e9eaed; --soft: #a6abb6; --hair: #353941;
    --accent: #7ab8f5; --band: #7ab8f52e; --alarm: #ff9d92; --alarm-paper: #3a1a18;
    --k0: #5ba4f0; --k1: #9fd3f7; --k2: #2fc0a0; --k3: #b09cf5;
    --k4: #eeb13c; --k5: #ec9cc6; --k6: #f4793c; --k7: #b4c46a;
    --h0: #241d33; --h1: #3c2550; --h2: #5d2c66; --h3: #83356f; --h4: #a9436c;
    --h5: #ca5862; --h6: #e2765b; --h7: #ef985f; --h8: #f6bc7c; --h9: #fce3b6;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",
    "Hiragino Sans", "Yu Gothic UI", Meiryo, "Noto Sans CJK JP", "Noto Sans JP", sans-serif;
  overflow-wrap: break-word;
}
main, footer { max-width: 1100px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
footer { color: var(--soft); font-size: 13px; padding-top: 8px; padding-bottom: 48px; }
section { border-top: 1px solid var(--hair); padding: 28px 0 20px; }
h1 { font-size: 20px; font-weight: 600; margin: 0 0 18px; }
h2 { font-size: 22px; font-weight: 650; line-height: 1.25; margin: 0 0 6px; }
h3 { font-size: 15px; font-weight: 650; margin: 16px 0 6px; }
p { margin: 0 0 12px; max-width: 76ch; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px;
}
.soft { color: var(--soft); font-weight: 400; }
.eyebrow { color: var(--soft); font-size: 13px; margin: 0 0 2px; }
.verdict { font-size: clamp(22px, 3.3vw, 33px); line-height: 1.25; font-weight: 650;
  letter-spacing: -0.01em; max-width: 34em; margin: 0 0 24px; text-wrap: balance; }
.finding { font-size: 17px; color: var(--soft); margin-bottom: 18px; }
.alarm { border-left: 4px solid var(--alarm); background: var(--alarm-paper); color: var(--alarm);
  padding: 12px 16px; font-weight: 600; max-width: none; }
.bad { color: var(--alarm); }
.missing { border-left: 4px solid var(--hair); padding: 2px 0 2px 16px; margin: 12px 0; }
.missing p { margin-bottom: 6px; color: var(--soft); }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 12px; background: var(--paper); padding: 6px 10px; z-index: 1; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 22px; list-style: none; padding: 0;
  margin: 24px 0 20px; font-size: 14px; }
dl, dd { margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr));
  gap: 18px 24px; margin: 0 0 20px; }
.tiles dt { font-size: 13px; color: var(--soft); }
.tiles .figure { font-size: 26px; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tiles .note { font-size: 13px; color: var(--soft); }
.two-columns { display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 0 48px; }
.facts { display: grid; grid-template-columns: minmax(110px, max-content) minmax(0, 1fr);
  gap: 6px 20px; font-size: 14.5px; margin-bottom: 16px; }
.facts dt { color: var(--soft); }
.two-columns > div:first-child .facts { display: block; }
.two-columns > div:first-child .facts dd { margin: 0 0 10px; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
  "Liberation Mono", monospace; }
.facts code { color: var(--ink); font-weight: 600; }
pre { background: var(--raised); padding: 10px 14px; border-radius: 4px; margin: 0 0 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; margin-bottom: 8px; }
figure { margin: 0 0 28px; }
figcaption { font-size: 13.5px; color: var(--soft); max-width: 90ch; margin-top: 6px; }
.scroll { overflow-x: auto; margin-bottom: 4px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums;
  min-width: 60%; margin: 4px 0 14px; }
caption { text-align: left; font-weight: 650; font-size: 15px; padding: 4px 0 6px; }
th, td { padding: 5px 22px 5px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--hair); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(244px, 1fr));
  gap: 14px 20px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr));
  gap: 14px 28px; }
svg.chart { display: block; width: 100%; height: auto; overflow: visible;
  font-variant-numeric: tabular-nums; }
.scroll > svg.chart { max-width: 720px; min-width: 520px; }
.scroll > svg.wide { max-width: none; min-width: 760px; }
svg text { font-size: 12px; fill: var(--ink); }
svg .tick { font-size: 11px; fill: var(--soft); }
svg .chart-title { font-size: 13px; font-weight: 650; }
svg .value { fill: var(--soft); }
svg .strong { font-weight: 650; }
svg .note { font-size: 11.5px; font-weight: 600; fill: var(--c); stroke: var(--paper);
  stroke-width: 3; paint-order: stroke; }
#overview td:last-child { min-width: 280px; } /* sentences: scroll before they become columns */
svg .grid { stroke: var(--hair); stroke-width: 1; }
svg .base { stroke: var(--soft); stroke-width: 1; }
svg .reference { stroke: var(--ink); stroke-width: 2; }
svg .bar { fill: var(--c); }
svg .bar:hover { opacity: 0.75; }
svg .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
svg .dashed.line { stroke-width: 1.25; stroke-dasharray: 4 3; }
svg .point { fill: var(--c); }
svg .target { fill: transparent; }
svg .target:hover { fill: var(--c); }
svg .dot { fill: var(--paper); stroke: var(--accent); stroke-width: 2; }
svg .dot.strong, svg .dot:hover { fill: var(--accent); }
svg .mean { stroke: var(--accent); stroke-width: 1.5; }
svg .band { fill: var(--band); }
.c0 { --c: var(--k0); } .c1 { --c: var(--k1); } .c2 { --c: var(--k2); } .c3 { --c: var(--k3); }
.c4 { --c: var(--k4); } .c5 { --c: var(--k5); } .c6 { --c: var(--k6); } .c7 { --c: var(--k7); }
.ink { --c: var(--ink); } .plain { --c: var(--accent); } svg .soft { --c: var(--soft); }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
.h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .h6 { fill: var(--h6); } .h7 { fill: var(--h7); }
.h8 { fill: var(--h8); } .h9 { fill: var(--h9); }
rect[class^="h"]:hover { stroke: var(--ink); stroke-width: 1.5; }
@media (max-width: 720px) {
  main, footer { padding: 0 16px; }
  header { padding-top: 24px; }
  .two-columns { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .facts { grid-template-columns: minmax(90px, 30%) minmax(0, 1fr); gap: 6px 14px; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 11pt; }
  nav, .skip, details:not([open]) { display: none; }
  figure, tr, .missing { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; }
  .scroll > svg.chart, .scroll > svg.wide { min-width: 0; max-width: 100%; }
}
)css";

} // namespace latticelens::report
