// Chai's BDD assertions as checks of k6 (expect, describe): the API of jslib's k6chaijs, that is of Chai 4.

import { check, group } from 'k6';
import exec from 'k6/execution';

const ANONYMOUS = '<anonymized>';
// Two versions that are still asked for by their URLs: checks with values in their names, and with values as tags.
const [, ASKED] = /\/k6chaijs\/(4\.3\.4\.\d)\//.exec(import.meta.url ?? '') ?? [];
const HAS_VALUES_IN_NAMES = ASKED === '4.3.4.0';
const HAS_VALUES_AS_TAGS = ASKED === '4.3.4.1';
// Both show values as Chai did before 4.3.5: texts whole, and no names of classes.
const IS_OLD = HAS_VALUES_IN_NAMES || HAS_VALUES_AS_TAGS;

const config = {
  includeStack: false,
  showDiff: true,
  truncateThreshold: 40,
  useProxy: true,
  proxyExcludedKeys: ['then', 'catch', 'inspect', 'toJSON'],
  deepEqual: null,
  truncateVariableThreshold: 100,
  truncateMsgThreshold: 300,
  aggregateChecks: !HAS_VALUES_IN_NAMES,
  logFailures: false,
  exitOnError: false,
};

// Names that only make a sentence of the chain.
const WORDS = 'to be been is and has have with that which at of same but does still also'.split(' ');

export class AssertionError extends Error {
  constructor(message, { showDiff = false, actual, expected, operator } = {}) {
    super(message);
    Object.defineProperty(this, 'message', { value: message, enumerable: true, writable: true, configurable: true });
    Object.assign(this, { showDiff, actual, expected, operator });
  }
}
AssertionError.prototype.name = 'AssertionError';

// ---- what values look like -------------------------------------------------------------------------

function type(value) {
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (typeof value === 'object' && value[Symbol.toStringTag]) return value[Symbol.toStringTag];
  return Object.prototype.toString.call(value).slice(8, -1);
}

const cutText = (text, room) => (text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text);

function inspectString(text, room) {
  const escaped = text.replace(/'/g, "\\'").replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
  return `'${cutText(escaped, room - 2)}'`;
}

/** Items between brackets as far as they fit, and how many do not. */
function inspectList(open, close, items, room, show) {
  if (!items.length) return open + close;
  const inner = room - open.length - close.length - 2;
  let text = '';
  for (let i = 0; i < items.length; i++) {
    const left = items.length - i;
    const isLast = left === 1;
    const budget = inner - text.length - (isLast ? 0 : `, …(${left - 1})`.length);
    const item = show(items[i], budget);
    if (item.length > budget && !(i === 0 && isLast && item.length <= inner)) {
      return `${open} ${text}…(${left}) ${close}`;
    }
    text += isLast ? item : `${item}, `;
  }
  return `${open} ${text} ${close}`;
}

function inspectObject(value, room, seen) {
  if (seen.includes(value)) return '[Circular]';
  const below = [...seen, value];
  const show = (item, budget) => inspectValue(item, budget, below);
  if (Array.isArray(value)) return inspectList('[', ']', value, room, show);
  const name = value.constructor?.name ?? '';
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return inspectList(`${name}[`, ']', [...value], room, show);
  }
  if (value instanceof Set) return inspectList('Set{', '}', [...value], room, show);
  const pair = (separator, showKey) => ([key, item], budget) => {
    const head = `${showKey(key, budget)}${separator}`;
    return head + inspectValue(item, budget - head.length, below);
  };
  if (value instanceof Map) return inspectList('Map{', '}', [...value], room, pair(' => ', show));
  const keyText = (key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`);
  const open = name === 'Object' || name === '' || IS_OLD ? '{' : `${name}{`;
  return inspectList(open, '}', Object.entries(value), room, pair(': ', keyText));
}

function inspectValue(value, room, seen = []) {
  if (typeof value === 'string') return inspectString(value, room);
  if (value === 0) return Object.is(value, -0) ? '-0' : IS_OLD ? '0' : '+0';
  if (IS_OLD && typeof value === 'function') return value.name ? `[Function: ${value.name}]` : '[Function]';
  if (IS_OLD && value instanceof Date && !Number.isNaN(value.getTime())) return value.toUTCString();
  if (IS_OLD && value instanceof Error) return `[${value}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name ? `[Function ${cutText(value.name, room - 11)}]` : '[Function]';
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Error || value instanceof RegExp) return cutText(String(value), room);
  return inspectObject(value, room, seen);
}

/** A value as messages show it; what is still too long is only outlined. */
function inspect(value) {
  const room = config.truncateThreshold || Infinity;
  const text = inspectValue(value, IS_OLD ? Infinity : room);
  if (text.length < room || typeof value !== 'object' || value === null) return text;
  if (Array.isArray(value)) return `[ Array(${value.length}) ]`;
  const keys = Object.keys(value);
  return `{ Object (${keys.length > 2 ? `${keys.slice(0, 2).join(', ')}, ...` : keys.join(', ')}) }`;
}

// ---- deep equality -----------------------------------------------------------------------------------

const isBox = (value) => value instanceof Number || value instanceof String || value instanceof Boolean;

/** Equality by structure and type: NaN equals NaN, -0 is not +0, cycles are followed once. */
function eql(a, b, seen = []) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (type(a) !== type(b)) return false;
  if (seen.some(([left, right]) => left === a && right === b)) return true;
  const below = [...seen, [a, b]];
  const same = (left, right) => eql(left, right, below);
  const lists = (left, right) => left.length === right.length && left.every((item, i) => same(item, right[i]));
  if (isBox(a) || a instanceof Date) return Object.is(a.valueOf(), b.valueOf());
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error) return a.name === b.name && a.message === b.message;
  if (a instanceof ArrayBuffer) return lists([...new Uint8Array(a)], [...new Uint8Array(b)]);
  if (ArrayBuffer.isView(a) && !(a instanceof DataView)) return lists([...a], [...b]);
  if (a instanceof Set) return a.size === b.size && [...a].every((item) => [...b].some((other) => same(item, other)));
  if (a instanceof Map) {
    return a.size === b.size && [...a].every((entry) => [...b].some((other) => same(entry, other)));
  }
  if (Array.isArray(a) && !lists(a, b)) return false;
  const keys = enumerableKeys(a);
  const others = enumerableKeys(b);
  return keys.length === others.length && keys.every((key) => others.includes(key) && same(a[key], b[key]));
}

function enumerableKeys(object) {
  const keys = [];
  for (const key in object) keys.push(key);
  const symbols = Object.getOwnPropertySymbols(object);
  return keys.concat(symbols.filter((key) => Object.prototype.propertyIsEnumerable.call(object, key)));
}

// ---- the assertion ----------------------------------------------------------------------------------

function flag(assertion, name, ...value) {
  if (!value.length) return assertion.__flags[name];
  [assertion.__flags[name]] = value;
  return undefined;
}

/** Fills the places of a message, `#{this}`, `#{act}` and `#{exp}`, with values. */
function fill(message, assertion, actual, expected, room = Infinity) {
  const show = (value) => cutShort(inspect(value), room);
  const shown = { this: flag(assertion, 'object'), act: actual, exp: expected };
  return message.replace(/#\{(this|act|exp)\}/g, (_, field) =>
    field === 'this' && flag(assertion, 'anonymized') ? ANONYMOUS : show(shown[field]),
  );
}

/** The check's name: without values that differ between iterations, unless `aggregateChecks` is off. */
function checkName(message, assertion, actual, expected) {
  const own = flag(assertion, 'message');
  const room = config.truncateVariableThreshold || Infinity;
  if (!config.aggregateChecks) {
    const prefix = own && message.startsWith('expected') ? `${own}: ` : '';
    return prefix + fill(message, assertion, actual, expected, room);
  }
  const subject = flag(assertion, 'anonymized') ? ANONYMOUS : (own ?? '${this}');
  const fields = { this: subject, act: '${actual}', exp: inspect(expected) };
  return cutShort(message.replace(/#\{(this|act|exp)\}/g, (_, field) => fields[field]), room);
}

const cutShort = (text, room) => (text.length > room ? `${text.slice(0, room)}...` : text);

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

/** Refuses properties that no assertion has, so that a misspelt one does not pass as undefined. */
const GUARD = {
  get(target, name, receiver) {
    if (typeof name !== 'symbol' && config.proxyExcludedKeys.indexOf(name) < 0 && !Reflect.has(target, name)) {
      let best = null;
      for (const known of Object.getOwnPropertyNames(Assertion.prototype)) {
        const apart = distance(name, known);
        if (apart < 4 && (best === null || apart < distance(name, best))) best = known;
      }
      throw new Error(`Invalid Chai property: ${name}${best === null ? '' : `. Did you mean "${best}"?`}`);
    }
    return Reflect.get(target, name, receiver);
  },
};

export class Assertion {
  constructor(object, message) {
    Object.defineProperty(this, '__flags', { value: { object, message } });
    if (config.useProxy) return new Proxy(this, GUARD);
  }

  get _obj() {
    return flag(this, 'object');
  }

  set _obj(value) {
    flag(this, 'object', value);
  }

  /** Records a check with the message; where it fails, ends the chain with an AssertionError. */
  assert(expression, message, negated, expected, actual) {
    const passed = Boolean(flag(this, 'negate') ? !expression : expression);
    const shown = arguments.length > 4 ? actual : flag(this, 'object');
    const told = flag(this, 'negate') ? negated : message;
    const text = HAS_VALUES_IN_NAMES ? told.replace(/ got #|(?= #\{act\} was thrown)/g, (found) => ` but${found}`) : told;
    const name = checkName(text, this, shown, expected);
    const tags = HAS_VALUES_AS_TAGS
      ? Object.fromEntries(
          [['this', flag(this, 'object')], ['actual', shown], ['expected', expected]].map(([tag, value]) => [
            tag, cutShort(inspect(value), config.truncateVariableThreshold || Infinity),
          ]),
        )
      : {};
    check(null, { [name]: passed }, tags);
    if (passed) return;
    if (config.logFailures) console.warn(name);
    if (config.exitOnError) exec.test.abort(name);
    const full = HAS_VALUES_IN_NAMES ? name : fill(text, this, shown, expected);
    throw new AssertionError(full, { actual: shown, expected });
  }

  static addProperty(name, getter) {
    Object.defineProperty(this.prototype, name, {
      configurable: true,
      get() {
        return getter.call(this) ?? this;
      },
    });
  }

  static addMethod(name, method) {
    this.prototype[name] = function (...given) {
      return method.apply(this, given) ?? this;
    };
  }

  /** A name that is a word of the chain (`behaviour` is called then) and a method. */
  static addChainableMethod(name, method, behaviour) {
    Object.defineProperty(this.prototype, name, {
      configurable: true,
      get() {
        const self = this;
        behaviour?.call(self);
        const call = (...given) => method.apply(self, given) ?? self;
        // The function's own properties would hide the assertion's.
        delete call.length;
        delete call.name;
        return Object.setPrototypeOf(call, self);
      },
    });
  }

  static overwriteMethod(name, make) {
    const original = this.prototype[name];
    this.addMethod(name, make(original));
  }

  static overwriteProperty(name, make) {
    const { get } = Object.getOwnPropertyDescriptor(this.prototype, name);
    this.addProperty(name, make(get));
  }
}

for (const word of WORDS) Assertion.addProperty(word, function () {});
for (const name of ['deep', 'nested', 'own', 'ordered']) {
  Assertion.addProperty(name, function () {
    flag(this, name, true);
  });
}
Assertion.addProperty('not', function () {
  flag(this, 'negate', true);
});
for (const [name, other] of [['any', 'all'], ['all', 'any']]) {
  Assertion.addProperty(name, function () {
    flag(this, name, true);
    flag(this, other, false);
  });
}

const properties = (names, getter) => names.split(' ').forEach((name) => Assertion.addProperty(name, getter));
const methods = (names, method) => names.split(' ').forEach((name) => Assertion.addMethod(name, method));

/** What a method fails with where its subject or argument has the wrong type: no check is recorded. */
function refuse(assertion, reason) {
  const label = flag(assertion, 'message');
  throw new AssertionError(label ? `${label}: ${reason}` : reason);
}

const label = (assertion, message) => {
  if (message !== undefined) flag(assertion, 'message', message);
};
/** Another assertion with the same label, for what a method requires first. */
const require_ = (assertion, object) => new Assertion(object, flag(assertion, 'message'));

// ---- properties -------------------------------------------------------------------------------------

const state = (names, test, message, negated, expected) =>
  properties(names, function () {
    const wanted = expected?.(flag(this, 'negate'));
    this.assert(test(flag(this, 'object')), `expected #{this} ${message}`, `expected #{this} ${negated}`, wanted);
  });

state('ok', Boolean, 'to be truthy', 'to be falsy');
state('true', (value) => value === true, 'to be true', 'to be false', (negate) => !negate);
state('false', (value) => value === false, 'to be false', 'to be true', (negate) => Boolean(negate));
state('null', (value) => value === null, 'to be null', 'not to be null');
state('undefined', (value) => value === undefined, 'to be undefined', 'not to be undefined');
state('NaN', Number.isNaN, 'to be NaN', 'not to be NaN');
state('exist exists', (value) => value !== null && value !== undefined, 'to exist', 'to not exist');
state('arguments Arguments', (value) => type(value) === 'Arguments', 'to be arguments', 'to not be arguments');
state('extensible', (value) => Object.isExtensible(value), 'to be extensible', 'to not be extensible');
state('sealed', (value) => Object.isSealed(value), 'to be sealed', 'to not be sealed');
state('frozen', (value) => Object.isFrozen(value), 'to be frozen', 'to not be frozen');
state('finite', Number.isFinite, 'to be a finite number', 'to not be a finite number');

properties('empty', function () {
  const value = flag(this, 'object');
  let count;
  if (typeof value === 'string' || Array.isArray(value) || ArrayBuffer.isView(value)) count = value.length;
  else if (value instanceof Map || value instanceof Set) count = value.size;
  else if (typeof value === 'object' && value !== null) count = Object.keys(value).length;
  else refuse(this, `.empty was passed non-string primitive ${inspect(value)}`);
  this.assert(count === 0, 'expected #{this} to be empty', 'expected #{this} not to be empty');
});

properties('itself', function () {
  flag(this, 'itself', true);
});

// k6's own: a response whose body is JSON.
Assertion.addMethod('validJsonBody', function () {
  let valid = true;
  try {
    const body = flag(this, 'object').json();
    valid = body !== undefined;
  } catch {
    valid = false;
  }
  const told = 'has valid json body';
  this.assert(flag(this, 'negate') ? !valid : valid, told, told, null, null);
});

// k6's own: the subject's value is not shown in checks.
Assertion.addMethod('anonymize', function () {
  flag(this, 'anonymized', true);
});

// ---- equality and order -------------------------------------------------------------------------------

methods('equal equals eq', function (expected, message) {
  label(this, message);
  if (flag(this, 'deep')) return this.eql(expected);
  const actual = flag(this, 'object');
  this.assert(actual === expected, 'expected #{this} to equal #{exp}', 'expected #{this} to not equal #{exp}', expected, actual);
});

methods('eql eqls', function (expected, message) {
  label(this, message);
  const actual = flag(this, 'object');
  const told = ['expected #{this} to deeply equal #{exp}', 'expected #{this} to not deeply equal #{exp}'];
  this.assert((config.deepEqual ?? eql)(actual, expected), ...told, expected, actual);
});

/** The number that a comparison looks at: the subject, or its length after `length` or `lengthOf`. */
function measured(assertion, limits, name) {
  const value = flag(assertion, 'object');
  const kinds = ['number', 'bigint'];
  const isSized = value instanceof Map || value instanceof Set;
  let found = value;
  if (flag(assertion, 'doLength')) {
    if (!isSized) require_(assertion, value).to.have.property('length');
    found = isSized ? value.size : value.length;
  } else if (!kinds.includes(typeof value) && !(value instanceof Date)) {
    refuse(assertion, `expected ${inspect(value)} to be a number or a date`);
  }
  for (const limit of limits) {
    const fits = found instanceof Date ? limit instanceof Date : kinds.includes(typeof limit);
    if (!fits) refuse(assertion, `the argument to ${name} must be a ${found instanceof Date ? 'date' : 'number'}`);
  }
  return [found, flag(assertion, 'doLength') ? (isSized ? 'size' : 'length') : null];
}

function comparison(names, test, words, opposite) {
  methods(names, function (limit, message) {
    label(this, message);
    const [found, part] = measured(this, [limit], names.split(' ')[0]);
    const told = part
      ? [`to have a ${part} ${words} #{exp} got #{act}`, `to not have a ${part} ${words} #{exp}`]
      : [`to be ${words} #{exp}`, `to be ${opposite} #{exp}`];
    this.assert(test(found, limit), `expected #{this} ${told[0]}`, `expected #{this} ${told[1]}`, limit, found);
  });
}

comparison('above gt greaterThan', (a, b) => a > b, 'above', 'at most');
comparison('least gte greaterThanOrEqual', (a, b) => a >= b, 'at least', 'below');
comparison('below lt lessThan', (a, b) => a < b, 'below', 'at least');
comparison('most lte lessThanOrEqual', (a, b) => a <= b, 'at most', 'above');

methods('within', function (low, high, message) {
  label(this, message);
  const [found, part] = measured(this, [low, high], 'within');
  const plain = (limit) => (limit instanceof Date ? limit.toISOString() : limit);
  const range = `within ${plain(low)}..${plain(high)}`;
  const told = part ? [`to have a ${part} ${range}`, `to not have a ${part} ${range}`] : [`to be ${range}`, `to not be ${range}`];
  this.assert(found >= low && found <= high, `expected #{this} ${told[0]}`, `expected #{this} ${told[1]}`);
});

methods('closeTo approximately', function (expected, delta, message) {
  label(this, message);
  const value = flag(this, 'object');
  require_(this, value).to.be.a('number');
  if (typeof expected !== 'number' || typeof delta !== 'number') {
    refuse(this, 'the arguments to closeTo or approximately must be numbers');
  }
  const told = `close to ${expected} +/- ${delta}`;
  this.assert(Math.abs(value - expected) <= delta, `expected #{this} to be ${told}`, `expected #{this} not to be ${told}`);
});

// ---- types ------------------------------------------------------------------------------------------------

function typeAssertion(name, message) {
  label(this, message);
  const wanted = name.toLowerCase();
  const article = 'aeiou'.includes(wanted[0]) ? 'an' : 'a';
  const value = flag(this, 'object');
  const fits = type(value).toLowerCase() === wanted || (wanted === 'function' && typeof value === 'function');
  this.assert(fits, `expected #{this} to be ${article} ${wanted}`, `expected #{this} not to be ${article} ${wanted}`);
}
Assertion.addChainableMethod('a', typeAssertion);
Assertion.addChainableMethod('an', typeAssertion);

methods('instanceof instanceOf', function (constructor, message) {
  label(this, message);
  if (typeof constructor !== 'function') {
    refuse(this, `The instanceof assertion needs a constructor but ${type(constructor)} was given.`);
  }
  const name = constructor.name || 'an unnamed constructor';
  const told = [`expected #{this} to be an instance of ${name}`, `expected #{this} to not be an instance of ${name}`];
  this.assert(flag(this, 'object') instanceof constructor, ...told);
});

methods('respondTo respondsTo', function (method, message) {
  label(this, message);
  const value = flag(this, 'object');
  const holder = typeof value === 'function' && !flag(this, 'itself') ? value.prototype : value;
  const told = inspect(method);
  this.assert(typeof holder?.[method] === 'function', `expected #{this} to respond to ${told}`, `expected #{this} to not respond to ${told}`);
});

methods('satisfy satisfies', function (matcher, message) {
  label(this, message);
  const told = inspect(matcher);
  this.assert(matcher(flag(this, 'object')), `expected #{this} to satisfy ${told}`, `expected #{this} to not satisfy${told}`);
});

methods('match matches', function (pattern, message) {
  label(this, message);
  this.assert(pattern.exec(flag(this, 'object')), `expected #{this} to match ${pattern}`, `expected #{this} not to match ${pattern}`);
});

methods('string', function (part, message) {
  label(this, message);
  const value = flag(this, 'object');
  require_(this, value).to.be.a('string');
  const told = inspect(part);
  this.assert(value.includes(part), `expected #{this} to contain ${told}`, `expected #{this} to not contain ${told}`);
});

// ---- properties of objects ---------------------------------------------------------------------------

/** The steps of a path such as `a.b[0].c`; a backslash takes dots and brackets as they are. */
function pathSteps(path) {
  const parts = path.match(/\[\d+\]|(?:\\.|[^.[\]\\])+/g) ?? [];
  return parts.map((part) => (/^\[\d+\]$/.test(part) ? part.slice(1, -1) : part.replace(/\\([.[\]])/g, '$1')));
}

function lookUp(value, name, { nested, own }) {
  if (!nested) return { has: own ? Object.hasOwn(value, name) : name in Object(value), found: value[name] };
  let current = value;
  for (const step of pathSteps(name)) {
    if (current === null || current === undefined || !(step in Object(current))) return { has: false, found: undefined };
    current = current[step];
  }
  return { has: true, found: current };
}

function propertyAssertion(name, expected, message) {
  label(this, message);
  const [isNested, isOwn, isDeep] = ['nested', 'own', 'deep'].map((it) => flag(this, it));
  const value = flag(this, 'object');
  if (isNested && isOwn) refuse(this, 'The "nested" and "own" flags cannot be combined.');
  if (value === null || value === undefined) refuse(this, 'Target cannot be null or undefined.');
  const { has, found } = lookUp(value, name, { nested: isNested, own: isOwn });
  const told = `${isDeep ? 'deep ' : ''}${isOwn ? 'own ' : ''}${isNested ? 'nested ' : ''}property ${inspect(name)}`;
  const withValue = arguments.length > 1;
  if (!flag(this, 'negate') || !withValue) {
    this.assert(has, `expected #{this} to have ${told}`, `expected #{this} to not have ${told}`);
  }
  if (withValue) {
    const same = isDeep ? eql(expected, found) : expected === found;
    const texts = [`expected #{this} to have ${told} of #{exp}, got #{act}`, `expected #{this} to not have ${told} of #{act}`];
    this.assert(has && same, ...texts, expected, found);
  }
  flag(this, 'object', found);
}
Assertion.addMethod('property', propertyAssertion);
methods('ownProperty haveOwnProperty', function (...given) {
  flag(this, 'own', true);
  propertyAssertion.apply(this, given);
});

methods('ownPropertyDescriptor haveOwnPropertyDescriptor', function (name, expected, message) {
  label(this, message);
  const found = Object.getOwnPropertyDescriptor(Object(flag(this, 'object')), name);
  const told = `own property descriptor for ${inspect(name)}`;
  if (found && expected !== undefined) {
    const head = `expected the ${told} on #{this}`;
    const texts = [`${head} to match #{exp}, got ${inspect(found)}`, `${head} to not match #{exp}`];
    this.assert(eql(expected, found), ...texts, expected, found);
  } else {
    this.assert(found, `expected #{this} to have an ${told}`, `expected #{this} to not have an ${told}`);
  }
  flag(this, 'object', found);
});

function lengthAssertion(expected, message) {
  label(this, message);
  const value = flag(this, 'object');
  const isSized = value instanceof Map || value instanceof Set;
  if (!isSized) require_(this, value).to.have.property('length');
  const part = isSized ? 'size' : 'length';
  const texts = [`expected #{this} to have a ${part} of #{exp} got #{act}`, `expected #{this} to not have a ${part} of #{act}`];
  this.assert(value[part] === expected, ...texts, expected, value[part]);
}
for (const name of ['length', 'lengthOf']) {
  Assertion.addChainableMethod(name, lengthAssertion, function () {
    flag(this, 'doLength', true);
  });
}

methods('keys key', function (first, ...more) {
  const value = flag(this, 'object');
  const isSized = value instanceof Map || value instanceof Set;
  const listed = Array.isArray(first) ? first : first && typeof first === 'object' && !isSized ? Object.keys(first) : [first, ...more];
  if (!listed.length || (first === undefined && !more.length)) refuse(this, 'keys required');
  const actual = isSized ? [...value.keys()] : enumerableKeys(value);
  const wanted = isSized ? listed : listed.map((key) => (typeof key === 'symbol' ? key : String(key)));
  const same = flag(this, 'deep') ? eql : (a, b) => a === b;
  const has = (key) => actual.some((known) => same(key, known));
  const isAny = flag(this, 'any');
  const fits = isAny ? wanted.some(has) : wanted.every(has) && (flag(this, 'contains') || wanted.length === actual.length);
  const texts = wanted.map(inspect);
  const last = texts.pop();
  const list = texts.length ? `keys ${texts.join(', ')}, ${isAny ? 'or' : 'and'} ${last}` : `key ${last}`;
  const told = `${flag(this, 'deep') ? 'deeply ' : ''}${flag(this, 'contains') ? 'contain' : 'have'} ${list}`;
  this.assert(fits, `expected #{this} to ${told}`, `expected #{this} to not ${told}`, wanted, actual);
});

// ---- members --------------------------------------------------------------------------------------------------

function includeObject(assertion, expected) {
  const value = flag(assertion, 'object');
  const keys = Object.keys(expected);
  const one = (key) => {
    const other = require_(assertion, value);
    Object.assign(other.__flags, assertion.__flags);
    other.property(key, expected[key]);
  };
  if (!flag(assertion, 'negate') || keys.length === 1) return keys.forEach(one);
  // Not all of them: one property that differs is enough.
  let first = null;
  for (const key of keys) {
    try {
      one(key);
      return undefined;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

function includeAssertion(expected, message) {
  label(this, message);
  const value = flag(this, 'object');
  const isDeep = flag(this, 'deep');
  const same = isDeep ? eql : (a, b) => a === b || (a !== a && b !== b);
  let included;
  if (typeof value === 'string') included = value.includes(expected);
  else if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Set) {
    included = [...value].some((item) => same(item, expected));
  } else if (value instanceof Map) included = [...value.values()].some((item) => same(item, expected));
  else if (value instanceof WeakSet) included = value.has(expected);
  else if (expected !== Object(expected) || value === null || value === undefined) {
    refuse(this, `the given combination of arguments (${type(value).toLowerCase()} and ${type(expected).toLowerCase()}) is invalid for this assertion`);
  } else return includeObject(this, expected);
  const told = `${isDeep ? 'deep ' : ''}include ${inspect(expected)}`;
  this.assert(included, `expected #{this} to ${told}`, `expected #{this} to not ${told}`);
}
for (const name of ['include', 'includes', 'contain', 'contains']) {
  Assertion.addChainableMethod(name, includeAssertion, function () {
    flag(this, 'contains', true);
  });
}

function isSubset(subset, superset, same, isOrdered, isPart) {
  if (!isPart && subset.length !== superset.length) return false;
  if (isOrdered) return subset.every((item, i) => i < superset.length && same(item, superset[i]));
  const left = [...superset];
  return subset.every((item) => {
    const at = left.findIndex((other) => same(item, other));
    if (at < 0) return false;
    if (!isPart) left.splice(at, 1);
    return true;
  });
}

methods('members', function (subset, message) {
  label(this, message);
  const value = flag(this, 'object');
  require_(this, value).to.be.an('array');
  require_(this, subset).to.be.an('array');
  const [isPart, isOrdered] = [flag(this, 'contains'), flag(this, 'ordered')];
  const order = isOrdered ? 'ordered ' : '';
  const told = isPart
    ? [`to be ${isOrdered ? 'an ordered' : 'a'} superset of #{exp}`, `to not be ${isOrdered ? 'an ordered' : 'a'} superset of #{exp}`]
    : [`to have the same ${order}members as #{exp}`, `to not have the same ${order}members as #{exp}`];
  const same = flag(this, 'deep') ? eql : (a, b) => a === b;
  const fits = isSubset(subset, value, same, isOrdered, isPart);
  this.assert(fits, `expected #{this} ${told[0]}`, `expected #{this} ${told[1]}`, subset, value);
});

methods('oneOf', function (list, message) {
  label(this, message);
  const value = flag(this, 'object');
  require_(this, list).to.be.an('array');
  const same = flag(this, 'deep') ? eql : (a, b) => a === b;
  const isPart = flag(this, 'contains');
  const has = (item) => (typeof value === 'string' ? value.includes(item) : value.some((own) => same(own, item)));
  const fits = isPart ? list.some(has) : list.some((item) => same(value, item));
  const words = isPart ? 'contain one of' : 'be one of';
  this.assert(fits, `expected #{this} to ${words} #{exp}`, `expected #{this} to not ${words} #{exp}`, list, value);
});

// ---- functions ------------------------------------------------------------------------------------------------

const fitsMessage = (error, pattern) => {
  const text = error instanceof Error ? error.message : String(error);
  return pattern instanceof RegExp ? pattern.test(text) : text.includes(pattern);
};

methods('throw throws Throw', function (wanted, pattern, message) {
  label(this, message);
  const body = flag(this, 'object');
  require_(this, body).is.a('function');
  const isPattern = wanted instanceof RegExp || typeof wanted === 'string';
  const kind = isPattern ? undefined : wanted;
  const text = isPattern ? wanted : pattern;
  let caught;
  let threw = false;
  try {
    body();
  } catch (error) {
    [caught, threw] = [error, true];
  }
  const isInstance = kind instanceof Error;
  const shown = isInstance ? String(kind) : (kind?.name ?? 'an error');
  const caughtText = caught instanceof Error ? String(caught) : caught;
  const fitsKind = threw && (kind === undefined || kind === null || (isInstance ? caught === kind : caught instanceof kind));
  const fitsText = text === undefined || (threw && fitsMessage(caught, text));
  const negate = flag(this, 'negate');
  if (!negate || (kind === undefined && text === undefined)) {
    const told = kind ? (isInstance ? '#{exp}' : shown) : 'an error';
    this.assert(threw, `expected #{this} to throw ${told}`, 'expected #{this} to not throw an error #{act} was thrown', shown, caughtText);
  }
  // What follows is recorded only where it decides against the assertion.
  if (kind && (negate ? fitsKind && fitsText : !fitsKind)) {
    const texts = ['expected #{this} to throw #{exp} #{act} was thrown', 'expected #{this} to not throw #{exp} #{act} was thrown'];
    this.assert(fitsKind, ...texts, shown, caughtText);
  } else if (text !== undefined && (negate ? fitsKind && fitsText : !fitsText)) {
    const word = text instanceof RegExp ? 'matching' : 'including';
    const texts = [
      `expected #{this} to throw error ${word} #{exp} got #{act}`,
      `expected #{this} to throw error not ${word} #{exp}`,
    ];
    this.assert(fitsText, ...texts, text, caught instanceof Error ? caught.message : caught);
  }
  flag(this, 'object', caught);
});

function changeAssertion(names, test, verb) {
  methods(names, function (subject, name, message) {
    label(this, message);
    const body = flag(this, 'object');
    require_(this, body).is.a('function');
    if (name) require_(this, subject).to.have.property(name);
    else require_(this, subject).is.a('function');
    const read = () => (name ? subject[name] : subject());
    const before = read();
    if (verb !== 'change') require_(this, before).is.a('number');
    body();
    const after = read();
    const what = name ? `.${name}` : inspect(before);
    Object.assign(this.__flags, { deltaSubject: what, deltaVerb: verb, delta: after - before });
    this.assert(test(before, after), `expected ${what} to ${verb}`, `expected ${what} to not ${verb}`);
  });
}
changeAssertion('change changes', (before, after) => before !== after, 'change');
changeAssertion('increase increases', (before, after) => after > before, 'increase');
changeAssertion('decrease decreases', (before, after) => after < before, 'decrease');

methods('by', function (delta, message) {
  label(this, message);
  const [what, verb, found] = ['deltaSubject', 'deltaVerb', 'delta'].map((it) => flag(this, it));
  const change = verb === 'change' ? Math.abs(found) === Math.abs(delta) : found === (verb === 'decrease' ? -delta : delta);
  this.assert(change, `expected ${what} to ${verb} by ${delta}`, `expected ${what} to not ${verb} by ${delta}`);
});

// ---- what scripts call ----------------------------------------------------------------------------------------

/** Starts a chain about `value`; `message` names it in checks. */
export function expect(value, message) {
  return new Assertion(value, message);
}
expect.fail = (actual, expected, message) => {
  throw new AssertionError(message ?? (expected === undefined && actual !== undefined ? String(actual) : 'expect.fail()'), { actual, expected });
};

/** A group whose exceptions become a failed check; true if nothing in it failed. */
export function describe(name, body) {
  let passed = true;
  group(name, () => {
    try {
      body();
    } catch (error) {
      passed = false;
      if (error instanceof AssertionError) return;
      console.error(`Exception raised in test "${name}". Failing the test and continuing. \n${error}`);
      check(null, { [`Exception raised "${error}"`]: false });
    }
  });
  return passed;
}

const util = {
  eql,
  expectTypes: (assertion, types) => {
    const known = type(flag(assertion, 'object')).toLowerCase();
    if (!types.includes(known)) refuse(assertion, `object tested must be ${types.join(', ')}, but ${known} given`);
  },
  flag,
  inspect,
  objDisplay: inspect,
  type,
  transferFlags: (from, to) => Object.assign(to.__flags, from.__flags),
  addMethod: (target, name, method) => target.constructor.addMethod.call({ prototype: target }, name, method),
  addProperty: (target, name, getter) => target.constructor.addProperty.call({ prototype: target }, name, getter),
  addChainableMethod: (target, name, method, behaviour) =>
    target.constructor.addChainableMethod.call({ prototype: target }, name, method, behaviour),
};

const plugins = new Set();

export const chai = {
  version: '4.5.0',
  AssertionError,
  Assertion,
  config,
  expect,
  util,
  use(plugin) {
    if (!plugins.has(plugin)) {
      plugins.add(plugin);
      plugin(chai, util);
    }
    return chai;
  },
};
for (const name of ['assert', 'should', 'Should']) {
  Object.defineProperty(chai, name, {
    get() {
      throw new Error(`k6chaijs: "${name}" is not available; write expect(...)`);
    },
  });
}

export default chai;
