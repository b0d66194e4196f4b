// What builtin modules take as data: text, an ArrayBuffer, or a view of one.
import swell from "swell:core";

// A value's type as k6's messages name it.
export function kindOf(value) {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "function") return "func(sobek.FunctionCall) sobek.Value";
  if (typeof value !== "object") return typeof value;
  if (Array.isArray(value)) return "[]interface {}";
  if (value instanceof Date) return "time.Time";
  if (value instanceof Map) return "[][2]interface {}";
  return "map[string]interface {}";
}

// Text or bytes that a host function can be given; throws for anything else, `what` before the message.
export function data(value, what) {
  if (typeof value === "string") return value;
  const found = swell.bytes(value);
  if (found !== undefined) return found;
  if (value instanceof String) return String(value);
  const prefix = what === undefined ? "" : `${what} failed: `;
  throw new swell.GoError(`${prefix}invalid type ${kindOf(value)}, expected string, []byte or ArrayBuffer`);
}
