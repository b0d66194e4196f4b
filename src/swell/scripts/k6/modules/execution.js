// k6/execution: where the running code stands in the run.
import host from "swell:host/execution";
import swell from "swell:core";

function section(name, members) {
  const made = {};
  for (const member of members) {
    Object.defineProperty(made, member, { enumerable: true, get: () => JSON.parse(host.read(name, member)) });
  }
  return made;
}

function live(kind, read, write, remove) {
  return new Proxy({}, {
    get: (_, name) => (typeof name === "string" ? JSON.parse(read())[name] : undefined),
    set: (_, name, value) => {
      if (!["string", "number", "boolean"].includes(typeof value)) {
        throw new TypeError(`invalid value for metric ${kind} '${String(name)}': only String, Boolean and Number types are accepted as a metric ${kind} values`);
      }
      write(String(name), String(value));
      return true;
    },
    deleteProperty: (_, name) => { remove(String(name)); return true; },
    has: (_, name) => name in JSON.parse(read()),
    ownKeys: () => Object.keys(JSON.parse(read())),
    getOwnPropertyDescriptor: (_, name) => {
      const known = JSON.parse(read());
      return name in known ? { value: known[name], enumerable: true, configurable: true, writable: true } : undefined;
    },
  });
}

const tags = live("tag", host.tags, host.setTag, host.deleteTag);
// Stands beside the tags of samples in outputs.
const metadata = live("metadata", host.metadata, host.setMetadata, host.deleteMetadata);

export const scenario = section("scenario", ["name", "executor", "startTime", "progress", "iterationInInstance", "iterationInTest"]);
export const instance = section("instance", ["currentTestRunDuration", "iterationsCompleted", "iterationsInterrupted", "vusActive", "vusInitialized"]);
export const vu = section("vu", ["idInInstance", "idInTest", "iterationInInstance", "iterationInScenario"]);
Object.defineProperty(vu, "tags", {
  enumerable: true, get: () => tags,
  set: (given) => { for (const name of Object.keys(given)) tags[name] = given[name]; },
});
vu.metrics = Object.freeze({ tags, metadata });

function freeze(value) {
  if (value !== null && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

let known;
export const test = {
  // Where it was called may stand in the message.
  abort(message) {
    swell.aborting?.();
    const place = new Error().stack.split("\n").find((line) => line.includes("://")) ?? "";
    host.abort(message === undefined ? "" : String(message), place.trim());
  },
  fail(message) { host.fail(message === undefined ? "" : String(message)); },
  get options() { return (known ??= freeze(JSON.parse(host.options()))); },
};

export default { scenario, instance, vu, test };
