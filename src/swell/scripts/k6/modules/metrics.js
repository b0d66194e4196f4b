// k6/metrics: Counter, Gauge, Rate, Trend.
import host from "swell:host/metrics";

const { declare, add, refused } = host;

class Metric {
  #number;

  constructor(kind, name, isTime) {
    this.#number = declare(kind, String(name), isTime === true);
    Object.defineProperty(this, "name", { value: String(name), enumerable: true });
  }

  add(value, tags) {
    if (typeof value !== "number") {
      if (typeof value === "boolean") value = value ? 1 : 0;
      else if (typeof value === "string" && value.trim() !== "") value = Number(value);
      else if (typeof value === "object" && value !== null) value = Number(value);
      else value = NaN;
    }
    if (value - value !== 0) {
      refused(this.name);
      return false;
    }
    if (tags === undefined || tags === null) return add(this.#number, value);
    return add(this.#number, value, JSON.stringify(tags));
  }
}

export class Counter extends Metric {
  constructor(name, isTime) { super("counter", name, isTime); }
}

export class Gauge extends Metric {
  constructor(name, isTime) { super("gauge", name, isTime); }
}

export class Rate extends Metric {
  constructor(name, isTime) { super("rate", name, isTime); }
}

export class Trend extends Metric {
  constructor(name, isTime) { super("trend", name, isTime); }
}

export default { Counter, Gauge, Rate, Trend };
