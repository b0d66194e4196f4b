// The response of k6/http. It keeps a number; what a script reads of it is fetched from Python then.
import host from "swell:host/http";
import swell from "swell:core";

const { body: bodyOf, detail, release } = host;
const NO_BODY = " - this likely was because of a request error getting the response";

// Python lets go of the responses of one lease together, when none of them can be reached any more: to register
// each would cost more than all else about it. A large response has a lease of its own; its code is negative, as is its number in the lease.
const LEASED = 16;
const hold = swell.handles((first) => (first < 0 ? release(-first, 1) : release(first, LEASED)));
// The code that the next response in the order of leases has without its status, and the end of the lease. Python
// is told of it where it would give a body alone: an answer may have come that no response was made of, as where the
// stack was at its end.
export let next = 0;
let lease, end = 0;

// Places in what a response keeps once it is read: an array is the cheapest thing to keep it in.
const BODY = 0, JSON_VALUE = 1, SOURCE = 2, TOLD = 3, KIND = 4, STATUS = 5;

// Shapes that each response passes through, kept so that they are made once.
export const shapes = [{ code: 0 }, { code: 0, lease: 0 }, { code: 0, lease: 0, kept: 0 }];

// What a response shows, in k6's order: false is what Python tells.
const FIELDS = {
  __proto__: null,
  remote_ip: false, remote_port: false, url: false, status: true, status_text: false, proto: false, headers: false,
  cookies: false, body: true, timings: false, tls_version: false, tls_cipher_suite: false, ocsp: false, error: false,
  error_code: false, request: false, clickLink: true, html: true, json: true, submitForm: true,
};

// Bound once, as a look into the globals touches more memory than a call; what most scripts do stands in few
// functions for the same reason.
const { abs, trunc } = Math;
const { parse } = JSON;
const Wrapped = Proxy;
const kept = (state) => state.kept ??= [undefined, undefined, undefined, undefined, undefined, undefined];
const idOf = (state) => trunc(abs(state.code) / 1000);

function told(state) {
  return kept(state)[TOLD] ??= JSON.parse(detail(idOf(state)));
}

function bodyFor(state) {
  const made = kept(state);
  if (made[BODY] === undefined) {
    made[BODY] = bodyOf(idOf(state), made[KIND] === "binary");
    // A request that was never made has no bytes at all where others have null.
    if (made[BODY] === null && abs(state.code) % 1000 === 0) made[BODY] = told(state).body ?? null;
  }
  return made[BODY];
}

function textFor(state, what) {
  const body = bodyFor(state);
  if (typeof body === "string") return body;
  if (body === null || body === undefined) throw new swell.GoError(`the body is null so we can't transform it to ${what}${NO_BODY}`);
  return body instanceof ArrayBuffer ? host.textOf(body) : String(body);
}

function json(state) {
  const made = state.kept ?? kept(state);
  if (made[JSON_VALUE] === undefined) {
    const body = made[BODY];
    const text = typeof body === "string" ? body : textFor(state, "JSON");
    try {
      made[JSON_VALUE] = parse(text);
    } catch {
      throw new swell.GoError(swell.load("swell:lib/jsonfault").describe(text));
    }
  }
  return made[JSON_VALUE];
}

// A path is looked up in what came, whatever the script made of json()'s value.
function select(state, path) {
  const made = kept(state);
  if (made[SOURCE] === undefined) {
    const text = textFor(state, "JSON");
    try {
      made[SOURCE] = [JSON.parse(text)];
    } catch {
      made[SOURCE] = [undefined];
    }
  }
  const found = swell.load("swell:lib/gjson").select(made[SOURCE][0], path);
  // A value of its own each time: the script may sort or change it.
  return typeof found === "object" && found !== null ? parse(JSON.stringify(found)) : found;
}

const html = (state) => swell.load("k6/html").parseHTML(textFor(state, "HTML"), told(state).url);

function method(state, name) {
  if (name === "html") return (...given) => (given.length ? html(state).find(String(given[0])) : html(state));
  return (...given) => {
    const [wanted = given.length ? null : {}] = given;
    if (wanted === null) throw new TypeError("Cannot convert undefined or null to object");
    return swell.load("swell:lib/pages")[name](html(state), told(state).url, wanted);
  };
}

// What stays of a response that setup returns: all but the methods.
const METHODS = new Set(["clickLink", "html", "json", "submitForm"]);
const dataOf = (state) => Object.fromEntries(
  Object.keys(FIELDS).filter((name) => !METHODS.has(name)).map((name) => [name, field(state, name)]),
);

// What most scripts read comes first.
function field(state, name) {
  if (name === "status") {
    const { code, kept: made } = state;
    if (made !== undefined && made[STATUS] !== undefined) return made[STATUS];
    return (code < 0 ? -code : code) % 1000;
  }
  if (name === "json") return (...given) => (given.length ? select(state, String(given[0])) : json(state));
  if (name === "body") return bodyFor(state);
  if (!(name in FIELDS)) return name === swell.asData ? dataOf(state) : Object.prototype[name];
  return FIELDS[name] ? method(state, name) : told(state)[name];
}

// A proxy, as all fields are the response's own and yet only those are made that a script reads.
const handler = {
  get: field,
  set(state, name, value) {
    if (!(name in FIELDS)) throw new TypeError(`Cannot assign to property ${String(name)} of a host object`);
    const made = kept(state);
    if (name === "status") made[STATUS] = value;
    else if (name === "body") {
      made[BODY] = value;
      made[JSON_VALUE] = made[SOURCE] = undefined;
    } else told(state)[name] = value;
    return true;
  },
  has: (_, name) => name in FIELDS || name in Object.prototype,
  deleteProperty(_, name) { throw new TypeError(`Cannot delete property ${String(name)} from a Go type`); },
  ownKeys: () => Object.keys(FIELDS),
  getOwnPropertyDescriptor: (state, name) => (name in FIELDS
    ? { value: field(state, name), writable: true, enumerable: true, configurable: true } : undefined),
  getPrototypeOf: () => Object.prototype,
};

// A lease that ends with the number `id`, or before.
function leaseFor(id) {
  const first = id - (id % LEASED);
  end = (first + LEASED) * 1000;
  hold(lease = {}, first);
}

// `code` is the response's number and its status in one, or, of the next one in order with status 200, its body;
// `kind` is the responseType.
export function response(code, kind) {
  let mine, made;
  if (typeof code === "string") {
    made = [code, undefined, undefined, undefined, undefined, undefined];
    code = next + 200;
  }
  if (code < 0) hold(mine = {}, trunc(code / 1000));
  else {
    if (code >= end) leaseFor(trunc(code / 1000));
    next = code - (code % 1000) + 1000;
    mine = lease;
  }
  const state = { code, lease: mine, kept: made };
  if (kind !== undefined) kept(state)[KIND] = kind;
  return new Wrapped(state, handler);
}
