// Small helpers for load tests: the API of jslib's k6-utils up to 1.6.

import { check as recordCheck } from 'k6';
import crypto from 'k6/crypto';
import exec from 'k6/execution';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const UNIT_MS = { d: 86400000, h: 3600000, m: 60000, s: 1000, ms: 1 };

/** A random integer from min to max, both included; limits with fractions are not rounded first. */
export function randomIntBetween(min, max) {
  // A text as `min` is appended, not added: `randomIntBetween('4', '4')` is 0 in scripts that read their variables.
  return Math.floor(Math.random() * (max - min + 1) + min);
}

/** A random element of an array, a SharedArray or a string; undefined where there is none. */
export function randomItem(items) {
  return items[Math.floor(Math.random() * items.length)];
}

/** A text of `length` characters drawn from `charset`; a character that stands there twice is drawn twice as often. */
export function randomString(length, charset = LETTERS) {
  let text = '';
  for (let i = 0; i < length; i++) text += charset[Math.floor(Math.random() * charset.length)];
  return text;
}

/** A random UUID of version 4 (RFC 9562); with `secure` its bits come from the system's own generator. */
export function uuidv4(secure = false) {
  const bytes = secure ? new Uint8Array(crypto.randomBytes(16)) : Uint8Array.from({ length: 16 }, () => Math.random() * 256);
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** What stands between two texts: the first find or null, with `repeat` an array of all of them or null. */
export function findBetween(content, left, right, repeat = false) {
  const found = [];
  let from = 0;
  do {
    const start = content.indexOf(left, from);
    const end = start < 0 ? -1 : content.indexOf(right, start + left.length);
    if (end < 0) break;
    found.push(content.substring(start + left.length, end));
    if (!repeat) return found[0];
    // Two empty marks would find the same place for ever.
    from = Math.max(end + right.length, start + 1);
  } while (from <= content.length);
  return found.length ? found : null;
}

/** Stages whose targets follow a bell curve: a short climb, `numberOfStages` equal ones, and a way down to zero. */
export function normalDistributionStages(maxVus, durationSeconds, numberOfStages = 10) {
  const density = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  // The curve is sampled from -2 to +2 standard deviations; the way up and the way down last a sixth of the test each.
  const levels = Array.from({ length: numberOfStages + 1 }, (_, i) => density(-2 + (i * 4) / numberOfStages));
  const highest = Math.max(...levels);
  const edge = Math.ceil(durationSeconds / 6);
  const inner = Math.ceil((durationSeconds * 4) / 6 / numberOfStages);
  const stages = levels.map((level, i) => ({
    duration: `${i === 0 ? edge : inner}s`,
    target: Math.round((maxVus * level) / highest),
  }));
  return [...stages, { duration: `${edge}s`, target: 0 }];
}

/** Whole milliseconds and what larger units make of fractions, of a text such as `1m30s`; a number alone counts as ms. */
export function parseDuration(text) {
  if (text === null || text === undefined || text === '') throw new Error('str is empty');
  const seen = new Set();
  let total = 0;
  let number = '';
  for (let i = 0; i < text.length; i++) {
    if ((text[i] >= '0' && text[i] <= '9') || text[i] === '.') {
      number += text[i];
      continue;
    }
    if (text[i] === ' ' || text[i] === '-') continue;
    const unit = text[i] === 'm' && text[i + 1] === 's' ? 'ms' : text[i];
    if (!(unit in UNIT_MS)) throw new Error(`${unit} is an unsupported time unit`);
    if (seen.has(unit)) throw new Error(`${unit} time unit is provided multiple times`);
    seen.add(unit);
    const amount = Number.parseFloat(number || '0') * UNIT_MS[unit];
    total += unit === 'ms' ? Math.trunc(amount) : amount;
    number = '';
    i += unit.length - 1;
  }
  return total + (number ? Number.parseFloat(number) : 0);
}

function currentStages() {
  const scenario = exec.test.options.scenarios && exec.test.options.scenarios[exec.scenario.name];
  if (!scenario) {
    throw new Error(`the exec.test.options object doesn't contain the current scenario ${exec.scenario.name}`);
  }
  if (!scenario.stages) {
    throw new Error(
      'only ramping-vus or ramping-arravial-rate supports stages, it is not possible to get a stage index on other executors.',
    );
  }
  if (scenario.stages.length === 0) {
    throw new Error(`the current scenario ${scenario.name} doesn't contain any stage`);
  }
  return scenario.stages;
}

/** The index of the stage that runs now, by the time since the scenario's start; after the end the last one. */
export function getCurrentStageIndex() {
  const stages = currentStages();
  const elapsed = Date.now() - exec.scenario.startTime;
  let end = 0;
  const index = stages.findIndex((stage) => {
    end += typeof stage.duration === 'number' ? stage.duration : parseDuration(stage.duration);
    return elapsed < end;
  });
  return index < 0 ? stages.length - 1 : index;
}

/** Tags what this iteration measures with `stage`, the index of the running stage. */
export function tagWithCurrentStageIndex() {
  exec.vu.tags['stage'] = getCurrentStageIndex();
}

/** Tags what this iteration measures with `stage_profile`: ramp-up, ramp-down or steady. */
export function tagWithCurrentStageProfile() {
  exec.vu.tags['stage_profile'] = currentProfile();
}

function currentProfile() {
  const index = getCurrentStageIndex();
  if (index === 0) return 'ramp-up';
  const stages = currentStages();
  const change = stages[index].target - stages[index - 1].target;
  if (change === 0) return 'steady';
  return change > 0 ? 'ramp-up' : 'ramp-down';
}

const isPromise = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function';

/** k6's check that also takes promises, as value, as checks and from functions; then it returns a promise. */
export function check(value, sets, tags = {}) {
  if (isPromise(value)) return Promise.resolve(value).then((settled) => check(settled, sets, tags));
  const record = (name, result) => recordCheck(null, { [name]: Boolean(result) }, tags);
  let passed = true;
  const pending = [];
  for (const [name, condition] of Object.entries(sets)) {
    const result = typeof condition === 'function' ? condition(value) : condition;
    if (isPromise(result)) pending.push(Promise.resolve(result).then((settled) => record(name, settled)));
    else passed = record(name, result) && passed;
  }
  if (!pending.length) return passed;
  return Promise.all(pending).then((results) => passed && results.every(Boolean));
}

export default {
  check,
  findBetween,
  getCurrentStageIndex,
  normalDistributionStages,
  parseDuration,
  randomIntBetween,
  randomItem,
  randomString,
  tagWithCurrentStageIndex,
  tagWithCurrentStageProfile,
  uuidv4,
};
