// What builtin modules take as data: text, an ArrayBuffer, or a view of one.
import swell from "swell:core";

const shown = (value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

// Text or bytes that a host function can be given; throws for anything else, `what` before the message.
export function data(value, what) {
  if (typeof value === "string") return value;
  const found = swell.bytes(value);
  if (found !== undefined) return found;
  if (value instanceof String) return String(value);
  const prefix = what === undefined ? "" : `${what} failed: `;
  throw new swell.GoError(`${prefix}invalid type ${shown(value)}, expected string, ArrayBuffer or a view of one`);
}
