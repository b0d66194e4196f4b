// CSV to rows and back (RFC 4180 and its sloppy relatives): the API of Papa Parse 5 for texts.

const RECORD_SEP = '\x1e';
const UNIT_SEP = '\x1f';
const BYTE_ORDER_MARK = '\ufeff';
const BAD_DELIMITERS = ['\r', '\n', '"', BYTE_ORDER_MARK];
const DEFAULT_DELIMITER = ',';
const GUESSED_DELIMITERS = [',', '\t', '|', ';', RECORD_SEP, UNIT_SEP];
const GUESS_ROWS = 10;
// Line ends are guessed from the start of the text, however long it is.
const GUESS_CHARACTERS = 1024 * 1024;
const EXTRA_FIELDS = '__parsed_extra';

const isBlankRow = (row, mode) =>
  mode === 'greedy' ? row.join('').trim() === '' : row.length === 1 && row[0] === '';

/** The line end that the text uses outside of quoted fields. */
function guessNewline(input, quote) {
  const quoted = new RegExp(`${escapeRegExp(quote)}[^]*?${escapeRegExp(quote)}`, 'gm');
  const text = input.slice(0, GUESS_CHARACTERS).replace(quoted, '');
  const returns = text.split('\r').length - 1;
  const firstReturn = text.indexOf('\r');
  const firstFeed = text.indexOf('\n');
  if (returns === 0 || (firstFeed >= 0 && firstFeed < firstReturn)) return '\n';
  return text.split('\r\n').length - 1 >= (returns + 1) / 2 ? '\r\n' : '\r';
}

const escapeRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Cuts a text into rows; `next()` gives {row, errors} or null at the end, and `cursor` says how far it came. */
class Tokenizer {
  constructor(input, format) {
    Object.assign(this, format);
    this.input = input;
    this.cursor = 0;
    this.done = input === '';
    this.rowNumber = 0;
    const escape = this.escapeChar;
    this.escapedQuote = new RegExp(escapeRegExp(escape) + escapeRegExp(this.quoteChar), 'g');
  }

  next() {
    while (!this.done) {
      if (this.comments && this.input.startsWith(this.comments, this.cursor)) {
        const end = this.input.indexOf(this.newline, this.cursor);
        if (end < 0) this.#finish();
        else this.cursor = end + this.newline.length;
        // A comment on the last line leaves no row behind, not even an empty one.
        if (this.cursor >= this.input.length) this.#finish();
        continue;
      }
      const result = this.#row();
      this.rowNumber++;
      return result;
    }
    return null;
  }

  #finish() {
    this.cursor = this.input.length;
    this.done = true;
  }

  #row() {
    const row = [];
    const errors = [];
    while (true) {
      const quoted = !this.plain && this.input[this.cursor] === this.quoteChar;
      const value = quoted ? this.#quotedField(errors) : this.#plainField();
      row.push(value);
      if (this.done) return { row, errors };
      if (this.input.startsWith(this.delimiter, this.cursor)) {
        this.cursor += this.delimiter.length;
        continue;
      }
      this.cursor += this.newline.length;
      return { row, errors };
    }
  }

  #plainField() {
    const delimiter = this.input.indexOf(this.delimiter, this.cursor);
    const newline = this.input.indexOf(this.newline, this.cursor);
    const ends = [delimiter, newline].filter((position) => position >= 0);
    const start = this.cursor;
    if (!ends.length) {
      this.#finish();
      return this.input.slice(start);
    }
    this.cursor = Math.min(...ends);
    return this.input.slice(start, this.cursor);
  }

  #quotedField(errors) {
    const { input, quoteChar } = this;
    const start = this.cursor + 1;
    const fault = (code, message) => errors.push({ type: 'Quotes', code, message, row: this.rowNumber, index: start });
    const value = (end) => input.slice(start, end).replace(this.escapedQuote, quoteChar);
    let from = start;
    while (true) {
      const quote = input.indexOf(quoteChar, from);
      if (quote < 0) {
        fault('MissingQuotes', 'Quoted field unterminated');
        this.#finish();
        return value(undefined);
      }
      if (this.escapeChar === quoteChar && input[quote + 1] === quoteChar) {
        from = quote + 2;
        continue;
      }
      if (this.escapeChar !== quoteChar && quote > start && input[quote - 1] === this.escapeChar) {
        from = quote + 1;
        continue;
      }
      const after = this.#endAfter(quote + 1);
      if (after >= 0) {
        this.cursor = after;
        if (after === input.length) this.#finish();
        return value(quote);
      }
      fault('InvalidQuotes', 'Trailing quote on quoted field is malformed');
      from = quote + 1;
    }
  }

  /** Where the delimiter, line end or end of text stands after a closing quote and blanks; -1 if neither follows. */
  #endAfter(position) {
    let at = position;
    while (this.input[at] === ' ' && !this.input.startsWith(this.delimiter, at)) at++;
    if (at === this.input.length) return position === at ? at : -1;
    return this.input.startsWith(this.delimiter, at) || this.input.startsWith(this.newline, at) ? at : -1;
  }
}

/** The delimiter whose rows have the steadiest and then the largest number of fields, at least two; or null. */
function guessDelimiter(input, format, config) {
  const skipsEmpty = config.skipEmptyLines;
  let best = null;
  let bestChange = Infinity;
  let mostFields = 0;
  for (const delimiter of config.delimitersToGuess ?? GUESSED_DELIMITERS) {
    const tokens = new Tokenizer(input, { ...format, delimiter });
    let change = 0;
    let previous = null;
    let fields = 0;
    let rows = 0;
    for (let i = 0; i < GUESS_ROWS; i++) {
      const next = tokens.next();
      if (!next) break;
      if (skipsEmpty && isBlankRow(next.row, skipsEmpty)) continue;
      rows++;
      fields += next.row.length;
      if (previous !== null) change += Math.abs(next.row.length - previous);
      previous = next.row.length;
    }
    const average = rows ? fields / rows : 0;
    if (change <= bestChange && average > mostFields && average > 1.99) {
      [best, bestChange, mostFields] = [delimiter, change, average];
    }
  }
  return best;
}

const NUMBER = /^\s*-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i;
const ISO_DATE = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d(:[0-5]\d(\.\d+)?)?([+-][0-2]\d:[0-5]\d|Z)$/;

/** Booleans, numbers that a double holds exactly, ISO dates with a time, and null for nothing. */
function typed(value) {
  if (value === 'true' || value === 'TRUE') return true;
  if (value === 'false' || value === 'FALSE') return false;
  if (NUMBER.test(value)) {
    const number = Number.parseFloat(value);
    return Math.abs(number) < 2 ** 53 ? number : value;
  }
  if (ISO_DATE.test(value)) return new Date(value);
  return value === '' ? null : value;
}

function typingOf(config) {
  const wanted = config.dynamicTyping;
  const cache = new Map();
  return (field) => {
    if (typeof wanted !== 'function') return (typeof wanted === 'object' && wanted ? wanted[field] : wanted) === true;
    if (!cache.has(field)) cache.set(field, wanted(field));
    return cache.get(field) === true;
  };
}

/** Turns token rows into what the user gets: objects with `header`, transformed and typed values. */
class RowShaper {
  constructor(config) {
    this.config = config;
    this.fields = null;
    this.count = 0;
    this.isTyped = typingOf(config);
  }

  takesHeader() {
    return Boolean(this.config.header) && this.fields === null;
  }

  setHeader(row) {
    const transform = this.config.transformHeader;
    this.fields = transform ? row.map((name, index) => transform(name, index)) : row;
  }

  shape(row, errors) {
    const number = this.count++;
    if (!this.config.header) return row.map((value, index) => this.#value(value, index));
    const { fields } = this;
    const shaped = {};
    row.forEach((text, index) => {
      const field = index < fields.length ? fields[index] : EXTRA_FIELDS;
      const value = this.#value(text, field);
      if (index < fields.length) shaped[field] = value;
      else (shaped[EXTRA_FIELDS] ??= []).push(value);
    });
    if (row.length !== fields.length) {
      const [code, word] = row.length > fields.length ? ['TooManyFields', 'many'] : ['TooFewFields', 'few'];
      const message = `Too ${word} fields: expected ${fields.length} fields but parsed ${row.length}`;
      errors.push({ type: 'FieldMismatch', code, message, row: number });
    }
    return shaped;
  }

  #value(text, field) {
    const value = this.config.transform ? this.config.transform(text, field) : text;
    return this.isTyped(field) && typeof value === 'string' ? typed(value) : value;
  }
}

function formatOf(config, input) {
  const quoteChar = config.quoteChar ?? '"';
  const comments = config.comments === true ? '#' : config.comments;
  const format = {
    quoteChar,
    escapeChar: config.escapeChar ?? quoteChar,
    comments: typeof comments === 'string' && !BAD_DELIMITERS.includes(comments) ? comments : null,
    newline: ['\n', '\r', '\r\n'].includes(config.newline) ? config.newline : guessNewline(input, quoteChar),
    plain: config.fastMode === true || (config.fastMode !== false && !input.includes(quoteChar)),
  };
  const errors = [];
  let delimiter = typeof config.delimiter === 'function' ? config.delimiter(input) : config.delimiter;
  if (!delimiter || BAD_DELIMITERS.includes(delimiter)) {
    delimiter = guessDelimiter(input, format, config);
    if (delimiter === null) {
      const message = `Unable to auto-detect delimiting character; defaulted to '${DEFAULT_DELIMITER}'`;
      errors.push({ type: 'Delimiter', code: 'UndetectableDelimiter', message });
    }
  }
  return [{ ...format, delimiter: delimiter ?? DEFAULT_DELIMITER }, errors];
}

/**
 * Parses a text: {data, errors, meta}. With `step` each row goes to it instead, with `chunk` all of them; a `step`
 * may stop with the second argument's abort().
 */
function parse(input, config = {}) {
  if (typeof input !== 'string') {
    throw new TypeError(`Papa.parse takes a text here, not ${input === null ? 'null' : typeof input}`);
  }
  if (config.download || config.worker) {
    throw new Error('Papa.parse: "download" and "worker" need a browser; fetch the text and parse it');
  }
  const text = config.beforeFirstChunk ? (config.beforeFirstChunk(input) ?? input) : input;
  const [format, errors] = formatOf(config, text);
  const tokens = new Tokenizer(text, format);
  const shaper = new RowShaper(config);
  let aborted = false;
  let truncated = false;
  const results = (data, faults) => ({
    data,
    errors: faults,
    meta: {
      delimiter: format.delimiter,
      linebreak: format.newline,
      aborted,
      truncated,
      cursor: tokens.cursor,
      ...(config.header && { fields: shaper.fields ?? [] }),
    },
  });
  const handle = {
    abort: () => {
      aborted = true;
    },
    pause: () => {
      throw new Error('Papa.parse: a text is parsed in one go and cannot be paused; use abort()');
    },
    resume: () => undefined,
  };
  const data = [];
  let last = null;
  while (!aborted) {
    if (config.preview > 0 && shaper.count >= config.preview) {
      truncated = !tokens.done;
      break;
    }
    const token = tokens.next();
    if (!token) break;
    if (config.skipEmptyLines && isBlankRow(token.row, config.skipEmptyLines)) {
      errors.push(...token.errors);
      continue;
    }
    const isHeader = shaper.takesHeader();
    errors.push(...token.errors);
    if (isHeader) {
      shaper.setHeader(token.row);
      continue;
    }
    const row = shaper.shape(token.row, errors);
    if (config.step) {
      last = results(row, errors.splice(0));
      config.step(last, handle);
    } else {
      data.push(row);
    }
  }
  const whole = config.step ? results(last?.data ?? [], []) : results(data, errors);
  if (config.chunk) config.chunk(whole, handle);
  config.complete?.(whole, input);
  return config.step || config.chunk ? undefined : whole;
}

const FORMULA = /^[=+\-@\t\r]/;

/** Writes one cell, in quotes where the text needs them or `quotes` asks for them. */
function cell(value, column, options) {
  if (value === null || value === undefined) return '';
  const { delimiter, quoteChar, escapeChar, quotes } = options;
  let text = value instanceof Date ? value.toISOString() : String(value);
  if (options.escapeFormulae && FORMULA.test(text)) text = `'${text}`;
  const escaped = text.replaceAll(quoteChar, () => escapeChar + quoteChar);
  const asked =
    quotes === true ||
    (typeof quotes === 'function' && quotes(value, column)) ||
    (Array.isArray(quotes) && quotes[column]);
  const needed =
    [...BAD_DELIMITERS, quoteChar, delimiter].some((part) => text.includes(part)) ||
    text.startsWith(' ') ||
    text.endsWith(' ');
  return asked || needed ? quoteChar + escaped + quoteChar : text;
}

/** The header (or null) and the rows of every form that unparse takes. */
function tableOf(input, columns) {
  if (Array.isArray(input)) {
    if (!input.length || Array.isArray(input[0])) return [null, input];
    if (typeof input[0] === 'object' && input[0] !== null) return [columns ?? Object.keys(input[0]), input];
  } else if (typeof input === 'object' && input !== null && Array.isArray(input.data)) {
    const first = input.data[0];
    const keys = first && !Array.isArray(first) ? Object.keys(first) : null;
    return [input.fields ?? input.meta?.fields ?? columns ?? keys, input.data];
  }
  throw new Error('Unable to serialize unrecognized input');
}

/**
 * Writes CSV from an array of arrays or objects, {fields, data}, or JSON of these. Options: quotes, quoteChar,
 * escapeChar, delimiter, header, newline, skipEmptyLines, columns, escapeFormulae.
 */
function unparse(input, config = {}) {
  const quoteChar = config.quoteChar ?? '"';
  const usable = typeof config.delimiter === 'string' && !BAD_DELIMITERS.some((bad) => config.delimiter.includes(bad));
  const options = {
    quoteChar,
    escapeChar: config.escapeChar ?? quoteChar,
    delimiter: usable && config.delimiter ? config.delimiter : DEFAULT_DELIMITER,
    quotes: config.quotes ?? false,
    escapeFormulae: config.escapeFormulae ?? false,
  };
  const [fields, rows] = tableOf(typeof input === 'string' ? JSON.parse(input) : input, config.columns);
  const write = (values) => values.map((value, column) => cell(value, column, options)).join(options.delimiter);
  const lines = fields?.length && config.header !== false ? [write(fields)] : [];
  for (const row of rows) {
    const values = Array.isArray(row) ? row : (fields ?? []).map((field) => row[field]);
    if (config.skipEmptyLines === 'greedy' && values.join('').trim() === '') continue;
    if (config.skipEmptyLines && values.length <= 1 && (values[0] ?? '') === '') continue;
    lines.push(write(values));
  }
  return lines.join(config.newline ?? '\r\n');
}

export { parse, unparse, BAD_DELIMITERS, BYTE_ORDER_MARK, RECORD_SEP, UNIT_SEP };

export default {
  parse,
  unparse,
  RECORD_SEP,
  UNIT_SEP,
  BYTE_ORDER_MARK,
  BAD_DELIMITERS,
  DefaultDelimiter: DEFAULT_DELIMITER,
  WORKERS_SUPPORTED: false,
};
