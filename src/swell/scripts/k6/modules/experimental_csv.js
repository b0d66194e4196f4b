// k6/experimental/csv: records of CSV files, as a shared array or one by one.
import swell from "swell:core";
import host from "swell:host/csv";
import { numberOf } from "swell:lib/fsfile";
import { rows } from "swell:lib/rows";

function settings(options) {
  if (options === null) throw new TypeError("Cannot convert undefined or null to object");
  const made = {};
  if (typeof options === "object") {
    const { delimiter, skipFirstLine, fromLine, toLine, asObjects } = options;
    if (delimiter !== undefined) made.delimiter = String(delimiter);
    if (skipFirstLine !== undefined) made.skipFirstLine = Boolean(skipFirstLine);
    if (fromLine !== undefined) made.fromLine = Math.trunc(Number(fromLine)) || 0;
    if (toLine !== undefined) made.toLine = Math.trunc(Number(toLine)) || 0;
    if (asObjects !== undefined) made.asObjects = Boolean(asObjects);
  }
  return JSON.stringify(made);
}

function opened(file, what) {
  const number = numberOf(file);
  if (number === undefined) {
    throw new swell.GoError(`${what} takes a file that open() of k6/experimental/fs gave`);
  }
  return number;
}

export async function parse(file, options) {
  return rows(host.parse(opened(file, "parse()"), settings(options)));
}

export class Parser {
  constructor(file, options) {
    const number = host.newParser(opened(file, "Parser()"), settings(options));
    this.next = async () => {
      const text = host.next(number);
      return text === null ? { done: true, value: [] } : { done: false, value: JSON.parse(text) };
    };
  }
}

export default { parse, Parser };
