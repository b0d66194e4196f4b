// Arrays whose elements are kept outside of the contexts, once for all VUs of a worker.
import host from "swell:host/data";
import swell from "swell:core";

const INDEX = /^(?:0|[1-9]\d{0,9})$/;

function freeze(value) {
  if (value !== null && typeof value === "object") {
    for (const name in value) freeze(value[name]);
    Object.freeze(value);
  }
  return value;
}

function refuse() {
  throw new TypeError("SharedArray is immutable");
}

// A read-only array over the table with this number: each access gives a new, frozen copy of an element.
export function rows(number) {
  const length = host.length(number);
  const read = (index) => freeze(JSON.parse(host.row(number, index)));
  const indexOf = (name) => (typeof name === "string" && INDEX.test(name) && +name < length ? +name : -1);
  return new Proxy(new Array(length), {
    get(target, name) {
      // What setup returns of it is nothing, as in k6.
      if (name === swell.asData) return {};
      const index = indexOf(name);
      return index < 0 ? target[name] : read(index);
    },
    has: (target, name) => indexOf(name) >= 0 || name in target,
    getOwnPropertyDescriptor(target, name) {
      const index = indexOf(name);
      if (index < 0) return Object.getOwnPropertyDescriptor(target, name);
      return { value: read(index), enumerable: true, configurable: true, writable: true };
    },
    ownKeys: () => [...Array.from({ length }, (_, index) => String(index)), "length"],
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    preventExtensions: refuse,
    setPrototypeOf: refuse,
  });
}
