// What each VU has compiled in its own context, as it matters there: the engine imports for the context whose code
// asks for it, and makes the promise of an async function in that of its caller. The rest of the core is core.js.
(() => {
  "use strict";
  const scope = globalThis, call = scope["swell call"], { Promise } = scope;
  delete scope["swell call"];
  // Where the called function stands (0: it runs, 1: done, 2: failed), what it gave, and the setup data.
  let state = 1, value, data;
  return {
    scope, call,
    at: {
      get state() { return state; },
      set state(given) { state = given; },
      get value() { return value; },
      set value(given) { value = given; },
      set data(given) { data = given; },
    },
    AsyncFunction: (async () => {}).constructor,
    load: (name) => import(name),
    // Calls of one function: what Python makes again and again.
    bind: (run, finish, fail) => (iteration) => {
      state = 0;
      value = undefined;
      if (iteration !== undefined) scope.__ITER = iteration;
      try {
        const result = run(data);
        if (typeof result === "object" && result instanceof Promise) result.then(finish, (error) => fail(error, true));
        else { state = 1; value = result; }
      } catch (error) {
        fail(error);
      }
      return state;
    },
  };
})()
