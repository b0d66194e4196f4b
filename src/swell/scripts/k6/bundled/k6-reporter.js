// One HTML page about a run, made from the summary's data: the API of benc-uk's k6-reporter.

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1f2530; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
.boxes { display: flex; flex-wrap: wrap; gap: 1rem; }
.box { border: 1px solid #d4d9e2; border-radius: 6px; padding: .6rem 1rem; min-width: 9rem; }
.box b { display: block; font-size: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #e3e7ee; padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
.good { color: #14733b; } .bad { color: #b3261e; font-weight: 600; }
pre { white-space: pre-wrap; background: #f4f6f9; padding: 1rem; }
@media (prefers-color-scheme: dark) {
  body { background: #14181f; color: #e4e8ef; } .box, th, td { border-color: #39414f; } pre { background: #1d232d; }
  .good { color: #6fd08c; } .bad { color: #ff8a80; }
}`;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (value) => String(value).replace(/[&<>"']/g, (char) => ENTITIES[char]);
const mark = (isGood) => (isGood ? '✓' : '✗');
const look = (isGood) => (isGood ? 'good' : 'bad');

function shown(value) {
  if (typeof value !== 'number') return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(value < 1 ? 4 : 2)));
}

const cell = (value, style) => `<td${style ? ` class="${style}"` : ''}>${escape(value)}</td>`;
const row = (cells) => `<tr>${cells.join('')}</tr>`;
const table = (heads, rows) =>
  rows.length
    ? `<table><thead>${row(heads.map((head) => `<th>${escape(head)}</th>`))}</thead><tbody>${rows.join('\n')}</tbody></table>`
    : '';

const thresholdsOf = (metric) => Object.entries(metric.thresholds ?? {});
const isCrossed = (metric) => thresholdsOf(metric).some(([, result]) => !result.ok);

function nameCell(name, metric) {
  return cell(name, thresholdsOf(metric).length ? look(!isCrossed(metric)) : '');
}

/** A table of the trends: one column for each statistic that any of them has. */
function trendTable(entries) {
  const stats = [...new Set(entries.flatMap(([, metric]) => Object.keys(metric.values)))];
  const rows = entries.map(([name, metric]) =>
    row([nameCell(name, metric), ...stats.map((stat) => cell(shown(metric.values[stat])))]),
  );
  return table(['Metric', ...stats], rows);
}

function plainTable(entries, columns) {
  const rows = entries.map(([name, metric]) =>
    row([nameCell(name, metric), ...columns.map(([, value]) => cell(value(metric.values)))]),
  );
  return table(['Metric', ...columns.map(([head]) => head)], rows);
}

const percent = (rate) => `${(Math.trunc(rate * 10000) / 100).toFixed(2)}%`;

function metricSections(metrics) {
  const entries = Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const of = (type) => entries.filter(([, metric]) => metric.type === type);
  const sections = [
    ['Trends', trendTable(of('trend'))],
    ['Rates', plainTable(of('rate'), [
      ['rate', (v) => percent(v.rate)], ['passes', (v) => shown(v.passes)], ['fails', (v) => shown(v.fails)]])],
    ['Counters', plainTable(of('counter'), [
      ['count', (v) => shown(v.count)], ['per second', (v) => shown(v.rate)]])],
    ['Gauges', plainTable(of('gauge'), [
      ['value', (v) => shown(v.value)], ['min', (v) => shown(v.min)], ['max', (v) => shown(v.max)]])],
  ];
  return sections.filter(([, body]) => body).map(([title, body]) => `<h2>${title}</h2>\n${body}`);
}

function thresholdSection(metrics) {
  const rows = Object.entries(metrics).flatMap(([name, metric]) =>
    thresholdsOf(metric).map(([source, { ok }]) => row([cell(name), cell(source), cell(mark(ok), look(ok))])),
  );
  return rows.length ? `<h2>Thresholds</h2>\n${table(['Metric', 'Threshold', 'Result'], rows)}` : '';
}

/** Tables of the checks of a group and of those below it, under their paths. */
function checkTables(group, path) {
  const rows = group.checks.map((check) => {
    const isGood = check.fails === 0;
    const share = percent(check.passes / (check.passes + check.fails || 1));
    return row([cell(check.name), cell(check.passes), cell(check.fails), cell(share), cell(mark(isGood), look(isGood))]);
  });
  const title = path ? `<h3>${escape(path)}</h3>` : '';
  const own = rows.length ? `${title}${table(['Check', 'Passes', 'Fails', 'Rate', 'Result'], rows)}` : '';
  return [own, ...group.groups.flatMap((child) => checkTables(child, path ? `${path} › ${child.name}` : child.name))];
}

const countChecks = (group) =>
  group.groups.map(countChecks).reduce(
    (sum, part) => ({ passes: sum.passes + part.passes, fails: sum.fails + part.fails }),
    {
      passes: group.checks.reduce((sum, check) => sum + check.passes, 0),
      fails: group.checks.reduce((sum, check) => sum + check.fails, 0),
    },
  );

/** The figures at the top: what was sent, and how much of it was wrong. */
function boxes(data, root) {
  const { metrics } = data;
  const results = Object.values(metrics).flatMap((metric) => thresholdsOf(metric).map(([, result]) => result.ok));
  const checks = countChecks(root);
  const crossed = results.filter((ok) => !ok).length;
  const list = [['Requests', metrics.http_reqs?.values.count ?? metrics.grpc_req_duration?.values.count]];
  if (metrics.http_req_failed) {
    // A failed request is one for which the rate was true.
    list.push(['Failed requests', metrics.http_req_failed.values.passes, metrics.http_req_failed.values.passes === 0]);
  }
  list.push(['Crossed thresholds', `${crossed} of ${results.length}`, crossed === 0]);
  list.push(['Failed checks', `${checks.fails} of ${checks.passes + checks.fails}`, checks.fails === 0]);
  if (metrics.iterations) list.push(['Iterations', metrics.iterations.values.count]);
  if (metrics.vus_max) list.push(['Virtual users', metrics.vus_max.values.max ?? metrics.vus_max.values.value]);
  if (data.state?.testRunDurationMs) list.push(['Seconds', shown(data.state.testRunDurationMs / 1000)]);
  return list
    .filter(([, value]) => value !== undefined)
    .map(([title, value, isGood]) => {
      const style = isGood === undefined ? '' : ` class="${look(isGood)}"`;
      return `<div class="box">${escape(title)}<b${style}>${escape(value)}</b></div>`;
    });
}

function now() {
  const date = new Date();
  const two = (number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

// What the log names: the version that the URL asks for, or what it calls itself, else the newest.
const NEWEST = '3.0.4';
const CALLED = { '2.3.1': '2.3.0', '2.4.0': '2.3.0', '3.0.1': '3.0.0', latest: '3.0.0' };
const ASKED = /\/(?:v?(\d+\.\d+\.\d+)|(latest))\/dist\//.exec(import.meta.url ?? '') ?? [];
const VERSION = CALLED[ASKED[1] ?? ASKED[2]] ?? ASKED[1] ?? NEWEST;

/**
 * A self-contained page. Options: `title`; `debug` logs the data and adds it to the page; `theme` is accepted, there is
 * one look. What is not given is entered in `options`, as the original does.
 */
export function htmlReport(data, options = {}) {
  const root = { checks: [], groups: [], ...data.root_group };
  options.title ||= `K6 Test Report: ${now()}`;
  if (!Object.hasOwn(options, 'debug')) options.debug = false;
  const isOld = Number.parseInt(VERSION, 10) < 3;
  if (!isOld && !options.theme) options.theme = 'default';
  console.log(`[k6-reporter v${VERSION}] Generating HTML summary report${isOld ? '' : `, with theme: ${options.theme}`}`);
  if (options.debug) console.log(JSON.stringify(data, null, 2));
  const title = escape(options.title);
  const checks = checkTables(root, '').filter(Boolean);
  return [
    '<!DOCTYPE html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${title}</title>`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head><body>`,
    `<h1>${title}</h1>`,
    `<div class="boxes">${boxes(data, root).join('')}</div>`,
    thresholdSection(data.metrics),
    ...metricSections(data.metrics),
    checks.length ? `<h2>Checks</h2>\n${checks.join('\n')}` : '',
    options.debug ? `<h2>Data</h2><pre>${escape(JSON.stringify(data, null, 2))}</pre>` : '',
    '</body></html>',
    '',
  ].join('\n');
}

export default { htmlReport };
