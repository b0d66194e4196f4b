// k6/execution: where the running code stands in the run.
import host from "swell:host/execution";

function section(name, members) {
  const made = {};
  for (const member of members) {
    Object.defineProperty(made, member, { enumerable: true, get: () => JSON.parse(host.read(name, member)) });
  }
  return made;
}

const tags = new Proxy({}, {
  get: (_, name) => (typeof name === "string" ? JSON.parse(host.tags())[name] : undefined),
  set: (_, name, value) => {
    if (!["string", "number", "boolean"].includes(typeof value)) {
      throw new TypeError(`only String, Boolean and Number types are accepted as a tag value, not ${typeof value}`);
    }
    host.setTag(String(name), String(value));
    return true;
  },
  deleteProperty: (_, name) => { host.deleteTag(String(name)); return true; },
  has: (_, name) => name in JSON.parse(host.tags()),
  ownKeys: () => Object.keys(JSON.parse(host.tags())),
  getOwnPropertyDescriptor: (_, name) => {
    const known = JSON.parse(host.tags());
    return name in known ? { value: known[name], enumerable: true, configurable: true, writable: true } : undefined;
  },
});
const metadata = new Proxy({}, {
  set: (target, name, value) => { target[name] = String(value); return true; },
});

export const scenario = section("scenario", ["name", "executor", "startTime", "progress", "iterationInInstance", "iterationInTest"]);
export const instance = section("instance", ["currentTestRunDuration", "iterationsCompleted", "iterationsInterrupted", "vusActive", "vusInitialized"]);
export const vu = section("vu", ["idInInstance", "idInTest", "iterationInInstance", "iterationInScenario"]);
Object.defineProperty(vu, "tags", {
  enumerable: true, get: () => tags,
  set: (given) => { for (const name of Object.keys(given)) tags[name] = given[name]; },
});
vu.metrics = { get tags() { return tags; }, set tags(given) { vu.tags = given; }, metadata };

function freeze(value) {
  if (value !== null && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

let known;
export const test = {
  // Where it was called stands in the message, as in k6.
  abort(message) {
    const place = new Error().stack.split("\n").find((line) => line.startsWith("\tat ")) ?? "";
    host.abort(`${message === undefined ? "" : String(message)} ${place.trim()}`.trim());
  },
  fail(message) { host.fail(message === undefined ? "" : String(message)); },
  get options() { return (known ??= freeze(JSON.parse(host.options()))); },
};

export default { scenario, instance, vu, test };
