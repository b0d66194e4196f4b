// k6/data: arrays that all VUs of a worker share.
import swell from "swell:core";
import host from "swell:host/data";
import { rows } from "swell:lib/rows";

// Rows that cross together.
const CHUNK = 1000;
const AsyncFunction = (async () => {}).constructor;

function line(value) {
  return JSON.stringify(value) ?? "null";
}

export class SharedArray {
  constructor(name, make) {
    if (typeof make !== "function") {
      throw new swell.GoError("a function is expected as the second argument of SharedArray's constructor");
    }
    let number = host.find(String(name));
    if (number < 0) number = fill(String(name), make);
    return rows(number);
  }
}

function fill(name, make) {
  if (make instanceof AsyncFunction) {
    throw new swell.GoError("SharedArray constructor does not support async functions as second argument");
  }
  const made = make();
  if (made === null || made === undefined) throw new TypeError("Cannot convert undefined or null to object");
  if (!Array.isArray(made)) throw new swell.GoError("only arrays can be made into SharedArray");
  const chunks = [];
  for (let start = 0; start < made.length; start += CHUNK) {
    chunks.push(made.slice(start, start + CHUNK).map(line).join("\n"));
  }
  host.begin();
  for (const chunk of chunks) host.add(chunk);
  return host.keep(name);
}

export default { SharedArray };
