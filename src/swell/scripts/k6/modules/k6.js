// k6: check, group, sleep, fail, randomSeed.
import host from "swell:host/k6";
import swell from "swell:core";

const { record, recordNamed, tagged, enter, leave, sleep: pause, numberOf } = host;
// What the running code stands in, two entries each: results and tags of a check, or what leaves a group.
const { AsyncFunction, standing } = swell;
const SEPARATOR = "group and check names may not contain '::'";

// The hot path, which all VUs share.
const { check, recordAll } = swell.shared.checks({
  record,
  recordNamed,
  tagged,
  numberOf,
  standing,
  keys: Object.keys,
  plain: Function,
  isAsync: (given) => given instanceof AsyncFunction,
  tagText: swell.tagText,
  fail(message) { throw new swell.GoError(message); },
});
export { check };

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
