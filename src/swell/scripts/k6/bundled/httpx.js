// Sessions with a base address, headers and tags over k6/http: the API of jslib's httpx up to 0.1.

import http from 'k6/http';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** A request for `batch`; as in the original it carries parameters but no body. */
export class Request {
  constructor(method, url, params = {}) {
    this.method = method;
    this.url = url;
    this.body = null;
    this.params = params ?? {};
  }
}

const requestClass = (method) =>
  class extends Request {
    constructor(url, params) {
      super(method, url, params);
    }
  };

export const Get = requestClass('GET');
export const Head = requestClass('HEAD');
export const Post = requestClass('POST');
export const Put = requestClass('PUT');
export const Delete = requestClass('DELETE');
export const Connect = requestClass('CONNECT');
export const Options = requestClass('OPTIONS');
export const Trace = requestClass('TRACE');
export const Patch = requestClass('PATCH');

/** Later parameters win; headers and tags are merged by name. */
function merge(...layers) {
  const merged = Object.assign({}, ...layers);
  merged.headers = Object.assign({}, ...layers.map((layer) => layer?.headers));
  merged.tags = Object.assign({}, ...layers.map((layer) => layer?.tags));
  return merged;
}

export class Httpx {
  /** `baseURL` stands before every address that is not absolute; all other keys are parameters of each request. */
  constructor({ baseURL = '', ...params } = {}) {
    this.baseURL = baseURL;
    this.k6params = merge(params);
    this.lastRequest = { responseObject: null, responseChainDuration: null };
  }

  setBaseUrl(url) {
    this.baseURL = url;
  }

  addHeader(name, value) {
    this.k6params.headers[name] = value;
  }

  addHeaders(headers) {
    Object.assign(this.k6params.headers, headers);
  }

  clearHeader(name) {
    delete this.k6params.headers[name];
  }

  addTag(name, value) {
    this.k6params.tags[name] = value;
  }

  addTags(tags) {
    Object.assign(this.k6params.tags, tags);
  }

  clearTag(name) {
    delete this.k6params.tags[name];
  }

  /** Sends a request with the session's parameters and `params` on top. */
  request(method, url, body, params) {
    this.#checkMethod(method);
    return this.#remember(http.request(method, this.#absolute(url), body, merge(this.k6params, params)));
  }

  /** The same as a promise. */
  async asyncRequest(method, url, body, params) {
    this.#checkMethod(method);
    return this.#remember(await http.asyncRequest(method, this.#absolute(url), body, merge(this.k6params, params)));
  }

  /** Sends Request objects (or arrays [method, url, body, params]) at once; `params` go on top of each one's. */
  batch(requests, params = {}) {
    return http.batch(
      requests.map((request) => {
        const [method, url, body, own] = Array.isArray(request)
          ? request
          : [request.method, request.url, request.body, request.params];
        return [method, this.#absolute(url), body ?? null, merge(this.k6params, own, params)];
      }),
    );
  }

  /** Milliseconds that the last request took with its redirects, or null before the first one. */
  lastRequestChainDuration() {
    return this.lastRequest.responseChainDuration;
  }

  #absolute(url) {
    return /^https?:\/\//.test(url) ? url : `${this.baseURL}${url}`;
  }

  #checkMethod(method) {
    if (METHODS.includes(method)) return;
    throw new Error(`Invalid method: ${method}. Expected one of ${METHODS.join()}`);
  }

  #remember(response) {
    this.lastRequest.responseObject = response;
    this.lastRequest.responseChainDuration = response?.timings?.duration ?? null;
    return response;
  }
}

for (const method of METHODS) {
  const name = method.toLowerCase();
  Httpx.prototype[name] = function (url, body, params) {
    return this.request(method, url, body, params);
  };
  Httpx.prototype[`async${name[0].toUpperCase()}${name.slice(1)}`] = function (url, body, params) {
    return this.asyncRequest(method, url, body, params);
  };
}
