// The globals of a script. What few scripts use is defined when it is first asked for.
import host from "swell:host/globals";
import swell from "swell:core";

const scope = globalThis;
const places = /(?:file|https):\/\/[^\s()]*?(?=:\d+:\d+)/g;
const MOST_FRAMES = 1000;

// The modules on the stack: the one that called first, the one whose top level runs last, also under require().
function callers() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = MOST_FRAMES;
  const found = new Error().stack.match(places) ?? [];
  Error.stackTraceLimit = limit;
  return found;
}

function define(name, value) {
  Object.defineProperty(scope, name, { value, writable: true, configurable: true, enumerable: false });
}

function lazy(module, ...names) {
  for (const name of names) {
    Object.defineProperty(scope, name, {
      configurable: true,
      get() {
        const value = swell.load("swell:lib/" + module)[name];
        define(name, value);
        return value;
      },
      set(value) { define(name, value); },
    });
  }
}

function text(values) {
  let line = "";
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (i) line += " ";
    line += typeof value === "string" ? value : swell.load("swell:lib/inspect").inspect(value);
  }
  return line;
}

define("console", swell.own({
  log: (...values) => { host.log("info", text(values)); },
  info: (...values) => { host.log("info", text(values)); },
  debug: (...values) => { host.log("debug", text(values)); },
  warn: (...values) => { host.log("warning", text(values)); },
  error: (...values) => { host.log("error", text(values)); },
}));
const { parse } = JSON;
// Scripts print what JSON.parse() says of a page of HTML: it says it in k6's words.
JSON.parse = swell.own(function (given, reviver) {
  try {
    return parse(given, reviver);
  } catch (error) {
    const fault = error instanceof SyntaxError ? swell.load("swell:lib/jsonfault").refused(String(given)) : undefined;
    throw fault === undefined ? error : new SyntaxError(fault);
  }
});
define("global", scope);
define("__VU", host.number());
// k6's is a map of texts: what a script sets becomes one.
const texts = {
  set(map, name, value) {
    swell.isEnvironmentSet = true;
    map[name] = value === undefined || value === null ? "" : String(value);
    return true;
  },
  deleteProperty(map, name) {
    swell.isEnvironmentSet = true;
    return delete map[name];
  },
};
// Every activation has a map of its own, without what the script set in another one or while it was loaded.
swell.setEnvironment = (given) => {
  swell.isEnvironmentSet = false;
  define("__ENV", new Proxy(parse(given || host.environment()), texts));
};
swell.setEnvironment("");
define("open", swell.own((path, mode) => {
  const modules = callers();
  // k6 opens files beside the module whose top level runs, whichever module's function asks for them.
  return host.open(path === undefined || path === null ? "" : String(path), mode === undefined ? "" : String(mode), modules.at(-1) ?? "", modules[0] ?? "");
}));
function require(specifier) {
  const name = host.require(String(specifier ?? ""), callers()[0] ?? "");
  const known = require.begun.get(name);
  if (known !== undefined) return known.exports;
  try {
    return swell.load(name);
  } catch (error) {
    require.begun.delete(name);
    throw error;
  }
}
// CommonJS modules by name, from when they begin: one that is required again meanwhile is there in part.
Object.defineProperty(require, "begun", { value: new Map() });
define("require", swell.own(require));
// CommonJS modules have their own; an ES module that asks for one is told of the mistake, even by typeof.
for (const name of ["module", "exports"]) {
  Object.defineProperty(scope, name, {
    configurable: true,
    get() { throw new swell.GoError(swell.load("swell:lib/shown").mixed(name)); },
    set(value) { define(name, value); },
  });
}
define("queueMicrotask", swell.own((callback) => { Promise.resolve().then(callback).catch(swell.fail); }));
// What the engine shows and compares in another way than k6 is loaded when it is first called.
function replace(prototype, name, method) {
  const original = prototype[name];
  const replaced = { [name](given) { return swell.load("swell:lib/shown").methods[method](this, original, given); } };
  Object.defineProperty(prototype, name, { value: swell.own(replaced[name]), writable: true, configurable: true });
}
replace(Function.prototype, "toString", "functionText");
replace(String.prototype, "localeCompare", "compare");
replace(Number.prototype, "toLocaleString", "numberText");
replace(Date.prototype, "toString", "dateText");
replace(Date.prototype, "toTimeString", "dateText");
replace(Date.prototype, "toLocaleString", "dateTimeText");
replace(Date.prototype, "toLocaleTimeString", "timeText");
lazy("timers", "setTimeout", "clearTimeout", "setInterval", "clearInterval");
lazy("url", "URL", "URLSearchParams");
lazy("encoding", "TextEncoder", "TextDecoder", "atob", "btoa", "structuredClone");
lazy("webcrypto", "crypto");
lazy("events", "AbortController", "AbortSignal", "Event", "EventTarget");
if (scope.performance === undefined) {
  const origin = host.now();
  define("performance", swell.own({ timeOrigin: Date.now(), now: () => host.now() - origin }));
}
