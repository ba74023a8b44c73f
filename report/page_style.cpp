#include "report/page_parts.h"

namespace autotune::report {

// Colours of the series: Okabe and Ito's palette, which colour-blind people tell apart, lighter on dark ground.
Markup PageStyle() {
  return Markup::Constant(R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d0d7de;--card:#f6f8fa;--best:#116329;
--warn:#9a6700;--bad:#a40e26;--s0:#0072b2;--s1:#b34700;--s2:#00795a;--s3:#a8467f;--s4:#8a6100;--s5:#2b7fb8;--s6:#5b4bb5;
--s7:#6b6b6b;--rest:#b8bfc7;--start:#9ec5e8;--measure:#0072b2;--failed:#d1495b}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9aa4af;--line:#30363d;--card:#161b22;
--best:#56d364;--warn:#e3b341;--bad:#ff7b72;--s0:#58b0ee;--s1:#f0883e;--s2:#3fcf9f;--s3:#e18cc0;--s4:#e0b341;
--s5:#7cc4f2;--s6:#a99bf5;--s7:#a0a0a0;--rest:#4b535c;--start:#2f5578;--measure:#58b0ee;--failed:#e5626f}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1380px;margin:0 auto;padding:16px}
a{color:var(--s0)}
h1{font-size:1.6rem;margin:.4em 0 .1em;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:1.6em 0 .5em;padding-top:.6em;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1em 0 .3em}
p{margin:.3em 0;overflow-wrap:anywhere}
.about,.dim,.hint{color:var(--dim)}
.hint{font-size:.9rem;max-width:80ch}
.state{font-size:.8rem;font-weight:600;border:1px solid var(--line);border-radius:1em;padding:.15em .7em;vertical-align:middle}
.note{border-left:4px solid var(--warn);padding:.3em .8em;background:var(--card)}
.answer{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 18px;margin:16px 0}
.answer h2{border:0;margin:.2em 0;padding:0}
.score{font-size:1.7rem;font-weight:650;line-height:1.25;color:var(--best);overflow-wrap:anywhere}
.score small{font-size:1rem;font-weight:400;color:var(--dim)}
dl{display:grid;grid-template-columns:minmax(7em,max-content) 1fr;gap:.2em 1em;margin:.6em 0}
dt{color:var(--dim)}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
pre{background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:10px;overflow-x:auto;font-size:.85rem;margin:.5em 0}
.scroll{overflow-x:auto;background:linear-gradient(to right,var(--bg),var(--bg)) 0 0/24px 100% no-repeat local,
linear-gradient(to left,var(--bg),var(--bg)) 100% 0/24px 100% no-repeat local,
linear-gradient(to right,var(--line),transparent) 0 0/10px 100% no-repeat scroll,
linear-gradient(to left,var(--line),transparent) 100% 0/10px 100% no-repeat scroll}
table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{text-align:left;padding:.3em .6em;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:600;white-space:nowrap}
td.n,th.n,td .n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.mono{font-family:ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;font-size:.78rem;min-width:13em}
td.name,.flag{white-space:nowrap}
th.n{text-align:right}
summary{cursor:pointer;margin:.5em 0}
.ends{display:flex;justify-content:space-between}
td.why{min-width:10em;max-width:30em;overflow-wrap:anywhere}
td.draw{min-width:90px;width:12%}td.draw.wide{width:55%}td.draw.half{width:30%}
tr.best td{font-weight:600}
#experiments th,#effects th{white-space:normal}#experiments td.mono{overflow-wrap:anywhere}
.gone,.new{white-space:pre-wrap;overflow-wrap:anywhere}
.gone{color:var(--bad)}.gone::before{content:"- "}
.new{color:var(--best)}.new::before{content:"+ "}
.pair{display:grid;grid-template-columns:1fr;gap:8px 28px}
@media (min-width:1000px){.pair{grid-template-columns:1fr 1fr}}
figure{margin:0 0 12px;min-width:0}
figcaption{font-weight:600;margin-bottom:2px}
svg.plot{display:block;width:100%;height:auto;max-width:860px}
svg.strip{display:block;width:100%;height:20px}
svg.swatch{width:14px;height:14px;vertical-align:-2px;margin-right:5px}
.legend{list-style:none;padding:0;margin:.3em 0;display:flex;flex-wrap:wrap;gap:.1em 1.2em;font-size:.85rem}
.legend li{min-width:0;overflow-wrap:anywhere}
svg text{fill:var(--dim);font:13px system-ui,"DejaVu Sans",sans-serif}
svg text.axis{fill:var(--fg)}
svg .end{text-anchor:end}
svg .middle{text-anchor:middle}
svg text.rule{fill:var(--bad);font-weight:600;paint-order:stroke;stroke:var(--bg);stroke-width:5px}
.grid{stroke:var(--line);stroke-width:1}
line.rule{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:7 4}
.curve{fill:none;stroke:currentColor;stroke-width:2}
figure:only-child{grid-column:1/-1}
.plot .interval{opacity:.55}
.front{color:var(--dim)}.front .curve{stroke-width:1.5;stroke-dasharray:2 3}
svg text.load{fill:currentColor;font-size:12px;paint-order:stroke;stroke:var(--bg);stroke-width:3px}
.interval{stroke:currentColor;stroke-width:1.2;vector-effect:non-scaling-stroke}
.mark{fill:currentColor;stroke:currentColor;stroke-width:1.5}
.mark.hollow{fill:var(--bg)}
.rest{color:var(--rest)}.rest .curve{stroke-width:1.2}
.s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}
.s4{color:var(--s4)}.s5{color:var(--s5)}.s6{color:var(--s6)}.s7{color:var(--s7)}
.s4 .curve,.s5 .curve,.s6 .curve,.s7 .curve{stroke-dasharray:6 3}
.bar{fill:var(--rest)}.bar.best{fill:var(--s0)}.bar.failed{fill:var(--failed)}
.bar.start{fill:var(--start)}.bar.measure{fill:var(--measure)}
.strip .interval{stroke:var(--fg);stroke-width:2}
.tickmark,.reference{vector-effect:non-scaling-stroke}
.tickmark{stroke:var(--dim);stroke-width:2}.tickmark.best{stroke:var(--s0);stroke-width:4}
.reference{stroke:var(--bad);stroke-width:1;stroke-dasharray:3 3}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}
.key.start{background:var(--start)}.key.measure{background:var(--measure)}.key.failed{background:var(--failed)}
@media (max-width:600px){main{padding:10px}svg text{font-size:21px}.score{font-size:1.3rem}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4em}td.mono,td.why{min-width:11em}}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--card:#fff;--best:#0a4a1e;--rest:#aaa;
--s0:#0072b2;--s1:#b34700;--s2:#00795a;--s3:#a8467f;--s4:#8a6100;--s5:#2b7fb8;--s6:#5b4bb5;--s7:#6b6b6b;
--start:#9ec5e8;--measure:#0072b2;--failed:#d1495b}
main{max-width:none;padding:0}.scroll,pre{overflow:visible}pre{white-space:pre-wrap;overflow-wrap:anywhere}
table{font-size:.68rem}td.mono,td.why{min-width:0;overflow-wrap:anywhere}td.draw{min-width:60px}
section,figure,tr{break-inside:avoid}#experiments,#timeline{break-inside:auto}.bar,.key{print-color-adjust:exact}}
)css");
}

}  // namespace autotune::report
