// k6/http: requests of the virtual user.
import host from "swell:host/http";
import swell from "swell:core";
import { FileData, form, isFile, kindOf, multipart } from "swell:lib/forms";

const { send } = host;

// A request that cannot even be made: it is told, and its response says why.
class Refusal extends Error {
  constructor(message, code = 0) {
    super(message);
    this.code = code;
  }
}

// A name or type that is given counts, whatever it is.
export function file(data, ...given) {
  const content = typeof data === "string" ? data : swell.bytes(data);
  if (content === undefined) throw new swell.GoError(`invalid type ${kindOf(data)}, expected string or ArrayBuffer`);
  const [filename, contentType] = given.map((one) => String(one ?? ""));
  return new FileData(content, filename ?? host.fileName(), contentType ?? "application/octet-stream");
}

// Arguments

// The body and the content type that comes with it.
function content(body) {
  if (body === undefined || body === null) return [null, ""];
  if (typeof body === "string") return [body, ""];
  const data = swell.bytes(body);
  if (data !== undefined) return [data, ""];
  if (body instanceof String) return [String(body), ""];
  const kind = kindOf(body);
  if (!kind.startsWith("map")) throw new Refusal(`unknown request body type ${kind}`);
  if (Object.values(body).some(isFile)) {
    const made = multipart(body);
    return [made, "multipart/form-data; boundary=" + host.boundary()];
  }
  return [form(body), "application/x-www-form-urlencoded"];
}

function stringified(given) {
  const made = {};
  for (const key of Object.keys(given)) made[key] = String(given[key]);
  return made;
}

function expectedOf(callback) {
  if (callback === null) return null;
  if (callback instanceof ExpectedStatuses) return textOf(callback);
  throw new Refusal("unsupported responseCallback");
}

function tagsOf(given) {
  const made = {};
  for (const key of Object.keys(given)) {
    const value = given[key];
    if (!["string", "number", "boolean"].includes(typeof value)) {
      throw new Refusal(`invalid HTTP request metric tags: invalid value for metric tag '${key}': `
        + "only String, Boolean and Number types are accepted as a metric tag values");
    }
    made[key] = String(value);
  }
  return made;
}

function cookiesOf(given) {
  const made = [];
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value === null || value === undefined) continue;
    if (typeof value === "object" && !Array.isArray(value)) made.push([name, String(value.value ?? ""), Boolean(value.replace)]);
    else made.push([name, String(value), false]);
  }
  return made;
}

function timeoutOf(given) {
  if (typeof given === "string") return given;
  // What is no number of milliseconds is none at all.
  if (typeof given === "number") return Number.isFinite(given) ? given : 0;
  throw new Refusal(`invalid timeout value: unable to use type ${kindOf(given)} as a duration value`);
}

const READERS = {
  __proto__: null,
  headers: stringified,
  cookies: (given) => (typeof given === "object" ? cookiesOf(given) : undefined),
  tags: tagsOf,
  redirects: (given) => Math.trunc(Number(given)) || 0,
  responseType: String,
  auth: String,
  compression: String,
  jar: (given) => (given instanceof CookieJar ? given.number : undefined),
  throw: Boolean,
};

// Those that read null and undefined as values, which k6 then takes for none of the known ones.
const READS_NOTHING = new Set(["redirects", "responseType", "compression"]);

// What Python needs of the parameters, as JSON text: the same text means the same request again.
function encode(params, type) {
  const made = {};
  if (type) made.type = type;
  if (params !== null && typeof params === "object") {
    for (const key of Object.keys(params)) {
      const value = params[key];
      if (key === "timeout") made.timeout = timeoutOf(value);
      else if (key === "responseCallback") made.expected = expectedOf(value ?? null);
      else if (key in READERS && (READS_NOTHING.has(key) || (value ?? null) !== null)) made[key] = READERS[key](value);
    }
  }
  return JSON.stringify(made);
}

function address(target) {
  if (typeof target === "string") return [target, ""];
  if (target instanceof Url) return [target.url, target.name];
  if (target !== null && typeof target === "object" && typeof target.href === "string") return [target.href, ""];
  throw new Refusal(`invalid URL: '#${shown(target)}'`, 1020);
}

function shown(value) {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const keys = value instanceof String ? [] : Object.keys(value).sort();
  return `map[${keys.map((key) => `${key}:${shown(value[key])}`).join(" ")}]`;
}

class Url {
  constructor(text, name) {
    this.name = name;
    this.url = text;
    this.clean_url = text;
  }
}

// http.url`http://host/${id}`: the parts that change are not in the name.
export function url(parts, ...values) {
  if (parts === undefined) return new Url("", "");
  if (!Array.isArray(parts)) throw new TypeError(`could not convert function call parameter 0: could not convert ${parts} to []string`);
  let text = parts[0], name = parts[0];
  for (let i = 0; i < values.length; i++) {
    text += String(values[i] ?? "") + parts[i + 1];
    name += "${}" + parts[i + 1];
  }
  return new Url(text, name);
}

function kindWanted(params) {
  return params === undefined || params === null ? undefined : params.responseType;
}

function arguments_(method, target, body, params) {
  const [text, name] = address(target);
  const [data, type] = content(body);
  return [method === undefined || method === null ? "" : String(method), text, name, data, encode(params, type)];
}

// The response to what cannot be sent: told as a warning, thrown where the option `throw` is on.
function refused(error) {
  if (!(error instanceof Refusal)) throw error;
  return response(host.refuse("Request Failed", error.message, error.code), undefined);
}

export function request(method, target, body, params) {
  let made;
  try {
    made = arguments_(method, target, body, params);
  } catch (error) {
    return refused(error);
  }
  // Read before, as a getter may send requests itself: responses are made in the order of their numbers.
  const kind = kindWanted(params);
  return response(send(...made), kind);
}

function surplus(method, count) {
  host.warn(`http.${method} only accepts a url and a params argument (2 arguments), but ${count} were given`);
}

// What is no plain request; that one is the hot path, which all VUs share.
const { get, response } = swell.shared.requests({
  fetch: host.get,
  body: host.body,
  numberOf: host.numberOf,
  release: host.release,
  parse: swell.parse,
  get(target, params, ...more) {
    if (more.length) surplus("get", 2 + more.length);
    return request("GET", target, null, params);
  },
  cold: () => swell.load("swell:lib/response"),
});
export { get };

export function head(target, params) {
  if (arguments.length > 2) surplus("head", arguments.length);
  return request("HEAD", target, null, params);
}

export const post = (target, body, params) => request("POST", target, body, params);
export const put = (target, body, params) => request("PUT", target, body, params);
export const patch = (target, body, params) => request("PATCH", target, body, params);
export const del = (target, body, params) => request("DELETE", target, body, params);
export const options = (target, body, params) => request("OPTIONS", target, body, params);

export function asyncRequest(method, target, body, params) {
  try {
    const id = host.start(...arguments_(method, target, body, params));
    return swell.promise(id).then((code) => response(code, kindWanted(params)));
  } catch (error) {
    if (!(error instanceof Refusal)) return Promise.reject(error);
    return new Promise((resolve) => resolve(refused(error)));
  }
}

function item(given, key) {
  if (Array.isArray(given)) {
    if (given.length < 2) throw new Refusal(`invalid batch request '[]interface {}{${given.map((one) => JSON.stringify(one)).join(", ")}}'`);
    if (typeof given[0] !== "string") throw new Refusal(`invalid method type '${shown(given[0])}'`);
    return given;
  }
  if (given === null || typeof given !== "object" || given instanceof Url) return ["GET", given, null, undefined];
  if (given.url === undefined) throw new Refusal(`batch request ${key} doesn't have a url key`);
  if (given.method !== undefined && typeof given.method !== "string") throw new Refusal(`invalid method type '${shown(given.method)}'`);
  return [(given.method ?? "GET").toUpperCase(), given.url, given.body, given.params];
}

// Where an item cannot be sent, none is: those before it are empty, those behind it are null.
function refusedBatch(requests, keys, at, problem) {
  if (!(problem instanceof Refusal)) throw problem;
  const made = Array.isArray(requests) ? Array() : Object();
  keys.forEach((key, i) => {
    if (i < at) made[key] = response(host.refuse("", "", 0), undefined);
    else if (i === at) made[key] = response(host.refuse("A batch request failed", problem.message, problem.code), undefined);
    else if (Array.isArray(requests)) made[key] = null;
  });
  return made;
}

export function batch(requests) {
  if (!arguments.length) throw new swell.GoError("no argument was provided to http.batch()");
  if (arguments.length > 1) throw new swell.GoError("http.batch() accepts only an array or an object of requests");
  if (requests === null || typeof requests !== "object" || requests instanceof Map) {
    throw new swell.GoError(`invalid http.batch() argument type ${kindOf(requests)}`);
  }
  const keys = Object.keys(requests);
  const kinds = [];
  host.batchBegin();
  for (const key of keys) {
    try {
      const [method, target, body, params] = item(requests[key], key);
      const problem = host.batchAdd(...arguments_(method, target, body, params));
      if (problem) throw new Refusal(...JSON.parse(problem));
      kinds.push(kindWanted(params));
    } catch (error) {
      return refusedBatch(requests, keys, kinds.length, error);
    }
  }
  const codes = JSON.parse(host.batchRun());
  const made = Array.isArray(requests) ? Array() : Object();
  keys.forEach((key, i) => { made[key] = response(codes[i], kinds[i]); });
  return made;
}

// Which statuses are expected

let textOf;

class ExpectedStatuses {
  #text;
  constructor(text) { this.#text = text; }
  static { textOf = (made) => made.#text; }
}

export function expectedStatuses(...given) {
  if (!given.length) throw new swell.GoError("no arguments");
  const parts = given.map((one, i) => {
    if (Number.isInteger(one)) return `${one}-${one}`;
    if (one === null || one === undefined) throw new TypeError("Cannot convert undefined or null to object");
    if (one.min === undefined || one.max === undefined) {
      throw new swell.GoError(`argument number ${i + 1} to expectedStatuses was neither an integer nor an object like {min:100, max:329}`);
    }
    if (!Number.isInteger(one.min) || !Number.isInteger(one.max)) {
      throw new swell.GoError(`both min and max need to be integers for argument number ${i + 1}`);
    }
    return `${one.min}-${one.max}`;
  });
  return new ExpectedStatuses(parts.join(","));
}

export function setResponseCallback(callback) {
  if (callback !== null && !(callback instanceof ExpectedStatuses)) {
    throw new swell.GoError("unsupported argument, expected http.expectedStatuses");
  }
  host.setExpected(callback === null ? null : textOf(callback));
}

// Cookies

// Jars that no script can reach any more, until they are told to Python.
const unreachable = [];
const hold = swell.shared.handles((number) => {
  unreachable.push(number);
  if (unreachable.length >= 16) host.dropJars(...unreachable.splice(0));
});

export class CookieJar {
  #number;
  constructor(number) {
    this.#number = typeof number === "number" ? number : host.newJar();
    if (this.#number) hold(this, this.#number);
  }
  get number() { return this.#number; }
  cookiesForURL(target) { return JSON.parse(host.jarCookies(this.#number, String(target))); }
  set(target, name, value, options) {
    return host.jarSet(this.#number, String(target), String(name), String(value ?? ""), JSON.stringify(options ?? {}) ?? "{}");
  }
  clear(target) { host.jarClear(this.#number, String(target)); }
  delete(target, name) { host.jarDelete(this.#number, String(target), String(name)); }
}

CookieJar.prototype[swell.methods] = "";

export function cookieJar() {
  host.ownJar();
  return new CookieJar(0);
}

export const TLS_1_0 = "tls1.0", TLS_1_1 = "tls1.1", TLS_1_2 = "tls1.2", TLS_1_3 = "tls1.3";
export const OCSP_STATUS_GOOD = "good", OCSP_STATUS_REVOKED = "revoked", OCSP_STATUS_UNKNOWN = "unknown";
export const OCSP_STATUS_SERVER_FAILED = "server_failed";
export const OCSP_REASON_UNSPECIFIED = "unspecified", OCSP_REASON_KEY_COMPROMISE = "key_compromise";
export const OCSP_REASON_CA_COMPROMISE = "ca_compromise", OCSP_REASON_AFFILIATION_CHANGED = "affiliation_changed";
export const OCSP_REASON_SUPERSEDED = "superseded", OCSP_REASON_CESSATION_OF_OPERATION = "cessation_of_operation";
export const OCSP_REASON_CERTIFICATE_HOLD = "certificate_hold", OCSP_REASON_REMOVE_FROM_CRL = "remove_from_crl";
export const OCSP_REASON_PRIVILEGE_WITHDRAWN = "privilege_withdrawn", OCSP_REASON_AA_COMPROMISE = "aa_compromise";

export default {
  request, get, head, post, put, patch, del, options, asyncRequest, batch, url, file, expectedStatuses,
  setResponseCallback, cookieJar, CookieJar,
  TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, OCSP_STATUS_GOOD, OCSP_STATUS_REVOKED, OCSP_STATUS_UNKNOWN,
  OCSP_STATUS_SERVER_FAILED, OCSP_REASON_UNSPECIFIED, OCSP_REASON_KEY_COMPROMISE, OCSP_REASON_CA_COMPROMISE,
  OCSP_REASON_AFFILIATION_CHANGED, OCSP_REASON_SUPERSEDED, OCSP_REASON_CESSATION_OF_OPERATION,
  OCSP_REASON_CERTIFICATE_HOLD, OCSP_REASON_REMOVE_FROM_CRL, OCSP_REASON_PRIVILEGE_WITHDRAWN, OCSP_REASON_AA_COMPROMISE,
};
