// URL and URLSearchParams (WHATWG), for the schemes that load tests use; parsing is done in Python.
import host from "swell:host/url";

function escape(text) {
  return encodeURIComponent(String(text).toWellFormed())
    .replace(/[!'()~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase()).replace(/%20/g, "+");
}

function unescape(text) {
  return host.unescape(text.replace(/\+/g, " "));
}

export class URLSearchParams {
  #pairs = [];
  #changed;

  constructor(init = "", changed = undefined) {
    this.#changed = changed;
    if (typeof init === "object" && init !== null) {
      if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const [name, value] = [...pair];
          this.#pairs.push([String(name), String(value)]);
        }
      } else {
        for (const name of Object.keys(init)) this.#pairs.push([name, String(init[name])]);
      }
    } else this.#parse(String(init));
  }

  #parse(text) {
    for (const part of text.replace(/^\?/, "").split("&")) {
      if (part === "") continue;
      const at = part.indexOf("=");
      this.#pairs.push(at < 0 ? [unescape(part), ""] : [unescape(part.slice(0, at)), unescape(part.slice(at + 1))]);
    }
  }
  #tell() { if (this.#changed) this.#changed(this.toString()); }

  append(name, value) { this.#pairs.push([String(name), String(value)]); this.#tell(); }
  delete(name, value) {
    this.#pairs = this.#pairs.filter(([key, item]) => key !== String(name) || (value !== undefined && item !== String(value)));
    this.#tell();
  }
  get(name) { return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter(([key]) => key === String(name)).map((pair) => pair[1]); }
  has(name, value) {
    return this.#pairs.some(([key, item]) => key === String(name) && (value === undefined || item === String(value)));
  }
  set(name, value) {
    const at = this.#pairs.findIndex(([key]) => key === String(name));
    if (at < 0) this.#pairs.push([String(name), String(value)]);
    else {
      this.#pairs[at][1] = String(value);
      this.#pairs = this.#pairs.filter(([key], i) => i <= at || key !== String(name));
    }
    this.#tell();
  }
  sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#tell(); }
  forEach(callback, self) { for (const [name, value] of this.#pairs) callback.call(self, value, name, this); }
  keys() { return this.#pairs.map((pair) => pair[0]).values(); }
  values() { return this.#pairs.map((pair) => pair[1]).values(); }
  entries() { return this.#pairs.map((pair) => [...pair]).values(); }
  [Symbol.iterator]() { return this.entries(); }
  get size() { return this.#pairs.length; }
  toString() { return this.#pairs.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&"); }
}

const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };

export class URL {
  #parts;
  #params;

  constructor(text, base) {
    const told = host.parse(String(text), base === undefined ? "" : String(base));
    if (told === null) {
      const error = new TypeError(`Invalid URL: ${text}`);
      error.code = "ERR_INVALID_URL";
      throw error;
    }
    this.#parts = JSON.parse(told);
  }

  static canParse(text, base) { return host.parse(String(text), base === undefined ? "" : String(base)) !== null; }
  static parse(text, base) { return URL.canParse(text, base) ? new URL(text, base) : null; }

  #replace(changes) {
    const next = { ...this.#parts, ...changes };
    const told = host.parse(host.unparse(JSON.stringify(next)), "");
    if (told !== null) this.#parts = JSON.parse(told);
  }

  get protocol() { return this.#parts.protocol; }
  set protocol(value) { this.#replace({ protocol: String(value).replace(/:?$/, ":") }); }
  get username() { return this.#parts.username; }
  set username(value) { this.#replace({ username: encodeURIComponent(value) }); }
  get password() { return this.#parts.password; }
  set password(value) { this.#replace({ password: encodeURIComponent(value) }); }
  get hostname() { return this.#parts.hostname; }
  set hostname(value) { this.#replace({ hostname: String(value) }); }
  get port() { return this.#parts.port; }
  set port(value) { this.#replace({ port: String(value) === ports[this.protocol] ? "" : String(value) }); }
  get host() { return this.hostname + (this.port ? `:${this.port}` : ""); }
  set host(value) {
    const [, name, port] = /^(.*?)(?::(\d*))?$/.exec(String(value));
    this.#replace({ hostname: name, port: port ?? this.port });
  }
  get origin() { return this.protocol in ports ? `${this.protocol}//${this.host}` : "null"; }
  get pathname() { return this.#parts.pathname; }
  set pathname(value) { this.#replace({ pathname: String(value).replace(/^\/?/, "/") }); }
  get search() { return this.#parts.search; }
  set search(value) {
    this.#replace({ search: String(value).replace(/^\??(?=.)/, "?") });
    this.#params = undefined;
  }
  get hash() { return this.#parts.hash; }
  set hash(value) { this.#replace({ hash: String(value).replace(/^#?(?=.)/, "#") }); }
  get href() { return host.unparse(JSON.stringify(this.#parts)); }
  set href(value) { this.#parts = new URL(value).#parts; this.#params = undefined; }
  get searchParams() {
    this.#params ??= new URLSearchParams(this.search, (text) => { this.#parts.search = text ? `?${text}` : ""; });
    return this.#params;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
}
