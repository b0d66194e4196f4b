// How functions, dates and text show themselves and compare, where the engine has another way than k6. Each takes
// the value, the engine's own method, and its argument.
import host from "swell:host/globals";

const place = (name) => Object.getOwnPropertyDescriptor(Function.prototype, name).get;
const fileName = place("fileName"), lineNumber = place("lineNumber"), columnNumber = place("columnNumber");
const two = (number) => String(number).padStart(2, "0");

export function mixed(name) {
  return `you are trying to access identifier "${name}", this likely is due to mixing ECMAScript Modules (ESM) and CommonJS syntax. This isn't supported in the JavaScript standard, please use only one or the other`;
}

export const methods = {
  // The engine keeps no source: it is read from the file again, by the place of the function.
  functionText(given, original) {
    const shown = original.call(given);
    if (!shown.endsWith("\n    [native code]\n}")) return shown;
    const file = fileName.call(given);
    if (typeof file === "string" && /^(?:file|https):\/\//.test(file)) {
      const isClass = Object.getOwnPropertyDescriptor(given, "prototype")?.writable === false;
      const text = host.functionText(file, lineNumber.call(given), columnNumber.call(given), isClass);
      if (text) return text;
    }
    return `function ${given.name}() { [native code] }`;
  },

  // k6 knows no languages: what others take for one it takes for the base of the digits.
  numberText(given, original, base) { return Number(given).toString(base); },

  // With the zone's short name at the end, unless the date is none.
  dateText(date, original) {
    const text = original.call(date);
    return Number.isNaN(date.getTime()) ? text : `${text} (${host.zone(date.getTime())})`;
  },

  timeText(date) {
    if (Number.isNaN(date.getTime())) return "Invalid Date";
    return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  },

  dateTimeText(date) {
    return Number.isNaN(date.getTime()) ? "Invalid Date" : `${date.toLocaleDateString()}, ${methods.timeText(date)}`;
  },

  // By letters, with accents as letters of their own after them, then small letters before capital ones.
  compare(given, original, that) {
    if (given === undefined || given === null) return original.call(given, that);
    const [a, b] = [given, that].map((one) => (/^[\0-\x7f]*$/.test(one) ? String(one) : String(one).normalize("NFD")));
    const small = a.toLowerCase(), other = b.toLowerCase();
    if (small !== other) return small < other ? -1 : 1;
    if (a === b) return 0;
    return a > b ? -1 : 1;
  },
};
