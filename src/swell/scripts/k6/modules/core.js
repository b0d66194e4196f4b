// What every context has: running the script's functions, the event loop's JavaScript half, host functions.
// Builtin modules reach `api` by: import swell from "swell:core". It is evaluated once per virtual user, so
// it stays small; what only some scripts need stands in modules of its own.
(() => {
  "use strict";
  const callbacks = new Map();
  const rejections = new Map();
  const RUNNING = 0, DONE = 1, FAILED = 2;
  let namespace, state = DONE, value, failure, fromPromise = false;

  class GoError extends Error {
    get name() { return "GoError"; }
  }

  function makeError(name, message, stack) {
    const kind = name === "GoError" ? GoError : globalThis[name];
    const isKnown = typeof kind === "function" && kind.prototype instanceof Error;
    const made = isKnown ? new kind(message) : new Error(message);
    if (!isKnown && name !== "Error") made.name = name;
    if (stack) made.stack = stack;
    return made;
  }

  function bytes(data) {
    if (data instanceof ArrayBuffer) return data;
    if (ArrayBuffer.isView(data)) {
      return data.byteLength === data.buffer.byteLength
        ? data.buffer : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    }
    return undefined;
  }

  // Text that the binding would cut or refuse goes as an object, and views as their bytes.
  function guard(host) {
    return function () {
      for (let i = 0; i < arguments.length; i++) {
        const given = arguments[i];
        if (typeof given === "string") {
          if (!given.isWellFormed() || given.includes("\0")) arguments[i] = new String(given);
        } else if (typeof given === "object" && ArrayBuffer.isView(given)) {
          arguments[i] = bytes(given);
        }
      }
      return host(...arguments);
    };
  }

  function collect(names) {
    const made = {};
    for (const marked of names ? names.split(",") : []) {
      const isRaw = marked[0] === "!";
      const name = isRaw ? marked.slice(1) : marked;
      const host = globalThis["swell " + name];
      delete globalThis["swell " + name];
      made[name] = isRaw ? host : guard(host);
    }
    return made;
  }

  function fail(error, isPromise) {
    if (state === FAILED) return;
    state = FAILED;
    failure = error;
    fromPromise = isPromise === true;
  }

  function finish(result) {
    if (state === RUNNING) state = DONE;
    value = result;
  }

  // Running

  function load(name) {
    state = RUNNING;
    import(name).then((loaded) => { namespace = loaded; finish(); }, fail);
  }

  function call(name, data) {
    state = RUNNING;
    value = undefined;
    try {
      const made = namespace[name];
      const result = typeof made === "function" || !namespace.default ? made(data) : namespace.default[name](data);
      if (result instanceof Promise) result.then(finish, fail);
      else finish(result);
    } catch (error) {
      fail(error);
    }
    return state;
  }

  // The next promise that nobody caught becomes the failure.
  function settle() {
    if (rejections.size) fail(rejections.values().next().value, true);
    rejections.clear();
    return state;
  }

  function dispatch(id, kind, given) {
    const callback = callbacks.get(id);
    if (callback === undefined) return state;
    if (kind !== 2) callbacks.delete(id);
    try {
      if (kind === 1) callback(undefined, given);
      else callback(given);
    } catch (error) {
      fail(error);
    }
    return state;
  }

  function reset() {
    callbacks.clear();
    rejections.clear();
    state = DONE;
    value = failure = undefined;
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
      }
      told.text = String(error);
    } catch {
      told.text = "an exception that cannot be shown";
    }
    return JSON.stringify(told);
  }

  const api = {
    GoError, bytes, makeError,
    // An operation that Python completes: its value, or its failure as an error.
    promise: (id) => new Promise((resolve, reject) => callbacks.set(id, (given, problem) => {
      if (problem === undefined) resolve(given);
      else { const { name, message } = JSON.parse(problem); reject(makeError(name, message)); }
    })),
    // One whose events go to `callback`, until it is completed.
    listen: (id, callback) => { callbacks.set(id, callback); },
    forget: (id) => callbacks.delete(id),
    fail,
  };

  const members = {
    load, call, settle, dispatch, reset, describe, collect, makeError,
    state: () => state,
    value: () => value,
    namespace: () => namespace,
    rejected: (promise, reason) => { rejections.set(promise, reason); },
    handled: (promise) => { rejections.delete(promise); },
    api: () => api,
  };
  members.names = Object.keys(members).join(",");
  globalThis["swell core"] = members;
})();
