// Playwright-like assertions that end the test or mark it failed (expect): the API of jslib's k6-testing.

import exec from 'k6/execution';

const CODES = { black: 30, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, white: 37, brightGreen: 92, darkGrey: 90 };
const DEFAULTS = { timeout: 5000, interval: 100, soft: false, softMode: 'fail', colorize: true, display: 'pretty' };

/** `text` in one of the terminal's colours, by name. */
export function colorize(text, colour) {
  return `\x1b[${CODES[colour] ?? 0}m${text}\x1b[0m`;
}

/** The settings that the environment gives, K6_TESTING_COLORIZE and so on. */
function fromEnvironment() {
  const env = globalThis.__ENV ?? {};
  const found = {};
  const read = (name, key, parse) => {
    if (env[`K6_TESTING_${name}`] !== undefined) found[key] = parse(env[`K6_TESTING_${name}`]);
  };
  read('COLORIZE', 'colorize', (text) => text.toLowerCase() === 'true');
  read('DISPLAY', 'display', (text) => (text.toLowerCase() === 'inline' ? 'inline' : 'pretty'));
  read('TIMEOUT', 'timeout', Number);
  read('INTERVAL', 'interval', Number);
  read('SOFT_MODE', 'softMode', (text) => (text === 'throw' ? 'throw' : 'fail'));
  return found;
}

/** What a soft assertion throws with softMode "throw". */
class AssertionFailedError extends Error {
  get name() {
    return 'AssertionFailedError';
  }
}

// ---- what is said of a failure --------------------------------------------------------------------------

function show(value) {
  if (typeof value === 'string') return value;
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return 'undefined';
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
}

/** Where the script called: the first frame of the stack outside of this module. */
function callSite(own) {
  const frames = (new Error().stack ?? '').split('\n').map((line) => /\(?((?:[a-z]+:\/\/)?[^\s()]+):(\d+):(\d+)\)?$/.exec(line));
  const frame = frames.find((found) => found && found[1] !== own);
  if (!frame) return { path: 'unknown', line: '0', column: '0', file: 'unknown' };
  const path = frame[1].replace(/^file:\/\//, '');
  return { path, line: frame[2], column: frame[3], file: path.slice(path.lastIndexOf('/') + 1) };
}

const OWN = /\(?((?:[a-z]+:\/\/)?[^\s()]+):\d+:\d+\)?$/m.exec(new Error().stack ?? '')?.[1];

function headOf(matcher, config) {
  if (config.message !== undefined) return config.colorize ? colorize(config.message, 'white') : config.message;
  const [name, given] = matcher;
  if (!config.colorize) return `expect(received).${name}(${given})`;
  const dim = (text) => colorize(text, 'darkGrey');
  const words = given.split(', ').map((word) => colorize(word, word.startsWith('expected') ? 'green' : 'white'));
  const inner = given ? dim('(') + words.join(dim(', ')) + dim(')') : dim('()');
  return dim('expect(') + colorize('received', 'red') + dim(').') + colorize(name, 'white') + inner;
}

function report(matcher, rows, config, site) {
  const paint = (text, colour, sign = '') => sign + (config.colorize && colour ? colorize(text, colour) : text);
  const at = `${site.path}:${site.line}:${site.column}`;
  const head = [['Error', headOf(matcher, config)], ['At', paint(at, 'darkGrey')]];
  const body = rows.map(([title, value, colour, sign]) => [title, paint(value, colour, sign)]);
  const foot = [['Filename', paint(site.file, 'darkGrey')], ['Line', paint(site.line, 'darkGrey')]];
  if (config.display === 'inline') return [...head, ...body, ...foot].map(inlinePair).join(' ');
  const width = Math.max(...[...body, ...foot].map(([title]) => title.length));
  const lines = (pairs) => pairs.map(([title, value]) => `${title.padStart(width)}: ${value}`).join('\n');
  return `\n\n${lines(head)}\n\n${lines(body)}\n\n${lines(foot)}\n\n`;
}

function inlinePair([title, value]) {
  const key = title.toLowerCase().replaceAll(' ', '_');
  return `${key}=${/[\s]/.test(value) ? JSON.stringify(value) : value}`;
}

function fail(matcher, rows, config, site = callSite(OWN)) {
  const text = report(matcher, rows, config, site);
  if (!config.soft) return exec.test.abort(text);
  if (config.softMode === 'throw') throw new AssertionFailedError(text);
  return exec.test.fail(text);
}

// ---- matchers that look once --------------------------------------------------------------------------------

const RECEIVED = (value, shown = show) => ['Received', shown(value), 'red'];
const EXPECTED = (value, shown = show) => ['Expected', shown(value), 'green'];
/** As `show`, texts in quotes. */
const quoted = (value) => (typeof value === 'string' ? JSON.stringify(value) : show(value));

/** Equality by structure; what JSON does not show (dates, sets, maps) counts by its own keys. */
function deepEqual(a, b) {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  );
}

function lookUp(object, path) {
  const steps = Array.isArray(path) ? path : (path.match(/[^.[\]]+/g) ?? []);
  let current = object;
  for (const step of steps) {
    if (current === null || current === undefined || !(step in Object(current))) return { has: false };
    current = current[step];
  }
  return { has: true, value: current };
}

function kindOf(value, what) {
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Set) return 'set';
  throw new Error(`${what} is only supported for strings, arrays, and sets`);
}

const state = (test) => [
  '',
  (received) => ({ passed: test(received), rows: [RECEIVED(received, quoted)] }),
];

const comparison = (sign, test) => [
  'expected',
  (received, [expected]) => ({
    passed: test(received, expected),
    rows: [['Expected', show(expected), 'green', `${sign} `], RECEIVED(received)],
  }),
];

const equality = (test, shown) => [
  'expected',
  (received, [expected]) => ({ passed: test(received, expected), rows: [EXPECTED(expected, shown), RECEIVED(received, shown)] }),
];

function containing(name, title, same) {
  return [
    'expected',
    (received, [expected], negated) => {
      const kind = kindOf(received, name);
      const passed = kind === 'string' ? received.includes(expected) : [...received].some((item) => same(item, expected));
      const shown = kind === 'set' ? [...received] : received;
      const words = `Expected ${negated ? 'not ' : ''}to ${title}`;
      return { passed, rows: [[words, show(expected), 'green'], [`Received ${kind}`, show(shown), 'red']] };
    },
  ];
}

// By name: what stands between the parentheses of a message, and the test itself.
const MATCHERS = {
  toBe: equality(Object.is),
  toBeCloseTo: [
    'expected, precision',
    (received, [expected, precision = 2]) => {
      const difference = Math.abs(expected - received);
      // As in the original, the precision is relative to the larger number.
      const limit = 10 ** -precision * Math.max(Math.abs(received), Math.abs(expected));
      const passed = received === expected || difference < limit;
      return {
        passed,
        rows: [
          ['Expected precision', show(precision), 'green'],
          ['Expected difference', String(limit), 'green', '< '],
          ['Received difference', String(difference), 'red'],
        ],
      };
    },
  ],
  toBeDefined: state((value) => value !== undefined),
  toBeFalsy: state((value) => !value),
  toBeGreaterThan: comparison('>', (a, b) => a > b),
  toBeGreaterThanOrEqual: comparison('>=', (a, b) => a >= b),
  toBeInstanceOf: [
    'expected',
    (received, [expected]) => ({
      passed: received instanceof expected,
      rows: [
        ['Expected constructor', expected.name, 'green'],
        ['Received constructor', received?.constructor?.name ?? String(received), 'red'],
      ],
    }),
  ],
  toBeLessThan: comparison('<', (a, b) => a < b),
  toBeLessThanOrEqual: comparison('<=', (a, b) => a <= b),
  toBeNaN: state((value) => isNaN(value)),
  toBeNull: state((value) => value === null),
  toBeTruthy: state(Boolean),
  toBeUndefined: state((value) => value === undefined),
  toEqual: equality(deepEqual, quoted),
  toHaveLength: [
    'expected',
    (received, [expected]) => {
      const length = received?.length;
      if (length === undefined) throw new Error('toHaveLength is only supported for values with a length');
      const rows = [['Expected length', show(expected), 'green'], ['Received length', show(length), 'red']];
      const kind = Array.isArray(received) ? 'array' : typeof received;
      return { passed: length === expected, rows: [...rows, [`Received ${kind}`, show(received), 'red']] };
    },
  ],
  toContain: containing('toContain', 'contain', (a, b) => a === b),
  toContainEqual: containing('toContainEqual', 'contain equal', deepEqual),
  toHaveProperty: [
    'keyPath, expected?',
    (received, given, negated) => {
      if (typeof received !== 'object' || received === null) throw new Error('toHaveProperty is only supported for objects');
      const [path, expected] = given;
      const { has, value } = lookUp(received, path);
      const word = negated ? 'not to' : 'to';
      const wanted = given.length > 1 ? [`Expected property ${word} equal`, show(expected), 'green'] : [`Expected property ${word} exist`, ''];
      return {
        passed: has && (given.length < 2 || deepEqual(value, expected)),
        rows: [
          ['Property path', Array.isArray(path) ? path.join('.') : path, 'white'],
          wanted,
          ['Received object', show(received), 'red'],
        ],
      };
    },
  ],
};

// ---- matchers that look until it is so ------------------------------------------------------------------------------

const squeeze = (text) => text.replace(/[\u200b\u00ad]/g, '').replace(/\s+/g, ' ').trim();

/** Whether a text fits an expression or, blanks squeezed, another text (`whole`) or a part of it. */
function fitsText(text, expected, { ignoreCase = false } = {}, whole = true) {
  if (expected instanceof RegExp) {
    return new RegExp(expected.source, ignoreCase && !expected.flags.includes('i') ? `${expected.flags}i` : expected.flags).test(text);
  }
  const [left, right] = [text, expected].map((value) => (ignoreCase ? squeeze(value).toLowerCase() : squeeze(value)));
  return whole ? left === right : left.includes(right);
}

const yesNo = (ask, yes, no) => [
  '',
  0,
  async (received, _given, _options, negated) => {
    const passed = await received[ask]();
    return { passed, rows: [['Expected', negated ? no : yes, 'green'], ['Received', passed ? yes : no, 'red']] };
  },
];

const textual = (read, fits) => [
  'expected',
  1,
  async (received, [expected], options) => {
    const text = (await read(received, options)) ?? '';
    const shown = expected instanceof RegExp ? String(expected) : show(expected);
    return { passed: fits(text, expected, options), rows: [['Expected', shown, 'green'], ['Received', text, 'red']] };
  },
];

const readText = (received, { useInnerText = false } = {}) => (useInnerText ? received.innerText() : received.textContent());

// By name: the parentheses, how many values stand before the options, and the look.
const RETRYING = {
  toBeChecked: yesNo('isChecked', 'checked', 'unchecked'),
  toBeDisabled: yesNo('isDisabled', 'disabled', 'enabled'),
  toBeEditable: yesNo('isEditable', 'editable', 'uneditable'),
  toBeEnabled: yesNo('isEnabled', 'enabled', 'disabled'),
  toBeHidden: yesNo('isHidden', 'hidden', 'visible'),
  toBeVisible: yesNo('isVisible', 'visible', 'hidden'),
  toBeEmpty: [
    '',
    0,
    async (received) => {
      const isField = ['INPUT', 'TEXTAREA'].includes(await received.evaluate((node) => node.tagName));
      const text = (await (isField ? received.inputValue() : received.textContent())) ?? '';
      return { passed: text.trim() === '', rows: [['Expected', 'empty', 'green'], ['Received', text, 'red']] };
    },
  ],
  toContainText: textual(readText, (text, expected, options) => fitsText(text, expected, options, false)),
  toHaveText: textual(readText, fitsText),
  toHaveTitle: textual((page) => page.title(), fitsText),
  toHaveValue: textual((received) => received.inputValue(), (text, expected) => text === expected),
  toHaveAttribute: [
    'attribute, expected?',
    2,
    async (received, [name, expected]) => {
      const value = await received.getAttribute(name);
      const wanted = expected === undefined ? `attribute ${name}` : `${name}="${expected}"`;
      const found = value === null ? 'no such attribute' : `${name}="${value}"`;
      const passed = value !== null && (expected === undefined || value === expected);
      return { passed, rows: [['Expected', wanted, 'green'], ['Received', found, 'red']] };
    },
  ],
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks every `interval` ms until the result is the wanted one; gives the rows of the last look, or null. */
async function retry(look, negated, { timeout, interval }) {
  const end = Date.now() + timeout;
  while (true) {
    let rows;
    try {
      const result = await look();
      if (Boolean(result.passed) !== negated) return null;
      rows = result.rows;
    } catch (error) {
      rows = [['Received', String(error), 'red']];
    }
    if (Date.now() + interval > end) return rows;
    await pause(interval);
  }
}

// ---- expect ----------------------------------------------------------------------------------------------------

function matchersFor(received, config, negated) {
  const found = {};
  for (const [name, [given, test]] of Object.entries(MATCHERS)) {
    found[name] = (...values) => {
      const { passed, rows } = test(received, values, negated);
      if (Boolean(passed) === negated) fail([name, given], rows, config);
    };
  }
  // What asks a page or an element of a browser has its methods.
  if (received === null || typeof received !== 'object') return found;
  const isPage = typeof received.title === 'function' && typeof received.goto === 'function';
  const isLocator = typeof received.isVisible === 'function' && typeof received.inputValue === 'function';
  for (const [name, [given, count, look]] of Object.entries(RETRYING)) {
    if (name === 'toHaveTitle' ? !isPage : !isLocator) continue;
    found[name] = async (...values) => {
      const site = callSite(OWN);
      const last = values[count] ?? (typeof values[1] === 'object' ? values[1] : undefined) ?? {};
      const times = { ...config, ...last };
      const rows = await retry(() => look(received, values.slice(0, count || 0), last, negated), negated, times);
      if (rows) fail([name, given], rows, config, site);
    };
  }
  return found;
}

function makeExpect(config) {
  const start = (received, message, soft) => {
    const own = { ...config, soft, ...(message !== undefined && { message }) };
    const assertions = matchersFor(received, own, false);
    const negated = matchersFor(received, own, true);
    for (const [one, other] of [[assertions, negated], [negated, assertions]]) {
      Object.defineProperty(one, 'not', { enumerable: true, get: () => other });
    }
    return assertions;
  };
  const expect = (received, message) => start(received, message, config.soft);
  expect.soft = (received, message) => start(received, message, true);
  expect.configure = (changes) => makeExpect({ ...config, ...changes });
  Object.defineProperty(expect, 'config', { enumerable: true, get: () => ({ ...config }) });
  return expect;
}

/** Starts an assertion; `expect.soft` marks the test failed instead of ending it. */
export const expect = makeExpect({ ...DEFAULTS, ...fromEnvironment() });

export default { colorize, expect };
