// k6/http: requests of the virtual user. A response keeps a number; what a script reads of it is fetched then.
import host from "swell:host/http";
import swell from "swell:core";

const { get: fastGet, send, body: bodyOf, detail, release } = host;

// Responses that no script can reach any more, until they are told to Python.
const unreachable = [];
const registry = new FinalizationRegistry((id) => {
  unreachable.push(id);
  if (unreachable.length >= 16) release(...unreachable.splice(0));
});

export class Response {
  #id;
  #status;
  #kind;
  #body;
  #json;
  #detail;

  // `code` is the number and the status in one; `kind` is the responseType.
  constructor(code, kind) {
    this.#status = code % 1000;
    this.#id = (code - this.#status) / 1000;
    this.#kind = kind;
    registry.register(this, this.#id);
  }

  get status() { return this.#status; }
  get body() {
    if (this.#body === undefined) this.#body = bodyOf(this.#id, this.#kind === "binary");
    return this.#body;
  }
  set body(given) { this.#body = given; }

  get #told() {
    if (this.#detail === undefined) {
      this.#detail = JSON.parse(detail(this.#id));
      Object.setPrototypeOf(this.#detail.request, Request.prototype);
    }
    return this.#detail;
  }
  get remote_ip() { return this.#told.remote_ip; }
  get remote_port() { return this.#told.remote_port; }
  get url() { return this.#told.url; }
  get status_text() { return this.#told.status_text; }
  get proto() { return this.#told.proto; }
  get headers() { return this.#told.headers; }
  get cookies() { return this.#told.cookies; }
  get timings() { return this.#told.timings; }
  get tls_version() { return this.#told.tls_version; }
  get tls_cipher_suite() { return this.#told.tls_cipher_suite; }
  get ocsp() { return this.#told.ocsp; }
  get error() { return this.#told.error; }
  get error_code() { return this.#told.error_code; }
  get request() { return this.#told.request; }

  json(selector) {
    if (this.#json === undefined) this.#json = { parsed: this.#parse() };
    const { parsed } = this.#json;
    if (selector === undefined || selector === null) return parsed;
    return swell.load("swell:lib/gjson").select(parsed, String(selector));
  }

  #parse() {
    let text = this.body;
    if (text instanceof ArrayBuffer) text = bodyOf(this.#id, false);
    if (text === null || text === undefined) {
      throw new swell.GoError("the body is null so we can't transform it to JSON - this likely was because of a request error getting the response");
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new swell.GoError(`cannot parse json due to an error: ${error.message}`);
    }
  }

  html(selector) {
    const text = this.body;
    if (text === null || text === undefined) {
      throw new swell.GoError("the body is null so we can't transform it to HTML");
    }
    const parsed = swell.load("k6/html").parseHTML(typeof text === "string" ? text : bodyOf(this.#id, false), this.url);
    return selector === undefined ? parsed : parsed.find(selector);
  }

  toJSON() {
    const { remote_ip, remote_port, url, status_text, proto, headers, cookies, ...rest } = this.#told;
    return { remote_ip, remote_port, url, status: this.#status, status_text, proto, headers, cookies, body: this.body, ...rest };
  }
}

class Request {}

export class FileData {
  constructor(data, filename, contentType) {
    this.data = data;
    this.filename = filename;
    this.content_type = contentType;
  }
}

export function file(data, filename, contentType) {
  const content = typeof data === "string" ? data : swell.bytes(data);
  if (content === undefined) throw new swell.GoError("invalid type for http.file(): give text, an ArrayBuffer or a view");
  return new FileData(content, filename ? String(filename) : host.fileName(), contentType ? String(contentType) : "application/octet-stream");
}

// Arguments

function escape(text) {
  return encodeURIComponent(String(text).toWellFormed())
    .replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase()).replace(/%20/g, "+");
}

function formValue(value, key) {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") {
    host.warn(`the form field ${key} is an object, which a form has no place for; it is sent empty`);
    return "";
  }
  return String(value);
}

function form(fields) {
  const pairs = [];
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key];
    if (Array.isArray(value)) for (const item of value) pairs.push(`${escape(key)}=${escape(formValue(item, key))}`);
    else pairs.push(`${escape(key)}=${escape(formValue(value, key))}`);
  }
  return pairs.join("&");
}

function multipart(fields) {
  const parts = [];
  const add = (name, value) => {
    if (value instanceof FileData) parts.push(name, value.data, value.filename, value.content_type);
    else parts.push(name, String(value), "", "");
  };
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (Array.isArray(value)) for (const item of value) add(key, item);
    else add(key, value);
  }
  return host.multipart(...parts);
}

const isFile = (value) => value instanceof FileData || (Array.isArray(value) && value.some((item) => item instanceof FileData));

// The body and the content type that comes with it.
function content(body) {
  if (body === undefined || body === null) return [null, ""];
  if (typeof body === "string") return [body, ""];
  const data = swell.bytes(body);
  if (data !== undefined) return [data, ""];
  if (body instanceof String) return [String(body), ""];
  if (typeof body !== "object" || Array.isArray(body)) {
    throw new swell.GoError(`unknown request body type ${Array.isArray(body) ? "array" : typeof body}: give text, an object, an ArrayBuffer or a view`);
  }
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

// What Python needs of the parameters, as JSON text: the same text means the same request again.
function encode(params, type) {
  const made = {};
  if (type) made.type = type;
  if (params !== undefined && params !== null) {
    if (params.headers) made.headers = stringified(params.headers);
    if (params.cookies) made.cookies = params.cookies;
    if (params.tags) made.tags = params.tags;
    if (params.timeout !== undefined && params.timeout !== null) made.timeout = params.timeout;
    if (params.redirects !== undefined && params.redirects !== null) made.redirects = Number(params.redirects);
    if (params.responseType) made.responseType = String(params.responseType);
    if (params.auth) made.auth = String(params.auth);
    if (params.compression) made.compression = String(params.compression);
    if (params.jar instanceof CookieJar) made.jar = params.jar.number;
    if (params.throw !== undefined && params.throw !== null) made.throw = Boolean(params.throw);
    if (params.responseCallback !== undefined) made.expected = params.responseCallback === null ? null : params.responseCallback.text;
  }
  return JSON.stringify(made);
}

function address(url) {
  if (typeof url === "string") return [url, ""];
  if (url instanceof Url) return [url.url, url.name];
  if (url !== null && typeof url === "object" && typeof url.href === "string") return [url.href, ""];
  return [String(url), ""];
}

class Url {
  constructor(url, name) {
    this.url = url;
    this.name = name;
  }
  toString() { return this.url; }
}

// http.url`http://host/${id}`: the parts that change are not in the name.
export function url(parts, ...values) {
  let text = parts[0], name = parts[0];
  for (let i = 0; i < values.length; i++) {
    text += String(values[i]) + parts[i + 1];
    name += "${}" + parts[i + 1];
  }
  return new Url(text, name);
}

function responseType(params) {
  return params === undefined || params === null ? undefined : params.responseType;
}

function arguments_(method, target, body, params) {
  const [text, name] = address(target);
  const [data, type] = content(body);
  return [String(method).toUpperCase(), text, name, data, encode(params, type)];
}

export function request(method, target, body, params) {
  return new Response(send(...arguments_(method, target, body, params)), responseType(params));
}

export function get(target, params) {
  if (params === undefined && typeof target === "string") return new Response(fastGet(swell.whole(target)), undefined);
  if (arguments.length > 2) host.warn("http.get() takes a URL and parameters; what follows is ignored");
  return request("GET", target, null, params);
}

export function head(target, params) {
  if (arguments.length > 2) host.warn("http.head() takes a URL and parameters; what follows is ignored");
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
    return swell.promise(id).then((code) => new Response(code, responseType(params)));
  } catch (error) {
    return Promise.reject(error);
  }
}

function item(given, key) {
  if (typeof given === "string" || given instanceof Url) return ["GET", given, null, undefined];
  if (Array.isArray(given)) return [given[0], given[1], given[2], given[3]];
  if (given !== null && typeof given === "object" && given.url !== undefined) {
    return [given.method ?? "GET", given.url, given.body, given.params];
  }
  throw new swell.GoError(`invalid http.batch() item ${key}: give a URL, an array or an object with method and url`);
}

export function batch(requests) {
  if (requests === null || typeof requests !== "object") {
    throw new swell.GoError(`invalid http.batch() argument type ${requests === null ? "null" : typeof requests}`);
  }
  const keys = Object.keys(requests);
  const kinds = [];
  host.batchBegin();
  for (const key of keys) {
    const [method, target, body, params] = item(requests[key], key);
    const isBodyless = ["GET", "HEAD"].includes(String(method).toUpperCase()) && typeof body === "object";
    host.batchAdd(...arguments_(method, target, isBodyless ? null : body, params));
    kinds.push(responseType(params));
  }
  const codes = JSON.parse(host.batchRun());
  const made = Array.isArray(requests) ? [] : {};
  keys.forEach((key, i) => { made[key] = new Response(codes[i], kinds[i]); });
  return made;
}

// Which statuses are expected

class ExpectedStatuses {
  constructor(text) { this.text = text; }
}

export function expectedStatuses(...given) {
  if (!given.length) throw new swell.GoError("no arguments");
  const parts = given.map((one, i) => {
    if (typeof one === "number" && Number.isInteger(one)) return `${one}-${one}`;
    if (one !== null && typeof one === "object" && Number.isInteger(one.min) && Number.isInteger(one.max)) return `${one.min}-${one.max}`;
    throw new swell.GoError(`argument number ${i + 1} to expectedStatuses was neither an integer nor an object like {min:100, max:329}`);
  });
  return new ExpectedStatuses(parts.join(","));
}

export function setResponseCallback(callback) {
  if (callback !== null && !(callback instanceof ExpectedStatuses)) {
    throw new swell.GoError("unsupported argument, expected http.expectedStatuses");
  }
  host.setExpected(callback === null ? "" : callback.text);
}

// Cookies

export class CookieJar {
  #number;
  constructor(number) { this.#number = typeof number === "number" ? number : host.newJar(); }
  get number() { return this.#number; }
  cookiesForURL(target) { return JSON.parse(host.jarCookies(this.#number, String(target))); }
  set(target, name, value, options) {
    return host.jarSet(this.#number, String(target), String(name), String(value), JSON.stringify(options ?? {}));
  }
  clear(target) { host.jarClear(this.#number, String(target)); }
  delete(target, name) { host.jarDelete(this.#number, String(target), String(name)); }
}

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
  setResponseCallback, cookieJar, CookieJar, FileData, Response,
  TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, OCSP_STATUS_GOOD, OCSP_STATUS_REVOKED, OCSP_STATUS_UNKNOWN,
  OCSP_STATUS_SERVER_FAILED, OCSP_REASON_UNSPECIFIED, OCSP_REASON_KEY_COMPROMISE, OCSP_REASON_CA_COMPROMISE,
  OCSP_REASON_AFFILIATION_CHANGED, OCSP_REASON_SUPERSEDED, OCSP_REASON_CESSATION_OF_OPERATION,
  OCSP_REASON_CERTIFICATE_HOLD, OCSP_REASON_REMOVE_FROM_CRL, OCSP_REASON_PRIVILEGE_WITHDRAWN, OCSP_REASON_AA_COMPROMISE,
};
