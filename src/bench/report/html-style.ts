/** Calm, readable in the dark, on a phone and on paper. */
export const HTML_STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1f23; --quiet: #57606a; --line: #d8dee4; --panel: #f6f8fa; --accent: #0b57d0;
  --good: #0f7b3f; --bad: #b3261e; --cold: #2f6fd6; --warm: #1a8a4a; --direct: #8a5a00; --hit: #1a8a4a; --miss: #2f6fd6; --ahead: #7a4fc4; --joined: #b06000; --none: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e9ec; --quiet: #a3adb8; --line: #343b43; --panel: #1d2125; --accent: #8ab4f8;
  --good: #6fd18f; --bad: #ff8a80; --cold: #7aa7ff; --warm: #63cf8c; --direct: #e0b050; --hit: #63cf8c; --miss: #7aa7ff; --ahead: #b79cf0; --joined: #f0a850; --none: #9aa4ae; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
.quiet, figcaption, caption { color: var(--quiet); font-size: .875rem; }
.verdict { border-left: 4px solid var(--accent); background: var(--panel); padding: .75rem 1rem; margin: 1.5rem 0; } .verdict p { margin: .35rem 0; }
.verdict .recommended { font-weight: 650; color: var(--good); }
.problem { color: var(--bad); } ul { padding-left: 1.2rem; }
.wide { overflow-x: auto; max-width: 100%; } figure { margin: .5rem 0 1rem; } figcaption { margin-top: .25rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; min-width: 100%; } caption { text-align: left; padding-bottom: .35rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; } th:first-child { text-align: left; } thead th { color: var(--quiet); font-weight: 500; }
svg { display: block; font: 12px system-ui, sans-serif; } .label { fill: var(--ink); } text.quiet { fill: var(--quiet); font-size: 11px; } .grid { stroke: var(--line); }
.dot { fill-opacity: .55; } .dot.cold { fill: var(--cold); } .dot.warm { fill: var(--warm); } .dot.direct { fill: var(--direct); } .band { fill: var(--ink); fill-opacity: .12; } .median { stroke: var(--ink); stroke-width: 2; }
rect.waiting { fill-opacity: .35; } rect.hit, rect.stale, rect.revalidated { fill: var(--hit); } rect.miss, rect.bypass { fill: var(--miss); } rect.prefetched { fill: var(--ahead); } rect.joined { fill: var(--joined); } rect.none { fill: var(--none); }
rect.cache { fill: var(--cold); } rect.origin { fill: var(--direct); }
.key span { white-space: nowrap; margin-right: 1rem; } .key i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
@media print { main { max-width: none; } .wide { overflow: visible; } section, figure { break-inside: avoid; } }
`;
