// What readable and writable streams have in common: strategies, queues with sizes, and promises that others settle.

export class CountQueuingStrategy {
  constructor(...given) {
    if (given.length !== 1) throw new TypeError("CountQueuingStrategy takes a single argument");
    const [options] = given;
    if (options === null || typeof options !== "object") {
      throw new TypeError("CountQueuingStrategy argument must be an object");
    }
    if (!("highWaterMark" in options)) {
      throw new TypeError("CountQueuingStrategy argument must have 'highWaterMark' property");
    }
    // What is no number is refused by the stream that takes it, as in k6.
    Object.defineProperty(this, "highWaterMark", { value: options.highWaterMark, enumerable: true });
    this.size = (_chunk) => 1;
  }
}

// The high water mark and the size function of what a stream is given as its strategy.
export function strategyOf(given) {
  if (given === undefined || given === null) return { highWaterMark: 1, size: () => 1 };
  if (typeof given === "number" || typeof given === "boolean") {
    throw new TypeError("CountQueuingStrategy argument must be an object");
  }
  const highWaterMark = given.highWaterMark ?? 1;
  const size = given.size ?? (() => 1);
  if (typeof size !== "function") throw new TypeError("size must be a function");
  if (typeof highWaterMark !== "number" || !(highWaterMark >= 0)) {
    throw new RangeError("highWaterMark must be a non-negative number");
  }
  return { highWaterMark, size };
}

// A function of what the script gives as source or sink, bound to it; undefined where it has none.
export function member(owner, name, kind) {
  const found = owner[name];
  if (found === undefined) return undefined;
  if (typeof found !== "function") throw new TypeError(`${kind}.[[${name}]] must be a function`);
  return found.bind(owner);
}

// The promise of what `work` gives; what it throws rejects it.
export async function attempt(work, ...values) {
  return work === undefined ? undefined : work(...values);
}

// A promise that others settle. Nobody has to catch it.
export class Deferred {
  constructor() {
    this.promise = new Promise((resolve, reject) => { this.resolve = resolve; this.reject = reject; });
  }
  static resolved() {
    const made = new Deferred();
    made.resolve();
    return made;
  }
  static rejected(reason) {
    const made = new Deferred().quiet();
    made.reject(reason);
    return made;
  }
  quiet() {
    this.promise.catch(() => {});
    return this;
  }
}

// Chunks with their sizes, first in, first out.
export class SizedQueue {
  #entries = [];
  #first = 0;
  total = 0;

  get length() { return this.#entries.length - this.#first; }

  push(value, given) {
    const size = Number(given);
    if (!(size >= 0) || size === Infinity) throw new RangeError("size must be a finite, non-NaN number");
    this.#entries.push({ value, size });
    this.total += size;
  }

  peek() { return this.#entries[this.#first].value; }

  shift() {
    const { value, size } = this.#entries[this.#first];
    this.#entries[this.#first++] = undefined;
    // Taking one off the front of a long array would move all others each time.
    if (this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    // Sums of fractions may end a hair below zero.
    this.total = this.length ? Math.max(this.total - size, 0) : 0;
    return value;
  }

  clear() {
    this.#entries = [];
    this.#first = 0;
    this.total = 0;
  }
}
