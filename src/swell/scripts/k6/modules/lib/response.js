// The response of k6/http. It keeps a number; what a script reads of it is fetched from Python then.
import host from "swell:host/http";
import swell from "swell:core";

const { body: bodyOf, detail, release } = host;
const NO_BODY = " - this likely was because of a request error getting the response";

// Responses that no script can reach any more, until they are told to Python.
const unreachable = [];
const registry = new FinalizationRegistry((id) => {
  unreachable.push(id);
  if (unreachable.length >= 16) release(...unreachable.splice(0));
});

// What a response shows, in k6's order: false is what Python tells.
const FIELDS = {
  __proto__: null,
  remote_ip: false, remote_port: false, url: false, status: true, status_text: false, proto: false, headers: false,
  cookies: false, body: true, timings: false, tls_version: false, tls_cipher_suite: false, ocsp: false, error: false,
  error_code: false, request: false, clickLink: true, html: true, json: true, submitForm: true,
};

class State {
  #id;
  #kind;
  #body;
  #json;
  #source;
  #told;

  constructor(code, kind) {
    this.status = code % 1000;
    this.#id = (code - this.status) / 1000;
    this.#kind = kind;
    registry.register(this, this.#id);
  }

  get told() {
    return this.#told ??= JSON.parse(detail(this.#id));
  }

  get body() {
    if (this.#body === undefined) {
      this.#body = bodyOf(this.#id, this.#kind === "binary");
      // A request that was never made has no bytes at all where others have null.
      if (this.#body === null && this.status === 0) this.#body = this.told.body ?? null;
    }
    return this.#body;
  }

  set body(given) {
    this.#body = given;
    this.#json = this.#source = undefined;
  }

  text(what) {
    const { body } = this;
    if (body === null || body === undefined) throw new swell.GoError(`the body is null so we can't transform it to ${what}${NO_BODY}`);
    return body instanceof ArrayBuffer ? host.textOf(body) : String(body);
  }

  json() {
    if (this.#json === undefined) {
      const text = this.text("JSON");
      try {
        this.#json = { value: JSON.parse(text) };
      } catch {
        throw new swell.GoError(swell.load("swell:lib/jsonfault").describe(text));
      }
    }
    return this.#json.value;
  }

  // A path is looked up in what came, whatever the script made of json()'s value.
  select(path) {
    if (this.#source === undefined) {
      const text = this.text("JSON");
      try {
        this.#source = { value: JSON.parse(text) };
      } catch {
        this.#source = { value: undefined };
      }
    }
    return swell.load("swell:lib/gjson").select(this.#source.value, path);
  }

  html() {
    return swell.load("k6/html").parseHTML(this.text("HTML"), this.told.url);
  }

  method(name) {
    const state = this;
    switch (name) {
      case "json": return function (selector) { return arguments.length ? state.select(String(selector)) : state.json(); };
      case "html": return function (selector) { return arguments.length ? state.html().find(String(selector)) : state.html(); };
      default: return function (given) {
        if (arguments.length && (given === null || given === undefined)) throw new TypeError("Cannot convert undefined or null to object");
        return swell.load("swell:lib/pages")[name](state, given ?? {});
      };
    }
  }

  field(name) {
    if (name === "status") return this.status;
    if (name === "body") return this.body;
    return FIELDS[name] ? this.method(name) : this.told[name];
  }
}

// A proxy, as all fields are the response's own and yet only those are made that a script reads.
const handler = {
  get(state, name) {
    if (name === "status") return state.status;
    return name in FIELDS ? state.field(name) : Object.prototype[name];
  },
  set(state, name, value) {
    if (!(name in FIELDS)) throw new TypeError(`Cannot assign to property ${String(name)} of a host object`);
    if (name === "status") state.status = value;
    else if (name === "body") state.body = value;
    else state.told[name] = value;
    return true;
  },
  has: (_, name) => name in FIELDS || name in Object.prototype,
  deleteProperty(_, name) { throw new TypeError(`Cannot delete property ${String(name)} from a Go type`); },
  ownKeys: () => Object.keys(FIELDS),
  getOwnPropertyDescriptor: (state, name) => (name in FIELDS
    ? { value: state.field(name), writable: true, enumerable: true, configurable: true } : undefined),
  getPrototypeOf: () => Object.prototype,
};

// `code` is the response's number and its status in one; `kind` is the responseType.
export function response(code, kind) {
  return new Proxy(new State(code, kind), handler);
}
