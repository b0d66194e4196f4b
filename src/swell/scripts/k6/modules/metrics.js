// k6/metrics: Counter, Gauge, Rate, Trend.
import host from "swell:host/metrics";
import swell from "swell:core";

const { declare, add, refused } = host;

class Metric {
  #number;

  constructor(kind, given, isTime) {
    const name = given === undefined || given === null ? "" : String(given);
    this.#number = declare(kind, name, isTime === true);
    Object.defineProperty(this, "name", { value: name, enumerable: true });
  }

  add(given, tags) {
    let value = given;
    if (typeof value !== "number") {
      if (typeof value === "boolean") value = value ? 1 : 0;
      else if (typeof value === "string") value = Number(value);
      else if (typeof value === "object" && value !== null) value = Number(value);
      else value = NaN;
    }
    if (value - value !== 0) {
      refused(this.name, arguments.length > 0, String(given));
      return false;
    }
    if (tags === undefined || tags === null) return add(this.#number, value);
    return add(this.#number, value, swell.tagText(tags));
  }
}

Metric.prototype[swell.methods] = "";

// Scripts make metrics without `new`, too.
function constructor(kind) {
  const name = kind[0].toUpperCase() + kind.slice(1);
  class Made extends Metric {
    constructor(title, isTime) { super(kind, title, isTime); }
  }
  function made(title, isTime) {
    return Reflect.construct(Made, [title, isTime], new.target ?? made);
  }
  made.prototype = Made.prototype;
  Object.defineProperty(Made.prototype, "constructor", { value: made });
  return Object.defineProperty(made, "name", { value: name });
}

export const Counter = constructor("counter"), Gauge = constructor("gauge"), Rate = constructor("rate"), Trend = constructor("trend");

export default { Counter, Gauge, Rate, Trend };
