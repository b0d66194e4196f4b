// Chained expectations as checks of k6, from before k6chaijs: the API of jslib's functional and expect.

import { check, group } from 'k6';
import Ajv from 'https://jslib.k6.io/ajv/6.12.5/index.js';
import { expect } from 'https://jslib.k6.io/k6chaijs/4.3.4.3/index.js';

export class FunkBrokenChainException extends Error {
  constructor(message) {
    super(message);
    this.name = 'FunkBrokenChainException';
    this.brokenChain = true;
  }
}

const ajv = new Ajv();

/** What `t.expect(value)` begins: each matcher records one check, and the first that fails ends the test. */
class Chain {
  constructor(value) {
    this.leftHandValue = value;
    this.leftHandValueName = null;
    this.rightHandValue = null;
  }

  as(name) {
    this.leftHandValueName = name;
    return this;
  }

  and(value) {
    this.leftHandValue = value;
    this.leftHandValueName = null;
    return this;
  }

  /** Record a check; what is compared becomes its tag `value`. */
  #judge(name, passed, value) {
    check(null, { [name]: passed }, value === undefined ? {} : { value });
    return passed ? this : this.#break();
  }

  #break() {
    throw new FunkBrokenChainException('Chain broke, skipping this check');
  }

  #compare(words, passed, expected) {
    this.rightHandValue = expected;
    return this.#judge(`${this.leftHandValueName || this.leftHandValue} is ${words}`, passed, this.leftHandValue);
  }

  toEqual(expected) {
    const { leftHandValue: value, leftHandValueName: name } = this;
    this.rightHandValue = expected;
    const passed = value === expected;
    if (!name) return this.#judge(`${value} is ${expected}`, passed, expected);
    return this.#judge(`${name} is ${value}.${passed ? '' : ` Expected '${expected}'`}`, passed, expected);
  }

  toBeGreaterThan(limit) {
    return this.#compare(`greater than ${limit}`, this.leftHandValue > limit, limit);
  }

  toBeGreaterThanOrEqual(limit) {
    return this.#compare(`greater or equal to ${limit}`, this.leftHandValue >= limit, limit);
  }

  toBeLessThan(limit) {
    return this.#compare(`less than ${limit}`, this.leftHandValue < limit, limit);
  }

  toBeLessThanOrEqual(limit) {
    return this.#compare(`less or equal to ${limit}`, this.leftHandValue <= limit, limit);
  }

  toBeBetween(from, to) {
    const range = `${from} - ${to}`;
    return this.#compare(`between ${range}`, this.leftHandValue >= from && this.leftHandValue <= to, range);
  }

  toBeTruthy() {
    return this.#compare('truthy.', Boolean(this.leftHandValue), this.rightHandValue);
  }

  toHaveValidJson() {
    const response = this.leftHandValue;
    if (!response || !Object.hasOwn(response, 'request')) {
      console.error("The object passed to expect/and for toHaveValidJson isn't a k6 HttpResponse. Aborting the check.");
      return this.#break();
    }
    let isValid = true;
    try {
      response.json();
    } catch {
      isValid = false;
    }
    return this.#judge(`${response.request.url} has valid json response`, isValid);
  }

  toMatchAPISchema(schema) {
    const validate = ajv.compile(schema);
    // The original hands over the schema where Ajv takes the path of the data, and the names of checks show it.
    const isValid = validate(this.leftHandValue, String(schema));
    const name = this.leftHandValueName || '';
    check(null, { [`${name} schema validation`]: isValid });
    if (isValid) return this;
    console.error(JSON.stringify(validate.errors));
    for (const { dataPath, message } of validate.errors) check(null, { [`${name} ${dataPath} ${message}`]: false });
    return this;
  }
}

/** A group around a test, which is handed `{ expect }`; true where all of it held, whatever it throws. */
export function describe(name, body) {
  let passed = true;
  group(name, () => {
    try {
      body({ expect: (value) => new Chain(value) });
    } catch (error) {
      passed = false;
      if (error.brokenChain || error.name === 'AssertionError') return;
      console.error(`Exception raised in test "${name}". Failing the test and continuing. \n${error}`);
      check(null, { [`Exception raised "${error}"`]: false });
    }
  });
  return passed;
}

export { describe as test, expect };
export default { describe, expect, test: describe };
