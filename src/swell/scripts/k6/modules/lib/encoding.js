// TextEncoder and TextDecoder (UTF-8, UTF-16, Latin-1), base64, structuredClone.
import host from "swell:host/text";
import swell from "swell:core";

export class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return new Uint8Array(host.encode(String(text))); }
  encodeInto(text, target) {
    const made = this.encode(text);
    let length = Math.min(made.length, target.length);
    // A character is written whole or not at all.
    while (length < made.length && length > 0 && (made[length] & 0xc0) === 0x80) length--;
    target.set(made.subarray(0, length));
    return { read: host.decode("utf-8", made.slice(0, length).buffer, false, true).length, written: length };
  }
}

export class TextDecoder {
  #label; #fatal; #ignoreBOM;
  constructor(label = "utf-8", options = {}) {
    const name = host.codec(String(label));
    if (name === "") throw new RangeError(`the encoding "${label}" is not supported`);
    this.#label = name;
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }
  get encoding() { return this.#label; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }
  decode(data) {
    if (data === undefined) return "";
    const content = swell.bytes(data);
    if (content === undefined) throw new TypeError("decode() takes an ArrayBuffer or a view of one");
    return host.decode(this.#label, content, this.#fatal, this.#ignoreBOM);
  }
}

function invalid(what) {
  const error = new Error(what);
  error.name = "InvalidCharacterError";
  return error;
}

export function btoa(text) {
  const given = String(text);
  for (const c of given) if (c.codePointAt(0) > 255) throw invalid("btoa() takes characters up to U+00FF only");
  return host.toBase64(Uint8Array.from(given, (c) => c.charCodeAt(0)).buffer);
}

export function atob(text) {
  const data = host.fromBase64(String(text));
  if (data === null) throw invalid("atob() was given text that is not base64");
  return Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join("");
}

export function structuredClone(value) {
  const seen = new Map();
  const clone = (given) => {
    if (typeof given === "function" || typeof given === "symbol") {
      const error = new Error(`${String(given)} could not be cloned`);
      error.name = "DataCloneError";
      throw error;
    }
    if (typeof given !== "object" || given === null) return given;
    if (seen.has(given)) return seen.get(given);
    const keep = (made) => { seen.set(given, made); return made; };
    if (given instanceof Date) return keep(new Date(given.getTime()));
    if (given instanceof RegExp) return keep(new RegExp(given.source, given.flags));
    if (given instanceof ArrayBuffer) return keep(given.slice(0));
    if (given instanceof DataView) return keep(new DataView(clone(given.buffer), given.byteOffset, given.byteLength));
    if (ArrayBuffer.isView(given)) return keep(new given.constructor(clone(given.buffer), given.byteOffset, given.length));
    if (given instanceof Map) {
      const made = keep(new Map());
      for (const [key, item] of given) made.set(clone(key), clone(item));
      return made;
    }
    if (given instanceof Set) {
      const made = keep(new Set());
      for (const item of given) made.add(clone(item));
      return made;
    }
    if (given instanceof Error) {
      const made = keep(new (globalThis[given.name] ?? Error)(given.message));
      made.stack = given.stack;
      return made;
    }
    if (given instanceof Boolean || given instanceof Number || given instanceof String) return keep(Object(given.valueOf()));
    const made = keep(Array.isArray(given) ? new Array(given.length) : {});
    for (const key of Object.keys(given)) made[key] = clone(given[key]);
    return made;
  };
  return clone(value);
}
