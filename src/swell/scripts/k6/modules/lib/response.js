// What of k6/http's responses few scripts need: all but status, body and json(). Loaded where one of it is read.
import host from "swell:host/http";
import swell from "swell:core";

const { bodyOf, kept, idOf, places } = swell.shared;
const [BODY, JSON_VALUE, SOURCE, TOLD, , STATUS] = places;
const { detail } = host;
const NO_BODY = " - this likely was because of a request error getting the response";

// What a response shows, in k6's order: false is what Python tells.
const FIELDS = {
  __proto__: null,
  remote_ip: false, remote_port: false, url: false, status: true, status_text: false, proto: false, headers: false,
  cookies: false, body: true, timings: false, tls_version: false, tls_cipher_suite: false, ocsp: false, error: false,
  error_code: false, request: false, clickLink: true, html: true, json: true, submitForm: true,
};

export function told(state) {
  return kept(state)[TOLD] ??= swell.parse(detail(idOf(state)));
}

export function textOf(state, what) {
  const body = bodyOf(state);
  if (typeof body === "string") return body;
  if (body === null || body === undefined) throw new swell.GoError(`the body is null so we can't transform it to ${what}${NO_BODY}`);
  return body instanceof ArrayBuffer ? host.textOf(body) : String(body);
}

// What json() throws for what is none.
export function refuse(text) {
  throw new swell.GoError(swell.load("swell:lib/jsonfault").describe(text));
}

// A path is looked up in what came, whatever the script made of json()'s value.
export function select(state, path) {
  const made = kept(state);
  if (made[SOURCE] === undefined) {
    const text = textOf(state, "JSON");
    try {
      made[SOURCE] = [swell.parse(text)];
    } catch {
      made[SOURCE] = [undefined];
    }
  }
  const found = swell.load("swell:lib/gjson").select(made[SOURCE][0], path);
  // A value of its own each time: the script may sort or change it.
  return typeof found === "object" && found !== null ? swell.parse(JSON.stringify(found)) : found;
}

const html = (state) => swell.load("k6/html").parseHTML(textOf(state, "HTML"), told(state).url);

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
  Object.keys(FIELDS).filter((name) => !METHODS.has(name)).map((name) => [name, swell.shared.field(state, name)]),
);

// Any field but status, body and json.
export function field(state, name) {
  if (!(name in FIELDS)) return name === swell.asData ? dataOf(state) : Object.prototype[name];
  return FIELDS[name] ? method(state, name) : told(state)[name];
}

// What a response does besides letting its fields be read.
export const traps = {
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
    ? { value: swell.shared.field(state, name), writable: true, enumerable: true, configurable: true } : undefined),
  getPrototypeOf: () => Object.prototype,
};
