// k6: check, group, sleep, fail, randomSeed.
import host from "swell:host/k6";
import swell from "swell:core";

const { record, recordNamed, tagged, enter, leave, sleep: pause } = host;
// What the running code stands in, two entries each: results and tags of a check, or what leaves a group.
const { standing } = swell;
const AsyncFunction = (async () => {}).constructor;
// Bound once, as a look into the globals touches more memory than a call.
const PlainFunction = Function;
const { keys } = Object;
// Names of checks that Python knows by number; a script that makes ever new names has more.
const numbers = new Map();
const MOST_NUMBERS = 64;

const SEPARATOR = "group and check names may not contain '::'";

// Twice the number of a name, or its text where Python keeps no number for it.
function learned(name) {
  const text = swell.crossing(name);
  if (typeof text !== "string" || numbers.size >= MOST_NUMBERS) return text;
  const number = host.numberOf(text);
  if (number < 0) return text;
  numbers.set(name, 2 * number);
  return 2 * number;
}

// Called where the script aborts the run, as nothing of it runs any more after that: the checks and groups that it
// stands in end here, the innermost first. A check whose condition aborts is not met, as in k6.
swell.aborting = () => {
  while (standing.length) {
    const tags = standing.pop(), entered = standing.pop();
    try {
      if (typeof entered === "string") leave(entered);
      else recordAll(entered, entered.named, tags);
    } catch { /* tags that are none: the run ends all the same */ }
  }
};

function recordAll(told, named, tags) {
  if (tags === undefined || tags === null) {
    if (told.length) record(...told);
    if (named !== undefined) recordNamed(...named);
  } else {
    tagged(swell.tagText(tags), told.length, ...told, ...(named ?? []));
  }
}

export function check(value, sets, tags) {
  if (sets === undefined) throw new swell.GoError("no checks provided to `check`");
  // What is met is one more than what is not; a condition that throws is not.
  const names = keys(sets), told = [];
  let allMet = true, named;
  standing.push(told, tags);
  try {
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      let met = sets[name];
      const isPlain = typeof met !== "function" || met.constructor === PlainFunction;
      if (!isPlain && met instanceof AsyncFunction) {
        throw new swell.GoError("the built-in check() does not support async functions as arguments. "
          + "Use the JavaScript utils library as a replacement. "
          + "Refer to https://grafana.com/docs/k6/latest/javascript-api/jslib/utils/check/ for more info");
      }
      const number = numbers.get(name) ?? learned(name);
      if (typeof number === "number") {
        told.push(number);
        if (typeof met === "function") met = met(value);
        if (met) told[told.length - 1] = number + 1;
      } else {
        named ??= told.named = [];
        named.push(number, 0);
        if (typeof met === "function") met = met(value);
        if (met) named[named.length - 1] = 1;
      }
      if (!met) allMet = false;
    }
  } finally {
    standing.length -= 2;
    // Most checks come alone or in pairs: a list of arguments costs more than the rest of the call.
    const count = named === undefined && (tags === undefined || tags === null) ? told.length : 0;
    if (count === 2) record(told[0], told[1]);
    else if (count === 1) record(told[0]);
    else recordAll(told, named, tags);
  }
  return allMet;
}

export function group(name, body) {
  const title = String(name ?? "");
  if (title.includes("::")) throw new swell.GoError(SEPARATOR);
  if (typeof body !== "function") throw new swell.GoError("group() requires a callback as a second argument");
  if (body instanceof AsyncFunction) {
    throw new swell.GoError("group() does not support async functions as arguments, "
      + "please see https://grafana.com/docs/k6/latest/javascript-api/k6/group/ for more info");
  }
  const outer = enter(title);
  standing.push(outer, undefined);
  try {
    return body();
  } finally {
    standing.length -= 2;
    leave(outer);
  }
}

export function sleep(seconds) {
  pause(Number(seconds));
}

export function fail(message) {
  throw new swell.GoError(message === undefined || message === null ? "" : String(message));
}

export function randomSeed(seed) {
  // A small generator with a full period (mulberry32): the same numbers for the same seed.
  let state = Number(seed) | 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export default { check, group, sleep, fail, randomSeed };
