// Values as console.* shows them, in k6's way: errors in one line, functions by their kind, and of what is left
// its own enumerable members, as JSON would have them. Objects of k6's show their methods, too.
import swell from "swell:core";

const MAX_DEPTH = 100;
const UNSHOWN = new Set(["constructor", "toJSON"]);

function dump(buffer) {
  const bytes = [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `ArrayBuffer { [Uint8Contents]: <${bytes.join(" ")}>, byteLength: ${buffer.byteLength} }`;
}

function nested(value, around) {
  switch (typeof value) {
    case "undefined": return "null";
    case "string": return `"${value}"`;
    case "function": return "[object Function]";
    case "symbol": return JSON.stringify(value.description ?? "");
    case "bigint": return String(value);
    case "object": return value === null ? "null" : object(value, around);
    default: return String(value);
  }
}

function list(items, around, name) {
  const shown = Array.from(items, (item) => nested(item, around));
  return name + (shown.length ? `[ ${shown.join(", ")} ]` : "[]");
}

// What an object of ours has on its prototypes, as members; `base` names the part that stands for itself, too.
function methodsOf(value, base) {
  const names = new Set(), inherited = [];
  const above = Object.getPrototypeOf;
  for (let one = above(value); above(one) !== null; one = above(one)) {
    for (const name of Object.getOwnPropertyNames(one)) {
      if (UNSHOWN.has(name) || typeof Object.getOwnPropertyDescriptor(one, name).value !== "function") continue;
      names.add(name);
      if (base !== "" && above(above(one)) === null) inherited.push(name);
    }
  }
  const shown = (list) => [...list].sort().map((name) => `${name}: [object Function]`);
  return inherited.length ? [`${base}: { ${shown(inherited).join(", ")} }`, ...shown(names)] : shown(names);
}

function object(value, around) {
  if (around.includes(value)) return "[Circular]";
  if (around.length > MAX_DEPTH) return "[Object]";
  const inner = [...around, value];
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "{}" : JSON.stringify(value.toISOString());
  if (value instanceof Error) return String(value);
  if (value instanceof ArrayBuffer) return dump(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return list(value, inner, `${value.constructor.name}(${value.length}) `);
  }
  if (Array.isArray(value)) return list(value, inner, "");
  // A script's own proxies are not asked.
  const base = Object.getPrototypeOf(value)?.[swell.methods];
  const data = base !== undefined && typeof value.toJSON === "function" ? value.toJSON() : value;
  const shown = Object.keys(data).map((key) => `${key}: ${nested(data[key], inner)}`);
  if (base !== undefined) shown.push(...methodsOf(value, base));
  return shown.length ? `{ ${shown.join(", ")} }` : "{}";
}

export function inspect(value) {
  if (value === undefined) return "undefined";
  if (typeof value === "symbol") return value.description ?? "";
  return typeof value === "object" && value !== null ? object(value, []) : typeof value === "string" ? value : nested(value, []);
}
