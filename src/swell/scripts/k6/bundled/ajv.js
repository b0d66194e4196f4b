// JSON Schema (draft 7) with the errors of Ajv 6: its API without custom keywords and remote schemas.

const equal = (a, b) => {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

const TYPES = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: isObject,
};

const DATE = /^(\d\d\d\d)-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(z|[+-]\d\d(?::?\d\d)?)?$/i;

function isDate(text) {
  const found = DATE.exec(text);
  if (found === null) return false;
  const [, year, month, day] = found.map(Number);
  const days = [31, year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

function isTime(text, needs_zone) {
  const found = TIME.exec(text);
  if (found === null || (needs_zone && found[4] === undefined)) return false;
  const [hour, minute, second] = [1, 2, 3].map((at) => Number(found[at]));
  return (hour < 24 && minute < 60 && second < 60) || (hour === 23 && minute === 59 && second === 60);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function isIPv6(text) {
  const [head, tail, ...more] = text.split('::');
  if (more.length || /[^\da-f:.]/i.test(text) || text === '') return false;
  const groups = [head, tail].filter((part) => part).flatMap((part) => part.split(':'));
  const last = groups[groups.length - 1] ?? '';
  const count = groups.length + (last.includes('.') ? 1 : 0);
  const all_fit = groups.every((group, i) => /^[\da-f]{1,4}$/i.test(group) || (i === groups.length - 1 && IPV4.test(group)));
  return all_fit && (tail === undefined ? count === 8 : count < 8);
}

const FORMATS = {
  date: isDate,
  time: (text) => isTime(text, false),
  'date-time': (text) => {
    const parts = text.split(/t|\s/i);
    return parts.length === 2 && isDate(parts[0]) && isTime(parts[1], true);
  },
  email: /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i,
  hostname: /^(?=.{1,253}\.?$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i,
  ipv4: IPV4,
  ipv6: isIPv6,
  uri: /^[a-z][a-z0-9+\-.]*:[^\s<>"{}|\\^`]+$/i,
  url: /^(?:https?|ftp):\/\/[^\s/$.?#][^\s]*$/i,
  'uri-reference': /^(?:[a-z][a-z0-9+\-.]*:)?[^\s<>"{}|\\^`]*$/i,
  uuid: /^(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  'json-pointer': /^(?:\/(?:[^~/]|~0|~1)*)*$/,
  'relative-json-pointer': /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~/]|~0|~1)*)*)$/,
  regex: (text) => {
    try {
      return Boolean(new RegExp(text, 'u'));
    } catch {
      return false;
    }
  },
};

// With the option coerceTypes: a value of each type from others.
const COERCIONS = {
  string: (value) => (value === null ? '' : String(value)),
  number: (value) => (value === '' ? undefined : Number(value)),
  integer: (value) => (value === '' ? undefined : Number(value)),
  boolean: (value) => ([true, 'true', 1].includes(value) ? true : [false, 'false', 0, null].includes(value) ? false : undefined),
  null: (value) => (['', 0, false].includes(value) ? null : undefined),
};

// A text's length in code points.
const lengthOf = (text) => [...text].length;
const pointer = (key) => encodeURIComponent(String(key).replace(/~/g, '~0').replace(/\//g, '~1'));
const property = (key) => {
  if (typeof key === 'number') return `[${key}]`;
  return /^[a-z$_][a-z$_0-9]*$/i.test(key) ? `.${key}` : `['${key.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}']`;
};

/** A limit: what is measured, whether it holds, and how a breach is told. */
const limit = (holds, message, params = (given) => ({ limit: given })) => (given, value) => (
  holds(value, given) ? undefined : { message: message(given), params: params(given) }
);
const compared = (comparison, exclusive, holds) => limit(holds, (given) => `should be ${comparison} ${given}`,
  (given) => ({ comparison, limit: given, exclusive }));

// Keyword -> the kind of value that it is about, and its test.
const SIMPLE = {
  enum: [null, limit((value, given) => Array.isArray(given) && given.some((one) => equal(one, value)), () => 'should be equal to one of the allowed values',
    (given) => ({ allowedValues: given }))],
  const: [null, limit((value, given) => equal(value, given), () => 'should be equal to constant', (given) => ({ allowedValue: given }))],
  maximum: ['number', compared('<=', false, (value, given) => value <= given)],
  minimum: ['number', compared('>=', false, (value, given) => value >= given)],
  exclusiveMaximum: ['number', compared('<', true, (value, given) => value < given)],
  exclusiveMinimum: ['number', compared('>', true, (value, given) => value > given)],
  multipleOf: ['number', limit((value, given) => Number.isInteger(value / given), (given) => `should be multiple of ${given}`,
    (given) => ({ multipleOf: given }))],
  maxLength: ['string', limit((value, given) => lengthOf(value) <= given, (given) => `should NOT be longer than ${given} characters`)],
  minLength: ['string', limit((value, given) => lengthOf(value) >= given, (given) => `should NOT be shorter than ${given} characters`)],
  pattern: ['string', limit((value, given) => new RegExp(given).test(value), (given) => `should match pattern "${given}"`,
    (given) => ({ pattern: given }))],
  maxItems: ['array', limit((value, given) => value.length <= given, (given) => `should NOT have more than ${given} items`)],
  minItems: ['array', limit((value, given) => value.length >= given, (given) => `should NOT have fewer than ${given} items`)],
  maxProperties: ['object', limit((value, given) => Object.keys(value).length <= given, (given) => `should NOT have more than ${given} properties`)],
  minProperties: ['object', limit((value, given) => Object.keys(value).length >= given, (given) => `should NOT have fewer than ${given} properties`)],
};

/** One validation: where it stands in the data and the schema, and what was found. */
class Run {
  constructor(ajv, root) {
    this.ajv = ajv;
    this.root = root;
    this.errors = [];
  }

  fail(keyword, data, schema, message, params) {
    const error = { keyword, dataPath: data.path, schemaPath: `${schema.path}/${keyword}`, params, message };
    if (keyword === 'false schema') error.schemaPath = `${schema.path}/false schema`;
    this.errors.push(error);
    return false;
  }

  /** Whether a schema holds; its errors are kept. */
  holds(schema, path, data) {
    if (typeof schema === 'boolean') {
      return schema || this.fail('false schema', data, { path }, 'boolean schema is false', {});
    }
    const at = { schema, path };
    if (schema.$ref !== undefined) return this.#reference(schema.$ref, at, data);
    const { allErrors } = this.ajv.options;
    let all_hold = true;
    for (const check of [this.#type, this.#simple, this.#format, this.#array, this.#object, this.#combined, this.#conditional]) {
      all_hold = check.call(this, at, data) && all_hold;
      if (!all_hold && !allErrors) return false;
    }
    return all_hold;
  }

  /** What a keyword is given: itself, or with the option `$data` what its JSON pointer finds in the data. */
  #given(given, data) {
    if (!this.ajv.options.$data || !isObject(given) || typeof given.$data !== 'string') return given;
    const [, up, rest] = /^(\d*)(.*)$/s.exec(given.$data);
    let at = data;
    // Without a number the pointer starts at the root.
    for (let left = up === '' ? Infinity : Number(up); left > 0 && at.parent !== undefined; left--) at = at.parent;
    return rest === '#' ? at.key : part(at.value, rest);
  }

  /** A value of another type as the schema wants it, where there is one of the same meaning; undefined if not. */
  #coerced(types, data) {
    const { value } = data;
    if (!this.ajv.options.coerceTypes || data.parent === undefined || (value !== null && typeof value === 'object')) return undefined;
    for (const type of types) {
      const found = COERCIONS[type]?.(value);
      if (found === undefined || !TYPES[type](found)) continue;
      data.value = found;
      data.parent.value[data.key] = found;
      return found;
    }
    return undefined;
  }

  /** Whether a schema holds, its errors apart. */
  #trial(schema, path, data) {
    const before = this.errors;
    this.errors = [];
    const it_holds = this.holds(schema, path, data);
    const found = this.errors;
    this.errors = before;
    return [it_holds, found];
  }

  #reference(reference, { path }, data) {
    const target = this.ajv.resolve(reference, this.root);
    if (target === undefined) throw new Error(`can't resolve reference ${reference} from id ${this.root.$id ?? '#'}`);
    const outer = this.root;
    this.root = target.root;
    const it_holds = this.holds(target.schema, reference.startsWith('#') ? reference : `${path}/$ref`, data);
    this.root = outer;
    return it_holds;
  }

  #type({ schema, path }, data) {
    if (schema.type === undefined) return true;
    const types = [schema.type].flat();
    if (types.some((type) => TYPES[type](data.value)) || (this.ajv.options.nullable && schema.nullable && data.value === null)) return true;
    if (this.#coerced(types, data) !== undefined) return true;
    const listed = types.join(',');
    return this.fail('type', data, { path }, `should be ${listed}`, { type: listed });
  }

  #simple(at, data) {
    let all_hold = true;
    for (const [keyword, [kind, test]] of Object.entries(SIMPLE)) {
      const given = this.#given(at.schema[keyword], data);
      if (given === undefined || (kind !== null && !TYPES[kind](data.value))) continue;
      const breach = test(given, data.value);
      if (breach === undefined) continue;
      all_hold = this.fail(keyword, data, at, breach.message, breach.params);
      if (!this.ajv.options.allErrors) return false;
    }
    return all_hold;
  }

  #format(at, data) {
    const format = this.#given(at.schema.format, data);
    if (format === undefined || this.ajv.options.format === false || typeof data.value !== 'string') return true;
    const test = this.ajv.formats[format];
    if (test === undefined) {
      if (this.ajv.options.unknownFormats === 'ignore' || this.ajv.options.unknownFormats?.includes?.(format)) return true;
      throw new Error(`unknown format "${format}" is used in schema at path "${at.path}"`);
    }
    const holds = test instanceof RegExp ? test.test(data.value) : test(data.value);
    return holds || this.fail('format', data, at, `should match format "${format}"`, { format });
  }

  /** Whether all of the parts hold; after the first that does not the rest is left out unless all errors are wanted. */
  #every(parts) {
    let all_hold = true;
    for (const part of parts) {
      if (part()) continue;
      all_hold = false;
      if (!this.ajv.options.allErrors) break;
    }
    return all_hold;
  }

  /** Whether a part of the data holds; what no schema names is told in brackets, as Ajv does. */
  #below(schema, path, data, key, isNamed = true) {
    const step = isNamed ? property(key) : `['${key.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}']`;
    return this.holds(schema, path, { value: data.value[key], path: data.path + step, parent: data, key });
  }

  #array(at, data) {
    const { schema, path } = at;
    const { value } = data;
    if (!Array.isArray(value)) return true;
    const parts = [];
    if (Array.isArray(schema.items)) {
      schema.items.slice(0, value.length).forEach((item, i) => parts.push(() => this.#below(item, `${path}/items/${i}`, data, i)));
      const { additionalItems } = schema;
      const known = schema.items.length;
      if (additionalItems === false && value.length > known) {
        parts.push(() => this.fail('additionalItems', data, at, `should NOT have more than ${known} items`, { limit: known }));
      } else if (isObject(additionalItems)) {
        for (let i = known; i < value.length; i++) parts.push(() => this.#below(additionalItems, `${path}/additionalItems`, data, i));
      }
    } else if (schema.items !== undefined) {
      value.forEach((_, i) => parts.push(() => this.#below(schema.items, `${path}/items`, data, i)));
    }
    if (this.#given(schema.uniqueItems, data)) parts.push(() => this.#unique(at, data));
    if (schema.contains !== undefined) {
      parts.push(() => value.some((one, i) => this.#trial(schema.contains, `${path}/contains`, { value: one, path: data.path + property(i) })[0])
        || this.fail('contains', data, at, 'should contain a valid item', {}));
    }
    return this.#every(parts);
  }

  #unique(at, data) {
    const { value } = data;
    for (let i = value.length - 1; i > 0; i--) {
      for (let j = i - 1; j >= 0; j--) {
        if (equal(value[i], value[j])) {
          const message = `should NOT have duplicate items (items ## ${j} and ${i} are identical)`;
          return this.fail('uniqueItems', data, at, message, { i, j });
        }
      }
    }
    return true;
  }

  #object(at, data) {
    const { schema, path } = at;
    const { value } = data;
    if (!isObject(value)) return true;
    const { properties = {}, patternProperties = {}, additionalProperties, dependencies = {}, propertyNames } = schema;
    if (this.ajv.options.useDefaults) {
      for (const [key, one] of Object.entries(properties)) if (value[key] === undefined && one.default !== undefined) value[key] = structuredCopy(one.default);
    }
    const has = (key) => Object.hasOwn(value, key) && value[key] !== undefined;
    const parts = [];
    for (const key of this.#given(schema.required, data) ?? []) {
      if (has(key)) continue;
      // Of the first breach only, Ajv tells the path of what has no schema of its own.
      const told = this.ajv.options.allErrors || Object.hasOwn(properties, key) ? key : property(key);
      const shown = told === key ? property(key).replace(/^\./, '') : told;
      parts.push(() => this.fail('required', data, at, `should have required property '${shown}'`, { missingProperty: told }));
    }
    if (propertyNames !== undefined) for (const key of Object.keys(value)) parts.push(() => this.#named(at, data, key));
    for (const [key, wanted] of Object.entries(dependencies)) if (has(key)) parts.push(() => this.#depends(at, data, key, wanted));
    const patterns = Object.keys(patternProperties).map((pattern) => [pattern, new RegExp(pattern)]);
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(properties, key) || patterns.some(([, test]) => test.test(key))) continue;
      if (additionalProperties === false && this.ajv.options.removeAdditional) delete value[key];
      else if (additionalProperties === false) {
        parts.push(() => this.fail('additionalProperties', data, at, 'should NOT have additional properties', { additionalProperty: key }));
      } else if (isObject(additionalProperties)) {
        parts.push(() => this.#below(additionalProperties, `${path}/additionalProperties`, data, key, false));
      }
    }
    for (const [key, one] of Object.entries(properties)) {
      if (has(key)) parts.push(() => this.#below(one, `${path}/properties/${pointer(key)}`, data, key));
    }
    for (const [pattern, test] of patterns) {
      for (const key of Object.keys(value)) {
        if (test.test(key)) parts.push(() => this.#below(patternProperties[pattern], `${path}/patternProperties/${pointer(pattern)}`, data, key, false));
      }
    }
    return this.#every(parts);
  }

  #named(at, data, key) {
    const [it_holds, found] = this.#trial(at.schema.propertyNames, `${at.path}/propertyNames`, { value: key, path: data.path });
    if (it_holds) return true;
    this.errors.push(...found.map((error) => ({ ...error, propertyName: key })));
    return this.fail('propertyNames', data, at, `property name '${key}' is invalid`, { propertyName: key });
  }

  #depends(at, data, key, wanted) {
    if (!Array.isArray(wanted)) return this.holds(wanted, `${at.path}/dependencies/${pointer(key)}`, data);
    const missing = wanted.filter((one) => data.value[one] === undefined);
    if (missing.length === 0) return true;
    const deps = wanted.join(', ');
    const message = `should have ${wanted.length === 1 ? 'property' : 'properties'} ${deps} when property ${key} is present`;
    const told = this.ajv.options.allErrors ? missing[0] : property(missing[0]);
    return this.fail('dependencies', data, at, message, { property: key, missingProperty: told, depsCount: wanted.length, deps });
  }

  #combined(at, data) {
    const { schema, path } = at;
    const tried = (keyword) => schema[keyword].map((one, i) => this.#trial(one, `${path}/${keyword}/${i}`, data));
    const parts = [];
    if (schema.not !== undefined) {
      parts.push(() => !this.#trial(schema.not, `${path}/not`, data)[0] || this.fail('not', data, at, 'should NOT be valid', {}));
    }
    if (schema.anyOf) {
      parts.push(() => {
        const results = tried('anyOf');
        if (results.some(([it_holds]) => it_holds)) return true;
        this.errors.push(...results.flatMap(([, found]) => found));
        return this.fail('anyOf', data, at, 'should match some schema in anyOf', {});
      });
    }
    if (schema.oneOf) {
      parts.push(() => {
        const results = tried('oneOf');
        const passing = results.flatMap(([it_holds], i) => (it_holds ? [i] : []));
        if (passing.length === 1) return true;
        if (passing.length === 0) this.errors.push(...results.flatMap(([, found]) => found));
        const params = { passingSchemas: passing.length ? passing.slice(0, 2) : null };
        return this.fail('oneOf', data, at, 'should match exactly one schema in oneOf', params);
      });
    }
    (schema.allOf ?? []).forEach((one, i) => parts.push(() => this.holds(one, `${path}/allOf/${i}`, data)));
    return this.#every(parts);
  }

  #conditional(at, data) {
    const { schema, path } = at;
    if (schema.if === undefined) return true;
    const branch = this.#trial(schema.if, `${path}/if`, data)[0] ? 'then' : 'else';
    if (schema[branch] === undefined || this.holds(schema[branch], `${path}/${branch}`, data)) return true;
    if (!this.ajv.options.allErrors) return false;
    return this.fail('if', data, at, `should match "${branch}" schema`, { failingKeyword: branch });
  }
}

const structuredCopy = (value) => JSON.parse(JSON.stringify(value));

/** The part of a schema that a JSON pointer names. */
function part(schema, text) {
  return decodeURIComponent(text).split('/').slice(1).reduce((at, key) => at?.[key.replace(/~1/g, '/').replace(/~0/g, '~')], schema);
}

/** The subschema with this id or anchor. */
function withId(schema, id) {
  if (schema === null || typeof schema !== 'object') return undefined;
  if (schema.$id === id) return schema;
  for (const below of Object.values(schema)) {
    const found = withId(below, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

export class Ajv {
  constructor(options = {}) {
    this.options = options;
    this.errors = null;
    this.formats = { ...FORMATS, ...options.formats };
    this.schemas = new Map();
    const given = options.schemas ?? [];
    for (const [key, schema] of Array.isArray(given) ? given.map((one) => [undefined, one]) : Object.entries(given)) this.addSchema(schema, key);
  }

  /** Where a reference leads from a schema: the schema there and its root. */
  resolve(reference, root) {
    const [address, anchor = ''] = reference.split('#');
    const base = address === '' || address === root.$id ? root : (this.schemas.get(address) ?? withId(root, address));
    if (base === undefined) return undefined;
    if (anchor === '') return { schema: base, root: base };
    const schema = anchor.startsWith('/') ? part(base, anchor) : withId(base, `#${anchor}`);
    return schema === undefined ? undefined : { schema, root: base };
  }

  compile(schema) {
    if (typeof schema !== 'object' && typeof schema !== 'boolean') throw new Error('schema should be object or boolean');
    for (const type of [schema.type ?? []].flat()) if (!(type in TYPES)) throw new Error(`schema is invalid: data.type should be equal to one of the allowed values`);
    const validate = (data, path = '') => {
      const run = new Run(this, schema);
      const it_holds = run.holds(schema, '#', { value: data, path });
      validate.errors = it_holds ? null : run.errors;
      return it_holds;
    };
    validate.errors = null;
    validate.schema = schema;
    return validate;
  }

  /** Whether `data` is valid by a schema or the key of one; `errors` says why not. */
  validate(schema, data) {
    const found = typeof schema === 'string' ? this.getSchema(schema) : this.compile(schema);
    if (found === undefined) throw new Error(`no schema with key or ref "${schema}"`);
    const it_holds = found(data);
    this.errors = found.errors;
    return it_holds;
  }

  addSchema(schema, key) {
    for (const one of [schema].flat()) {
      const name = key ?? one.$id;
      if (name === undefined) throw new Error('schema id must be string');
      if (this.schemas.has(name)) throw new Error(`schema with key or id "${name}" already exists`);
      this.schemas.set(name, one);
      if (one.$id !== undefined) this.schemas.set(one.$id.replace(/#$/, ''), one);
    }
    return this;
  }

  addMetaSchema(schema, key) {
    return this.addSchema(schema, key);
  }

  getSchema(key) {
    const found = this.schemas.get(key) ?? this.schemas.get(String(key).replace(/#$/, ''));
    return found === undefined ? undefined : this.compile(found);
  }

  removeSchema(key) {
    if (key === undefined) this.schemas.clear();
    else this.schemas.delete(typeof key === 'object' ? key.$id : key);
    return this;
  }

  addFormat(name, format) {
    const test = isObject(format) && !(format instanceof RegExp) ? format.validate : format;
    this.formats[name] = typeof test === 'string' ? new RegExp(test) : test;
    return this;
  }

  addKeyword(name) {
    throw new Error(`Ajv: the keyword ${JSON.stringify(name)} cannot be added here`);
  }

  errorsText(given, { separator = ', ', dataVar = 'data' } = {}) {
    const errors = given ?? this.errors;
    if (!errors || errors.length === 0) return 'No errors';
    return errors.map((error) => `${dataVar}${error.dataPath} ${error.message}`).join(separator);
  }
}

export default Ajv;
