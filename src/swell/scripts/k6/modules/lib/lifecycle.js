// What setup and handleSummary return, as Python takes it. Loaded where they ran only.
import swell from "swell:core";
import { kindOf } from "swell:lib/data";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(buffer) {
  const data = new Uint8Array(buffer);
  let text = "";
  for (let i = 0; i < data.length; i += 3) {
    const word = (data[i] << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0);
    text += alphabet[word >> 18] + alphabet[(word >> 12) & 63];
    text += i + 1 < data.length ? alphabet[(word >> 6) & 63] : "=";
    text += i + 2 < data.length ? alphabet[word & 63] : "=";
  }
  return text;
}

const isOfBytes = (given) => given instanceof Uint8Array || given instanceof Uint8ClampedArray;

// The value as JSON types by k6's rules: undefined inside is null, bytes are base64, a Map is its pairs; toJSON is
// not asked.
function plain(given, path, around) {
  if (given === undefined || given === null) return null;
  if (typeof given === "function") throw new TypeError(`${path} is a function`);
  if (typeof given === "symbol") throw new TypeError(`${path} is a symbol`);
  if (typeof given === "bigint") return Number(given);
  if (typeof given === "number") {
    if (!Number.isFinite(given)) throw new TypeError(`${path} is ${given}`);
    return given;
  }
  if (typeof given !== "object") return given;
  if (around.includes(given)) throw new TypeError(`${path} contains itself`);
  const inner = [...around, given];
  if (given instanceof Date) return Number.isNaN(given.getTime()) ? null : given.toISOString().replace(/\.000Z$/, "Z");
  if (isOfBytes(given)) return given.length ? base64(swell.bytes(given)) : null;
  if (given instanceof ArrayBuffer || given instanceof DataView) return {};
  if (ArrayBuffer.isView(given)) return [...given].map((item, i) => plain(item, `${path}[${i}]`, inner));
  const ours = given[swell.asData];
  if (ours !== undefined) return plain(ours, path, inner);
  if (given instanceof Map) return [...given].map((pair, i) => plain(pair, `${path}[${i}]`, inner));
  if (given instanceof Set) return [...given].map((item, i) => plain(item, `${path}[${i}]`, inner));
  if (Array.isArray(given)) return given.map((item, i) => plain(item, `${path}[${i}]`, inner));
  if (given instanceof Number || given instanceof Boolean) return given.valueOf();
  if (given instanceof String) return {};
  if (given[swell.methods] !== undefined && typeof given.toJSON === "function") return plain(given.toJSON(), path, inner);
  const made = {};
  for (const key of Object.keys(given)) made[key] = plain(given[key], `${path}.${key}`, inner);
  return made;
}

let contents = [];
let summary;

// A group as the older form of the summary has it: what it holds by name.
function byName(group) {
  const named = (list) => Object.fromEntries(list.map((each) => [each.name, each]));
  return { ...group, groups: named(group.groups.map(byName)), checks: named(group.checks) };
}

// A metric of that form: its values alone, a rate as value; the mark of a threshold is true where it failed.
function flat({ type, values, thresholds }) {
  const { rate, ...others } = values;
  const shown = type === "rate" && rate !== undefined ? { value: rate, ...others } : { ...values };
  const marks = Object.entries(thresholds ?? {}).map(([source, { ok }]) => [source, !ok]);
  return marks.length ? { ...shown, thresholds: Object.fromEntries(marks) } : shown;
}

globalThis["swell lifecycle"] = {
  setupValue() {
    const given = swell.value();
    if (given === undefined) return JSON.stringify({ json: null, problem: "" });
    try {
      return JSON.stringify({ json: JSON.stringify(plain(given, "its value", [])), problem: "" });
    } catch (error) {
      return JSON.stringify({ json: null, problem: error.message });
    }
  },
  summaryShape() {
    const given = swell.value();
    if (!given) return JSON.stringify({ names: null, problem: "" });
    if (typeof given !== "object" || Array.isArray(given)) {
      return JSON.stringify({ names: null, problem: "handleSummary() should return a map with string keys" });
    }
    const names = Object.keys(given);
    contents = names.map((name) => given[name]);
    const wrong = names.findIndex((_, i) => typeof contents[i] !== "string" && swell.bytes(contents[i]) === undefined);
    const problem = wrong < 0 ? "" : `error handling summary object ${names[wrong]}: `
      + `invalid type ${kindOf(contents[wrong])}, it needs to be a string or ArrayBuffer`;
    return JSON.stringify({ names, problem });
  },
  // What is ours beside k6's keys is there for who asks, but JSON and lists of keys are those of k6.
  summaryData(text) {
    const { verdict, invariants, ledgers, ...data } = JSON.parse(text);
    for (const [name, value] of Object.entries({ verdict, invariants, ledgers })) {
      if (value !== undefined) Object.defineProperty(data, name, { value });
    }
    data.setup_data ??= undefined;
    summary = data;
    swell.setData(data);
  },
  // For --summary-export, with what the script has made of its data; empty where that is of another shape.
  summaryExport() {
    const { verdict, invariants, ledgers } = summary;
    const { options, state, ...kept } = JSON.parse(JSON.stringify(summary));
    try {
      kept.metrics = Object.fromEntries(Object.entries(kept.metrics).map(([name, metric]) => [name, flat(metric)]));
      kept.root_group = byName(kept.root_group);
    } catch {
      return "";
    }
    return JSON.stringify({ ...kept, verdict, invariants, ledgers }, null, 4) + "\n";
  },
  summaryContent: (index) => typeof contents[index] === "string"
    ? new String(contents[index]) : swell.bytes(contents[index]),
};
