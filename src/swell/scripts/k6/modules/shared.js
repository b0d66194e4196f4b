// What the VUs of a runtime share: the functions that nearly every iteration runs. They live in a context of their
// own, so that their bytecode is there once for all VUs, and each VU has closures of them. What reaches a script
// is made by its own context: errors, what JSON holds, arrays. `isOfNobody`: the context is no VU's.
(isOfNobody) => {
  "use strict";
  const { abs, trunc } = Math;
  const Wrapped = Proxy, Registry = FinalizationRegistry;
  // As in core.js: the shape that every closure passes through.
  const shape = Object.defineProperty(Object.create(Function.prototype), "length", { value: 0, configurable: true });
  // What is thrown in here by the engine itself shows nothing of us.
  Error.prepareStackTrace ??= (error) => `${error}\n`;

  // The engine keeps what is concatenated to long text as a tree of its parts, which the binding refuses:
  // String() makes one piece of it.
  const PIECE = 256;
  const whole = (text) => (text.length > PIECE ? String(text) : text);

  // Text that the binding would cut or refuse goes as an object.
  function crossing(given) {
    const text = whole(given);
    return text.isWellFormed() && !text.includes("\0") ? text : new String(text);
  }

  // Of the objects that have the functions of a Python half, by their names: what is asked for once stays.
  const halves = new Map();
  function half(names) {
    let prototype = halves.get(names);
    if (prototype !== undefined) return prototype;
    halves.set(names, prototype = Object.create(null));
    names.split(",").forEach((name, index) => {
      if (name[0] === "!") return;
      const get = function () {
        const value = this.make(this.first + index);
        Object.defineProperty(this, name, { value });
        return value;
      };
      Object.defineProperty(prototype, name, { get });
    });
    return prototype;
  }

  // A function (target, number) after which `release(number)` is called, once or twice, when `target` is gone. The
  // engine tells of that between two jobs only: an iteration that never waits would keep all until its end. So
  // where many are out, they are watched, too, and looked after whenever their number has doubled.
  const MANY = 16;
  function handles(release) {
    let open = 0, watched = [], limit = MANY;
    const registry = new Registry((number) => { open--; release(number); });
    return (target, number) => {
      registry.register(target, number);
      if (++open < MANY) return;
      watched.push([new WeakRef(target), number]);
      if (watched.length < limit) return;
      const all = watched;
      watched = [];
      for (const one of all) {
        if (one[0].deref() === undefined) release(one[1]);
        else watched.push(one);
      }
      limit = MANY + 2 * watched.length;
    };
  }

  // Texts that Python knows by number; a script that makes ever new ones has more.
  const MOST_NUMBERS = 256;
  const addresses = new Map(), names = new Map();

  // The number of a text by `numberOf`, times `factor`; the text where Python keeps none for it.
  function learned(numbers, given, numberOf, factor) {
    const text = crossing(given);
    if (typeof text !== "string" || numbers.size >= MOST_NUMBERS) return text;
    const number = numberOf(text);
    if (number < 0) return text;
    numbers.set(given, number * factor);
    return number * factor;
  }

  // Responses. One keeps a number; what a script reads of it is fetched from Python then.

  // Python lets go of the responses of one lease together, when none of them can be reached any more: to register
  // each would cost more than all else about it. A large response has a lease of its own; its code is negative, as
  // is its number in the lease.
  const LEASED = 16;

  // Places in what a response keeps once it is read: an array is the cheapest thing to keep it in.
  const BODY = 0, JSON_VALUE = 1, SOURCE = 2, TOLD = 3, KIND = 4, STATUS = 5;

  // Shapes that each response passes through, kept so that they are made once.
  const shapes = [{ code: 0 }, { code: 0, lease: 0 }, { code: 0, lease: 0, kept: 0 }, { code: 0, lease: 0, kept: 0, vu: 0 }];

  const kept = (state) => state.kept ??= [undefined, undefined, undefined, undefined, undefined, undefined];
  const idOf = (state) => trunc(abs(state.code) / 1000);

  function bodyOf(state) {
    const made = kept(state);
    if (made[BODY] === undefined) {
      const { vu } = state;
      made[BODY] = vu.body(idOf(state), made[KIND] === "binary");
      // A request that was never made has no bytes at all where others have null.
      if (made[BODY] === null && abs(state.code) % 1000 === 0) made[BODY] = vu.cold().told(state).body ?? null;
    }
    return made[BODY];
  }

  function json(state) {
    const made = state.kept ?? kept(state), { vu } = state;
    if (made[JSON_VALUE] === undefined) {
      let text = made[BODY] ?? bodyOf(state);
      if (typeof text !== "string") text = vu.cold().textOf(state, "JSON");
      try {
        made[JSON_VALUE] = vu.parse(text);
      } catch {
        vu.cold().refuse(text);
      }
    }
    return made[JSON_VALUE];
  }

  // What most scripts read comes first.
  function field(state, name) {
    if (name === "status") {
      const { code, kept: made } = state;
      if (made !== undefined && made[STATUS] !== undefined) return made[STATUS];
      return (code < 0 ? -code : code) % 1000;
    }
    if (name === "json") return (...given) => (given.length ? state.vu.cold().select(state, String(given[0])) : json(state));
    if (name === "body") return bodyOf(state);
    return state.vu.cold().field(state, name);
  }

  // A proxy, as all fields are the response's own and yet only those are made that a script reads.
  const handler = { get: field };
  for (const name of ["set", "has", "deleteProperty", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf"]) {
    handler[name] = (state, ...given) => state.vu.cold().traps[name](state, ...given);
  }

  // A lease that ends with the number `id`, or before.
  function leaseFor(id, vu) {
    const first = id - (id % LEASED);
    vu.end = (first + LEASED) * 1000;
    vu.hold(vu.lease = {}, first);
  }

  // `code` is the response's number and its status in one, or, of the next one in order with status 200, its body;
  // `kind` is the responseType. Numbers are the VU's own: another VU may run before a response is made of an answer.
  function response(code, kind, vu) {
    let mine, made;
    if (typeof code === "string") {
      made = [code, undefined, undefined, undefined, undefined, undefined];
      code = vu.next + 200;
    }
    if (code < 0) vu.hold(mine = {}, trunc(code / 1000));
    else {
      if (code >= vu.end) leaseFor(trunc(code / 1000), vu);
      vu.next = code - (code % 1000) + 1000;
      mine = vu.lease;
    }
    const state = { code, lease: mine, kept: made, vu };
    if (kind !== undefined) kept(state)[KIND] = kind;
    return new Wrapped(state, handler);
  }

  // http.get and the responses of one VU: `fetch`, `body`, `release` and `numberOf` are its Python half, `parse` its
  // JSON.parse; `get` does what is no plain request, and `cold` gives the module with all else of responses.
  function requests({ fetch, body, release, numberOf, parse, get: other, cold }) {
    const hold = handles((first) => (first < 0 ? release(-first, 1) : release(first, LEASED)));
    // `next` is the code that the next response in the order of leases has without its status, `end` that of the
    // lease. Python is told of it where it would give a body alone: an answer may have come that no response was
    // made of, as where the stack was at its end.
    const vu = { body, parse, cold, hold, next: 0, end: 0, lease: undefined };
    return {
      get(target, params) {
        if (params === undefined && typeof target === "string") {
          return response(fetch(addresses.get(target) ?? learned(addresses, target, numberOf, 1), vu.next), undefined, vu);
        }
        return other(...arguments);
      },
      response: (code, kind) => response(code, kind, vu),
    };
  }

  // check() of one VU: `record`, `recordNamed`, `tagged` and `numberOf` are its Python half.
  function checks({ record, recordNamed, tagged, numberOf, standing, keys, plain, isAsync, tagText, fail }) {
    function recordAll(told, named, tags) {
      if (tags === undefined || tags === null) {
        if (told.length) record(...told);
        if (named !== undefined) recordNamed(...named);
      } else {
        tagged(tagText(tags), told.length, ...told, ...(named ?? []));
      }
    }

    function check(value, sets, tags) {
      if (sets === undefined) fail("no checks provided to `check`");
      // What is met is one more than what is not; a condition that throws is not.
      const titles = keys(sets), told = [];
      let allMet = true, named;
      standing.push(told, tags);
      try {
        for (let i = 0; i < titles.length; i++) {
          const name = titles[i];
          let met = sets[name];
          if (typeof met === "function" && met.constructor !== plain && isAsync(met)) {
            fail("the built-in check() does not support async functions as arguments. "
              + "Use the JavaScript utils library as a replacement. "
              + "Refer to https://grafana.com/docs/k6/latest/javascript-api/jslib/utils/check/ for more info");
          }
          // Twice the number of a name.
          const number = names.get(name) ?? learned(names, name, numberOf, 2);
          if (typeof number === "number") {
            told.push(number);
            if (typeof met === "function") met = met(value);
            if (met) told[told.length - 1] = number + 1;
          } else {
            named ??= told.named = [];
            named.push(number, 0);
            if (typeof met === "function") met = met(value);
            if (met) named[named.length - 1] = 1;
          }
          if (!met) allMet = false;
        }
      } finally {
        standing.length -= 2;
        // Most checks come alone or in pairs: a list of arguments costs more than the rest of the call.
        const count = named === undefined && (tags === undefined || tags === null) ? told.length : 0;
        if (count === 2) record(told[0], told[1]);
        else if (count === 1) record(told[0]);
        else recordAll(told, named, tags);
      }
      return allMet;
    }

    return { check, recordAll };
  }

  // A script gets at what its functions that are made in here inherit, at what the engine throws in here, and at what
  // functions of the engine that it finds there make: `Object.prototype.valueOf` alone gives the prototypes of texts
  // and numbers. That leads to no other VU: nothing that this context began with can be changed, and no constructor
  // that compiles code can be reached.
  function seal() {
    const { getOwnPropertyDescriptor, getPrototypeOf } = Object, seen = new Set([globalThis]);
    const left = Reflect.ownKeys(globalThis).map((name) => globalThis[name]);
    // What no global leads to: kinds of functions, and what iterators inherit.
    left.push(() => 0, async () => 0, function* () {}, async function* () {}, [].values(), ""[Symbol.iterator](), "".matchAll(/a/g));
    left.push(new Map().keys(), new Set().keys(), [].values().map(trunc), Iterator.from({ next: trunc }));
    left.push(crossing, half, handles, learned, bodyOf, json, field, leaseFor, response, requests, checks, kept, idOf, handler);
    while (left.length) {
      const given = left.pop();
      if (given === null || (typeof given !== "object" && typeof given !== "function") || seen.has(given)) continue;
      seen.add(given);
      Reflect.deleteProperty(given, "constructor");
      Object.freeze(given);
      left.push(getPrototypeOf(given));
      for (const key of Reflect.ownKeys(given)) {
        const { value, get, set } = getOwnPropertyDescriptor(given, key);
        left.push(value, get, set);
      }
    }
  }

  const places = [BODY, JSON_VALUE, SOURCE, TOLD, KIND, STATUS];
  if (isOfNobody) seal();
  return { shape, shapes, crossing, half, handles, requests, checks, places, kept, idOf, bodyOf, field };
}
