// The end-of-test summary in the layout of k6 before v1, and JUnit XML: the API of jslib's k6-summary.

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36, cyanDim: '36;2' };
const OK = '✓';
const FAIL = '✗';
const DEFAULT_STATS = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)'];
const DATA_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
// What a time in milliseconds is multiplied by, and the unit's sign, for each summaryTimeUnit.
const TIME_UNITS = { s: ['s', 0.001], ms: ['ms', 1], us: ['µs', 1000] };

/** Columns a text takes up: code points after normalisation, without colours and marks that combine. */
function width(text) {
  const visible = text.normalize('NFKC').replace(/\x1b\[[\d;]*m/g, '');
  return [...visible].filter((char) => !/\p{Mn}/u.test(char)).length;
}

const pad = (text, columns) => text + ' '.repeat(Math.max(0, columns - width(text)));

const percent = (rate) => `${(Math.trunc(rate * 10000) / 100).toFixed(2)}%`;

/** At most `digits` decimals, without zeros at the end. */
function decimals(value, digits) {
  return Number.parseFloat(value.toFixed(digits)).toString();
}

/** Two decimals, cut off rather than rounded. */
const cut = (value) => decimals(Math.trunc(value * 100) / 100, 2);

function humanizeBytes(bytes) {
  if (!(bytes >= 10)) return `${bytes} B`;
  const power = Math.floor(Math.log(bytes) / Math.log(1000));
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${DATA_UNITS[power]}`;
}

/** A duration in milliseconds in the unit that suits its size. */
function humanizeTime(ms) {
  if (ms === 0) return '0s';
  if (ms < 0.001) return `${Math.trunc(ms * 1000000)}ns`;
  if (ms < 1) return `${cut(ms * 1000)}µs`;
  if (ms < 1000) return `${cut(ms)}ms`;
  if (ms < 60000) return `${cut(ms / 1000)}s`;
  const seconds = `${Math.trunc((ms / 1000) % 60)}s`;
  const minutes = Math.trunc(ms / 60000);
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.trunc(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** The text of one value of `metric` ({type, contains}); `timeUnit` is empty or s, ms, us. */
export function humanizeValue(value, metric, timeUnit) {
  if (metric.type === 'rate') return percent(value);
  if (metric.contains === 'data') return humanizeBytes(value);
  if (metric.contains !== 'time') return decimals(value, 6);
  const fixed = TIME_UNITS[timeUnit];
  return fixed ? `${(value * fixed[1]).toFixed(2)}${fixed[0]}` : humanizeTime(value);
}

/** Splits `name{tags}`, so that submetrics follow their metric and are shown as `{ tags }`. */
function splitName(name) {
  const brace = name.indexOf('{');
  return brace < 0 ? [name, ''] : [name.slice(0, brace), name.slice(brace + 1, -1)];
}

function sortedNames(metrics) {
  const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
  return Object.keys(metrics).sort((a, b) => {
    const [left, right] = [splitName(a), splitName(b)];
    return compare(left[0], right[0]) || compare(left[1], right[1]);
  });
}

/** The main value of a metric that is no trend, and its further columns. */
function plainColumns(metric, timeUnit) {
  const values = metric.values;
  const text = (value) => humanizeValue(value, metric, timeUnit);
  if (metric.type === 'counter') return [text(values.count), `${text(values.rate)}/s`];
  if (metric.type === 'gauge') return [text(values.value), `min=${text(values.min)}`, `max=${text(values.max)}`];
  if (metric.type === 'rate') return [text(values.rate), `${OK} ${values.passes}`, `${FAIL} ${values.fails}`];
  return ['[no data]'];
}

function trendColumns(metric, stats, timeUnit) {
  return stats.map((stat) => {
    const value = metric.values[stat];
    return stat === 'count' ? String(value) : humanizeValue(value, metric, timeUnit);
  });
}

const widest = (rows) =>
  rows.reduce((best, row) => row.map((text, i) => Math.max(best[i] ?? 0, width(text))).concat(best.slice(row.length)), []);

function thresholdMark(metric, paint) {
  const results = Object.values(metric.thresholds ?? {});
  if (!results.length) return ' ';
  return results.every((result) => result.ok) ? paint(OK, STYLES.green) : paint(FAIL, STYLES.red);
}

function metricLines(metrics, options) {
  const { indent, paint, stats, timeUnit } = options;
  const rows = sortedNames(metrics).map((name) => {
    const metric = metrics[name];
    const [, tags] = splitName(name);
    const isTrend = metric.type === 'trend';
    return {
      metric,
      isTrend,
      shift: tags ? '  ' : '',
      label: tags ? `{ ${tags} }` : name,
      columns: isTrend ? trendColumns(metric, stats, timeUnit) : plainColumns(metric, timeUnit),
    };
  });
  const longest = Math.max(0, ...rows.map((row) => width(row.shift + row.label)));
  const trendWidths = widest(rows.filter((row) => row.isTrend).map((row) => row.columns));
  const plainWidths = widest(rows.filter((row) => !row.isTrend).map((row) => row.columns));
  return rows.map((row) => {
    const dots = paint(`${'.'.repeat(longest - width(row.shift + row.label) + 3)}:`, STYLES.dim);
    const head = `${indent}  ${row.shift}${thresholdMark(row.metric, paint)} ${row.label}${dots}`;
    const data = row.isTrend
      ? row.columns.map((text, i) => `${stats[i]}=${pad(paint(text, STYLES.cyan), trendWidths[i])}`)
      : row.columns.map((text, i) => {
          const painted = paint(text, i === 0 ? STYLES.cyan : STYLES.cyanDim);
          // A single further column ends the line; two of them are both filled up.
          return i === 1 && row.columns.length === 2 ? painted : pad(painted, plainWidths[i]);
        });
    return `${head} ${data.join(' ')}`;
  });
}

function checkLine(check, indent, paint) {
  if (check.fails === 0) return paint(`${indent}${OK} ${check.name}`, STYLES.green);
  const share = Math.floor((100 * check.passes) / (check.passes + check.fails));
  const counts = `${indent} ↳  ${share}% — ${OK} ${check.passes} / ${FAIL} ${check.fails}`;
  return paint(`${indent}${FAIL} ${check.name}\n${counts}`, STYLES.red);
}

function groupLines(group, indent, paint) {
  const lines = group.name ? [`${indent}█ ${group.name}`, ''] : [];
  const inner = group.name ? `${indent}  ` : indent;
  lines.push(...(group.checks ?? []).map((check) => checkLine(check, inner, paint)));
  if (group.checks?.length) lines.push('');
  for (const child of group.groups ?? []) lines.push(...groupLines(child, inner, paint));
  return lines;
}

/**
 * The summary as text. Options: `indent` (a text, default one blank), `enableColors` (default true),
 * `summaryTimeUnit` and `summaryTrendStats` in place of the test's own.
 */
export function textSummary(data, options = {}) {
  const merged = { indent: ' ', enableColors: true, ...data.options, ...options };
  const paint = merged.enableColors ? (text, style) => `\x1b[${style}m${text}\x1b[0m` : (text) => text;
  const style = {
    indent: merged.indent,
    paint,
    stats: merged.summaryTrendStats ?? DEFAULT_STATS,
    timeUnit: merged.summaryTimeUnit,
  };
  const lines = data.root_group ? groupLines(data.root_group, `${merged.indent}    `, paint) : [];
  lines.push(...metricLines(data.metrics ?? {}, style));
  return lines.join('\n');
}

const XML_ESCAPES = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&#39;', '"': '&quot;' };
const escapeXml = (text) => String(text).replace(/[<>&'"]/g, (char) => XML_ESCAPES[char]);

/** The thresholds as JUnit XML, one test case each. Options: `name` of the suite, `classname` of its cases. */
export function jUnit(data, options = {}) {
  const suite = escapeXml(options.name ?? 'k6 thresholds');
  const className = escapeXml(options.classname ?? 'Unnamed folder');
  const cases = [];
  let failures = 0;
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [source, result] of Object.entries(metric.thresholds ?? {})) {
      const head = `<testcase name="${escapeXml(`${name} - ${source}`)}" classname="${className}"`;
      if (result.ok) {
        cases.push(`${head} />`);
        continue;
      }
      failures++;
      const values = Object.entries(metric.values).map(([key, value]) => `${key} value: ${value}`);
      const message = escapeXml(`${metric.type} threshold failed: ${values.join(', ')}`);
      cases.push(`${head}><failure message="${message}" /></testcase>`);
    }
  }
  const counts = `tests="${cases.length}" failures="${failures}"`;
  return [
    '<?xml version="1.0"?>',
    `    <testsuites ${counts}>`,
    `      <testsuite name="${suite}" ${counts}>`,
    `        ${cases.join('\n')}`,
    '      </testsuite>',
    '    </testsuites>',
  ].join('\n');
}

export default { humanizeValue, jUnit, textSummary };
