#include "admin/status_assets.h"

namespace kite::admin {

const std::string_view kStatusStyle = R"(
:root{--bg:#f4f6f9;--card:#fff;--line:#e3e7ee;--text:#17202e;--dim:#5d6b80;--mark:#0b6fd6;
--ok:#12805c;--warn:#a85b00;--bad:#c62f3b;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--bg:#0e131b;--card:#171e29;--line:#283242;--text:#e7ecf4;
--dim:#93a1b6;--mark:#58a6ff;--ok:#3fc99a;--warn:#f0a848;--bad:#ff7b83}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:14px/1.45 system-ui,sans-serif}
main,header{max-width:1180px;margin:0 auto;padding:0 20px}
header{display:flex;align-items:center;gap:10px;padding-top:18px;flex-wrap:wrap}
h1{font-size:18px;margin:0}h2{font-size:16px;margin:0;overflow-wrap:anywhere}
header svg{width:26px;height:26px;fill:var(--mark)}
.right{margin-left:auto}.dim,small{color:var(--dim)}small{font-size:12px}
.pill{border-radius:99px;padding:2px 10px;font-size:12px;font-weight:600;
border:1px solid currentColor}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;
margin:16px 0}
.tiles div,section{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tiles div{padding:10px 14px}
.tiles b{display:block;font-size:18px;line-height:27px;font-weight:650;overflow-wrap:anywhere;
font-variant-numeric:tabular-nums}
.tiles .words{font-size:14px}
section{margin:0 0 16px;overflow:hidden}
.head{display:flex;gap:6px 22px;align-items:center;flex-wrap:wrap;padding:14px}
.head .chart{height:34px;width:190px;margin-left:auto}
dl{display:flex;flex-wrap:wrap;gap:6px 26px;margin:0;padding:0 14px 12px}
dt{color:var(--dim);font-size:12px}dd{margin:0}
svg path{fill:var(--mark)}
.chart{width:92px;height:20px;display:block;border-bottom:1px solid var(--line)}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:7px 14px;text-align:left;border-top:1px solid var(--line);white-space:nowrap}
th{color:var(--dim);font-size:12px;font-weight:500}
:is(td,th):nth-child(n+6):nth-child(-n+10){text-align:right}
a{color:var(--mark)}
td a,abbr{color:inherit;font-family:ui-monospace,monospace;text-decoration:underline dotted}
p{margin:0;padding:12px 14px;border-top:1px solid var(--line)}
footer{color:var(--dim);font-size:12px;padding:0 0 20px}
#lost{display:none}.lost #lost{display:inline}.lost main{opacity:.45}
@media(max-width:760px){main,header{padding:0 12px}header{padding-top:14px}thead{display:none}
tr{display:grid;grid-template-columns:1fr 1fr;grid-auto-flow:dense;padding:8px 14px;
border-top:1px solid var(--line);gap:2px 14px}td{border:0;padding:0;display:flex;
justify-content:space-between;align-items:baseline;gap:8px;text-align:right;
overflow:hidden}td:before{color:var(--dim);font-size:12px}
td:nth-child(1):before{content:'Task'}td:nth-child(2):before{content:'State'}
td:nth-child(3):before{content:'Health'}td:nth-child(4):before{content:'Address'}
td:nth-child(5):before{content:'Zone'}td:nth-child(6):before{content:'Open'}
td:nth-child(7):before{content:'Connections'}td:nth-child(8):before{content:'To it'}
td:nth-child(9):before{content:'From it'}td:nth-child(10):before{content:'Failures'}
td:nth-child(11):before{content:'5 min'}
td:nth-child(4){grid-column:1/-1}.right,.head .chart{margin-left:0}
.tiles{grid-template-columns:1fr 1fr}.tiles div{padding:8px 12px}.tiles .number{font-size:16px}}
)";

// A page that cannot be had again, whole, stays, greyed: the last numbers may be what matters.
const std::string_view kStatusScript = R"(
async function again(){
try{if(!document.hidden&&!String(getSelection())){
const answer=await fetch(location.pathname,{cache:'no-store'});
const page=new DOMParser().parseFromString(await answer.text(),'text/html');
const parts=['header','main'].map(part=>[document,page].map(each=>each.querySelector(part)));
if(!answer.ok||parts.some(pair=>pair.includes(null)))throw answer;
for(const[old,fresh]of parts)old.replaceWith(fresh);
document.title=page.title;document.body.className=''}}
catch(problem){document.body.className='lost'}
setTimeout(again,2000)}
setTimeout(again,2000)
)";

const std::string_view kStatusPolicy =
    "default-src 'none'; "
    "style-src 'sha256-q8Od1bggKKyofMPzbYkqNV8s24bMVKW/FJZCWjilAZc='; "
    "script-src 'sha256-WYLdPLyxdZp9T4zMQOj583RJcudXWM4eA/6gT8Tezs0='; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

}  // namespace kite::admin
