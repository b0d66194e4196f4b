// The globals of a script. What few scripts use is defined when it is first asked for.
import host from "swell:host/globals";
import swell from "swell:core";

const scope = globalThis;
const callers = /(?:file|https):\/\/[^\s()]*?(?=:\d+:\d+)/;

// The module that called, by its place in the stack.
function caller() {
  const found = callers.exec(new Error().stack);
  return found === null ? "" : found[0];
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

define("console", {
  log: (...values) => { host.log("info", text(values)); },
  info: (...values) => { host.log("info", text(values)); },
  debug: (...values) => { host.log("debug", text(values)); },
  warn: (...values) => { host.log("warning", text(values)); },
  error: (...values) => { host.log("error", text(values)); },
});
define("global", scope);
define("__VU", host.number());
define("__ENV", JSON.parse(host.environment()));
define("open", (path, mode) => {
  const content = host.open(String(path), mode === undefined ? "" : String(mode), caller());
  return content;
});
define("require", (specifier) => {
  const name = host.require(String(specifier), caller());
  return swell.load(name);
});
define("queueMicrotask", (callback) => { Promise.resolve().then(callback).catch(swell.fail); });
lazy("timers", "setTimeout", "clearTimeout", "setInterval", "clearInterval");
lazy("url", "URL", "URLSearchParams");
lazy("encoding", "TextEncoder", "TextDecoder", "atob", "btoa", "structuredClone");
lazy("webcrypto", "crypto");
lazy("events", "AbortController", "AbortSignal", "Event", "EventTarget");
if (scope.performance === undefined) {
  const origin = host.now();
  define("performance", { timeOrigin: Date.now(), now: () => host.now() - origin });
}
