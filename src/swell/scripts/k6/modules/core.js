// What every context has: running the script's functions, the event loop's JavaScript half, host functions.
// Builtin modules reach `api` by: import swell from "swell:core". The VUs of a runtime share its code, and each has
// closures of its own, so it stays small; what only some scripts need stands in modules of its own. `own` is what own.js
// gives, `shared` what shared.js gives.
(own, shared) => {
  "use strict";
  const { scope, load: dynamicImport, call, at } = own;
  const {
    ArrayBuffer, Error, Function, JSON, Map, Number, Object, Promise, RangeError, ReferenceError, Set, String, Symbol,
    TypeError, URIError,
  } = scope;
  const callbacks = new Map();
  const rejections = new Map();
  const RUNNING = 0, DONE = 1, FAILED = 2;
  // Every closure passes through the shape that has a length and no name yet: made once, as long as one object
  // has it.
  const shape = Object.defineProperty(Object.create(Function.prototype), "length", { value: 0, configurable: true });
  // What a script throws that is no error has no stack: where it did so last, as `throws.py` had it noted.
  const WORD = "throw ".length;
  let thrownAt = "", isNoting = false;
  let exported, failure, fromPromise = false;

  class GoError extends Error {
    get name() { return "GoError"; }
  }

  function makeError(name, message, stack) {
    const kind = name === "GoError" ? GoError : scope[name];
    const isKnown = typeof kind === "function" && kind.prototype instanceof Error;
    isTold = true;
    const made = isKnown ? new kind(message) : new Error(message);
    isTold = false;
    if (!isKnown && name !== "Error") made.name = name;
    if (stack) made.stack = stack;
    return made;
  }

  // Whether the error that is made has its words already.
  let isTold = false;
  const NATIVE = new Set([TypeError, ReferenceError, RangeError, URIError].map((kind) => kind.prototype));

  // Frames of our own modules have no file: they were compiled without lines.
  function isOurs(file) {
    return typeof file !== "string" || file === "" || file.startsWith("swell") || file.startsWith("k6") || file[0] === "<";
  }

  // The engine's own messages get k6's words. Nothing of this kind is thrown while a module is compiled, where
  // Python must not be called.
  function reword(error, frames) {
    if (isTold || !NATIVE.has(Object.getPrototypeOf(error)) || error.message.startsWith("Maximum")) return;
    let builtin = "";
    for (const frame of frames) {
      const file = frame.getFileName();
      if (!isOurs(file)) {
        error.message = api.host.reword(error.message, builtin, file, frame.getLineNumber(), frame.getColumnNumber());
        return;
      }
      builtin ||= frame.getFunctionName() || "function";
    }
  }

  // An error's stack begins with the error itself and shows the script's own frames, as in k6.
  Error.prepareStackTrace = (error, frames) => {
    let text;
    try { reword(error, frames); } catch { /* it keeps its own words */ }
    try { text = `${error}\n`; } catch { text = ""; }
    const isNote = isNoting;
    let stack = "";
    for (const frame of frames) {
      const file = frame.getFileName();
      if (isOurs(file)) continue;
      const place = `${file}:${frame.getLineNumber()}:${frame.getColumnNumber() - (isNote && stack === "" ? WORD : 0)}`;
      const name = frame.getFunctionName();
      stack += name ? `\tat ${name} (${place})\n` : `\tat ${place}\n`;
    }
    if (isNote) thrownAt = stack;
    return text + stack;
  };

  // What throws.py has called before something is thrown.
  const swellThrows = () => {
    try { isNoting = true; new Error(); } finally { isNoting = false; }
  };
  Object.defineProperty(scope, "swellThrows", { value: ours(swellThrows) });

  function bytes(data) {
    if (data instanceof ArrayBuffer) return data;
    if (ArrayBuffer.isView(data)) {
      return data.byteLength === data.buffer.byteLength
        ? data.buffer : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    }
    return undefined;
  }

  // A function of Python's by its number, which it is called by: text crosses as objects where it must, views as
  // their bytes.
  function hostFunction(number) {
    return function () {
      for (let i = 0; i < arguments.length; i++) {
        const given = arguments[i];
        if (typeof given === "string") arguments[i] = shared.crossing(given);
        else if (typeof given === "object" && ArrayBuffer.isView(given)) {
          arguments[i] = bytes(given);
        }
      }
      return call(number, ...arguments);
    };
  }

  // The functions of a Python half, numbered from `first`; the raw ones are there, the others are made when a module
  // first asks for them.
  function half(names, first) {
    const made = Object.create(shared.half(names));
    made.first = Number(first);
    made.make = hostFunction;
    for (const name of names.split(",")) {
      if (name[0] !== "!") continue;
      made[name.slice(1)] = scope["swell " + name];
      delete scope["swell " + name];
    }
    return made;
  }

  function fail(error, isPromise) {
    if (at.state === FAILED) return;
    at.state = FAILED;
    failure = error;
    fromPromise = isPromise === true;
  }

  function finish(result) {
    if (at.state === RUNNING) at.state = DONE;
    at.value = result;
  }

  // Running

  function load(name) {
    at.state = RUNNING;
    dynamicImport(name).then((loaded) => { exported = exportsOf(loaded, name); finish(); }, (error) => { thrownAt = ""; fail(error); });
  }

  // CommonJS modules have their exports whole under this name, k6's own and JSON as their default.
  function exportsOf(loaded, name) {
    if ("module.exports" in loaded) return loaded["module.exports"];
    return name.startsWith("k6") || name.endsWith(".json") ? loaded.default ?? loaded : loaded;
  }

  // For require(): a module without top-level await is there when its jobs are done. What it requires itself
  // comes in between, with a record of its own.
  let record;
  function begin(name) {
    const mine = record ?? {};
    record = undefined;
    dynamicImport(name).then(
      (loaded) => { mine.made = exportsOf(loaded, name); mine.isDone = true; },
      (error) => { mine.error = [error]; mine.isDone = true; },
    );
  }

  // Builtin modules that were loaded: every look at a response's headers or timings asks for one.
  const parts = new Map();
  function loadNow(name) {
    const known = parts.get(name);
    if (known !== undefined) return known;
    const mine = record = { made: undefined, error: undefined, isDone: false };
    api.host.begin(name);
    if (mine.error !== undefined) throw mine.error[0];
    if (!mine.isDone) throw new Error(`the module ${name} awaits at its top level, so it cannot be required: import it`);
    if (name.startsWith("swell:") || name.startsWith("k6")) parts.set(name, mine.made);
    return mine.made;
  }

  const bind = (name) => own.bind(name === "default" && typeof exported === "function" ? exported : exported[name], finish, fail);

  // What the script exports, as JSON; options that JSON has no place for are named in `odd`.
  function exports() {
    const functions = [], odd = [];
    const names = Object.keys(exported);
    if (typeof exported === "function") functions.push("default");
    for (const name of names) if (typeof exported[name] === "function") functions.push(name);
    const written = exported.options;
    const options = JSON.stringify(written === undefined || written === null ? {} : written, (key, given) => {
      if (typeof given === "function" || typeof given === "symbol") odd.push([key, `a ${typeof given}`]);
      else if (typeof given === "number" && given - given !== 0) odd.push([key, String(given)]);
      return given;
    });
    return JSON.stringify({ names, functions, odd, options, isObject: typeof (written ?? {}) === "object" && !Array.isArray(written) });
  }

  // The next promise that nobody caught becomes the failure.
  function settle() {
    if (rejections.size) fail(rejections.values().next().value, true);
    rejections.clear();
    return at.state;
  }

  function dispatch(id, kind, given) {
    const callback = callbacks.get(id);
    if (callback === undefined) return at.state;
    if (kind !== 2) callbacks.delete(id);
    try {
      if (kind === 1) callback(undefined, given);
      else callback(given);
    } catch (error) {
      fail(error);
    }
    return at.state;
  }

  function reset() {
    callbacks.clear();
    rejections.clear();
    api.standing.length = 0;
    at.state = DONE;
    at.value = failure = undefined;
  }

  // The failure as JSON: text is what k6 logs, stack the script's own lines.
  function describe() {
    const error = failure;
    failure = undefined;
    const told = { text: "", stack: "", name: "", isPromise: fromPromise };
    try {
      if (error instanceof Error) {
        told.name = String(error.name);
        told.stack = String(error.stack || "");
      } else if (!fromPromise) told.stack = thrownAt;
      told.text = String(error);
    } catch {
      told.text = "an exception that cannot be shown";
    }
    return JSON.stringify(told);
  }

  // Tags as JSON text. What JSON has no word for goes as null, which is refused, or as text.
  function tagText(given) {
    const tags = typeof given === "object" && !Array.isArray(given) ? given : Object.assign({}, given);
    for (const key in tags) {
      const value = tags[key];
      if (value === undefined) return tagText({ ...tags, [key]: null });
      if (typeof value === "number" && value - value !== 0) return tagText({ ...tags, [key]: String(value) });
    }
    return JSON.stringify(tags);
  }

  // A function, or an object with functions, that the code which contexts share has made: as if made here.
  function ours(made) {
    if (typeof made === "function") return Object.setPrototypeOf(made, Function.prototype);
    for (const name of Object.keys(made)) if (typeof made[name] === "function") ours(made[name]);
    return Object.setPrototypeOf(made, Object.prototype);
  }

  // The exports of a builtin module that is a function.
  function instantiate(make, ...imported) {
    const made = ours(make(scope, ...imported));
    if (made.default !== undefined) ours(made.default);
    return made;
  }

  const api = {
    GoError, bytes, makeError, own: ours, shape, tagText, shared,
    AsyncFunction: own.AsyncFunction,
    // As it was before a script could replace it.
    parse: JSON.parse,
    // An operation that Python completes: its value, or its failure as an error.
    promise: (id) => new Promise((resolve, reject) => callbacks.set(id, (given, problem) => {
      if (problem === undefined) resolve(given);
      else { const { name, message } = JSON.parse(problem); reject(makeError(name, message)); }
    })),
    // One whose events go to `callback`, until it is completed.
    listen: (id, callback) => { callbacks.set(id, callback); },
    forget: (id) => callbacks.delete(id),
    // Under it an object of ours has what stays of it as data.
    asData: Symbol("data"),
    // Set on the prototype of an object of ours that console.* shows with its methods.
    methods: Symbol("methods"),
    fail,
    // A module of ours or the script's, at once.
    load: loadNow,
    value: () => at.value,
    setData: (given) => { at.data = given; },
    host: undefined,
    // Of `k6`: the checks and groups that the running code stands in, and what ends them.
    standing: [], aborting: undefined,
  };

  const members = {
    load, begin, bind, settle, dispatch, reset, describe, half, makeError, exports, instantiate,
    setData: (text) => { at.data = text === null ? undefined : JSON.parse(text); },
    call: (name) => bind(name)(),
    has: (name) => typeof exported[name] === "function",
    state: () => at.state,
    value: () => at.value,
    // As k6 does once the script is loaded: what is in effect stands in its options. One that froze them keeps its own.
    setOptions: (text) => {
      try { Object.assign(exported.options, JSON.parse(text)); } catch { /* frozen */ }
    },
    // A scenario's own variables are there from its activation on; none given, it has those of all.
    setEnvironment: (text) => { if (text || api.isEnvironmentSet) api.setEnvironment(text); },
    attach: (functions) => { api.host = functions; },
    rejected: (promise, reason) => { rejections.set(promise, reason); },
    handled: (promise) => { rejections.delete(promise); },
    api: () => api,
  };
  // k6 has none; and the engine may call back one VU's function while another one runs.
  delete scope.FinalizationRegistry;
  return members;
}
