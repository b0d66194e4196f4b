// k6: check, group, sleep, fail, randomSeed.
import host from "swell:host/k6";
import swell from "swell:core";

const { record, tagged, enter, leave, sleep: pause } = host;
const AsyncFunction = (async () => {}).constructor;

function named(name) {
  const text = String(name);
  if (text.includes("::")) throw new Error(`group and check names may not contain '::': ${text}`);
  return text;
}

// Most checks come alone or in pairs: a list of arguments costs more than the rest of the call.
function tell(told) {
  switch (told.length) {
    case 2: return record(told[0], told[1]);
    case 4: return record(told[0], told[1], told[2], told[3]);
    default: return record(...told);
  }
}

export function check(value, sets, tags) {
  if (sets === undefined || sets === null) throw new TypeError("check() needs an object of conditions");
  let allMet = true;
  const told = [];
  try {
    for (const name of Object.keys(sets)) {
      let met = sets[name];
      told.push(swell.crossing(name), 0);
      if (typeof met === "function") {
        if (met instanceof AsyncFunction) {
          told.length -= 2;
          throw new TypeError(`the condition of check '${name}' is an async function; check the awaited value`);
        }
        met = met(value);
      }
      if (met) told[told.length - 1] = 1;
      else allMet = false;
    }
  } finally {
    if (tags === undefined || tags === null) tell(told);
    else tagged(JSON.stringify(tags), ...told);
  }
  return allMet;
}

export function group(name, body) {
  const title = named(name);
  if (typeof body !== "function") throw new TypeError("group() needs a function");
  if (body instanceof AsyncFunction) {
    throw new TypeError("group() does not take an async function: its work would go on outside the group");
  }
  const outer = enter(title);
  try {
    return body();
  } finally {
    leave(outer);
  }
}

export function sleep(seconds) {
  pause(Number(seconds));
}

export function fail(message) {
  throw new Error(message === undefined ? "" : String(message));
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
