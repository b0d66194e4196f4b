// Queries of JSON by paths such as $..book[?(@.price < 10)].title: the API of the package jsonpath.

const NAME = /^[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff-]*/;
const SLICE = /^(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?)?$/;

const isContainer = (value) => value !== null && typeof value === 'object';

function fault(path, at) {
  return new Error(`jsonpath: ${JSON.stringify(path)} is no path: unexpected ${at < path.length ? JSON.stringify(path[at]) : 'end'} at ${at}`);
}

/** Where the bracket that opens at `start` is closed, quotes and brackets inside it aside. */
function closing(path, start) {
  const pairs = { '[': ']', '(': ')' };
  const open = [];
  for (let at = start; at < path.length; at++) {
    const char = path[at];
    if (char === '"' || char === "'") {
      for (at++; at < path.length && path[at] !== char; at++) if (path[at] === '\\') at++;
    } else if (char in pairs) open.push(pairs[char]);
    else if (char === open[open.length - 1] && open.pop() && open.length === 0) return at;
  }
  throw fault(path, path.length);
}

/** A quoted text without its quotes. */
function unquoted(text) {
  const inner = text.slice(1, -1);
  return text[0] === '"' ? JSON.parse(text) : inner.replace(/\\(['\\])/g, '$1');
}

/** The parts of a union, split where a comma stands outside quotes. */
const partsOf = (text) => text.match(/\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,"']+)+/g) ?? [];

function subscript(text, path, at) {
  const trimmed = text.trim();
  if (trimmed === '*') return { type: 'wildcard', value: '*' };
  if (/^\?\s*\(/.test(trimmed)) return { type: 'filter_expression', value: trimmed };
  if (trimmed.startsWith('(')) return { type: 'script_expression', value: trimmed };
  if (SLICE.test(trimmed)) return { type: 'slice', value: trimmed };
  if (/^-?\d+$/.test(trimmed)) return { type: 'numeric_literal', value: Number(trimmed) };
  if (/^(["']).*\1$/s.test(trimmed)) return { type: 'string_literal', value: unquoted(trimmed) };
  if (NAME.exec(trimmed)?.[0] === trimmed) return { type: 'identifier', value: trimmed };
  throw fault(path, at);
}

/** The steps of a path: each has an expression, a scope (child or descendant) and an operation. */
export function parse(path) {
  if (typeof path !== 'string' || path === '') throw new Error('jsonpath: the path is no text');
  const steps = [];
  let at = 0;
  if (path[0] === '$') {
    steps.push({ expression: { type: 'root', value: '$' } });
    at = 1;
  }
  while (at < path.length) {
    let scope = 'child';
    let is_member = at === 0;
    if (path.startsWith('..', at)) {
      scope = 'descendant';
      is_member = path[at + 2] !== '[';
      at += 2;
    } else if (path[at] === '.') {
      is_member = true;
      at += 1;
    }
    if (is_member) {
      const value = path[at] === '*' ? '*' : (NAME.exec(path.slice(at))?.[0] ?? /^\d+/.exec(path.slice(at))?.[0]);
      if (value === undefined) throw fault(path, at);
      const type = value === '*' ? 'wildcard' : 'identifier';
      steps.push({ expression: { type, value }, scope, operation: 'member' });
      at += value.length;
    } else if (path[at] === '[') {
      const end = closing(path, at);
      const inner = path.slice(at + 1, end);
      const parts = /^\s*\??\s*\(/.test(inner) ? [inner] : partsOf(inner);
      if (parts.length === 0) throw fault(path, at + 1);
      const read = parts.map((part) => subscript(part, path, at + 1));
      const expression = read.length === 1 ? read[0] : { type: 'union', value: read.map((one) => ({ expression: one })) };
      steps.push({ expression, scope, operation: 'subscript' });
      at = end + 1;
    } else throw fault(path, at);
  }
  return steps;
}

const compiled = new Map();

/** The expression of a filter or script as a function of the value that `@` stands for. */
function evaluator(text) {
  let made = compiled.get(text);
  if (made === undefined) {
    const body = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|@/g, (found) => (found === '@' ? '$_value' : found));
    made = new Function('$_value', '$', `return (${body.replace(/^\s*\?/, '')});`);
    compiled.set(text, made);
  }
  return (value, root) => {
    try {
      return made(value, root);
    } catch {
      // What is not there is no match.
      return undefined;
    }
  };
}

function sliced(value, text) {
  const [, first, last, step = '1'] = SLICE.exec(text);
  const by = Number(step);
  if (by === 0) throw new Error('jsonpath: the step of a slice is 0');
  const { length } = value;
  const bound = (given, otherwise) => {
    const number = given === undefined ? otherwise : Number(given);
    return given !== undefined && number < 0 ? number + length : number;
  };
  const keys = [];
  const start = bound(first, by > 0 ? 0 : length - 1);
  const end = bound(last, by > 0 ? length : -1);
  for (let at = start; by > 0 ? at < end : at > end; at += by) if (at >= 0 && at < length) keys.push(at);
  return keys;
}

/** The keys of `value` that an expression chooses. */
function chosen(value, { type, value: wanted }, root) {
  if (!isContainer(value)) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  switch (type) {
    case 'wildcard': return keys;
    case 'slice': return Array.isArray(value) ? sliced(value, wanted) : [];
    case 'filter_expression': {
      const test = evaluator(wanted);
      return keys.filter((key) => test(value[key], root));
    }
    case 'script_expression': return chosen(value, { type: 'identifier', value: evaluator(wanted)(value, root) }, root);
    case 'union': {
      const found = wanted.flatMap(({ expression }) => chosen(value, expression, root));
      return found.filter((key, i) => found.indexOf(key) === i);
    }
    default: {
      if (wanted === undefined || !Object.hasOwn(value, wanted)) return [];
      return [Array.isArray(value) && /^\d+$/.test(String(wanted)) ? Number(wanted) : wanted];
    }
  }
}

/** A node and all below it, itself first. */
function* descendants(node) {
  yield node;
  if (!isContainer(node.value)) return;
  const keys = Array.isArray(node.value) ? node.value.keys() : Object.keys(node.value);
  for (const key of keys) yield* descendants({ path: [...node.path, key], value: node.value[key] });
}

/** Each place that a path leads to, as `{ path, value }`. */
export function nodes(object, path, count) {
  if (!(object instanceof Object)) throw new Error('jsonpath: the object is neither an object nor a list');
  let found = [{ path: ['$'], value: object }];
  for (const { expression, scope } of typeof path === 'string' ? parse(path) : path) {
    if (expression.type === 'root') continue;
    const starts = scope === 'descendant' ? found.flatMap((node) => [...descendants(node)]) : found;
    found = starts.flatMap((node) => chosen(node.value, expression, object)
      .map((key) => ({ path: [...node.path, key], value: node.value[key] })));
  }
  return count === undefined ? found : found.slice(0, count);
}

export const query = (object, path, count) => nodes(object, path, count).map((node) => node.value);
export const paths = (object, path, count) => nodes(object, path, count).map((node) => node.path);

function container(object, path) {
  return path.slice(1, -1).reduce((value, key) => value[key], object);
}

/** The first value at a path; with a third argument it is set. */
export function value(object, path, given) {
  const [first] = nodes(object, path, 1);
  if (arguments.length < 3) return first?.value;
  const way = first?.path ?? ['$', ...(typeof path === 'string' ? parse(path) : path).slice(1).map((step) => step.expression.value)];
  let at = object;
  for (const [i, key] of way.slice(1, -1).entries()) at = at[key] ??= typeof way[i + 2] === 'number' ? [] : {};
  at[way[way.length - 1]] = given;
  return given;
}

/** What holds the first value at a path. */
export function parent(object, path) {
  const [first] = nodes(object, path, 1);
  return first === undefined ? undefined : container(object, first.path);
}

/** Replaces each value at a path by what `change` makes of it; the innermost come first. */
export function apply(object, path, change) {
  const found = nodes(object, path).sort((a, b) => b.path.length - a.path.length);
  for (const node of found) {
    const key = node.path[node.path.length - 1];
    const holder = container(object, node.path);
    node.value = change.call(object, holder[key]);
    holder[key] = node.value;
  }
  return found;
}

/** The text of a parsed path, or of the keys that `paths` gives. */
export function stringify(path) {
  if (typeof path === 'string') return path;
  return path.map((step, i) => {
    if (typeof step !== 'object') {
      if (i === 0 && step === '$') return '$';
      if (typeof step === 'number') return `[${step}]`;
      return NAME.exec(step)?.[0] === step ? `.${step}` : `[${JSON.stringify(step)}]`;
    }
    const { expression: { type, value: text }, scope, operation } = step;
    if (type === 'root') return '$';
    const shown = (one) => (one.type === 'string_literal' ? JSON.stringify(one.value) : String(one.value));
    const dots = scope === 'descendant' ? '..' : '';
    if (operation === 'member') return `${dots || '.'}${text}`;
    return `${dots}[${type === 'union' ? text.map((one) => shown(one.expression)).join(',') : shown(step.expression)}]`;
  }).join('');
}

export default { query, paths, nodes, value, parent, apply, parse, stringify };
