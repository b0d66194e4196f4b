// A trace context in the headers of every request: the API of jslib's http-instrumentation-tempo.

import exec from 'k6/execution';
import http from 'k6/http';

const PLAIN = ['get', 'head'];
const WITH_BODY = ['post', 'put', 'patch', 'del', 'options'];
const GENERAL = ['request', 'asyncRequest'];
// Where the parameters of a function stand.
const PARAMS_AT = Object.fromEntries([...PLAIN.map((name) => [name, 1]), ...WITH_BODY.map((name) => [name, 2]), ...GENERAL.map((name) => [name, 3])]);

const hex = (digits) => Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('');

/** 32 digits: a mark of k6's, the time in milliseconds, and chance. */
const newTraceId = () => `dc0718${Date.now().toString(16).padStart(12, '0')}${hex(14)}`;

const PROPAGATORS = {
  w3c: (traceId, isSampled) => ({ traceparent: `00-${traceId}-${hex(16)}-${isSampled ? '01' : '00'}` }),
  jaeger: (traceId, isSampled) => ({ 'uber-trace-id': `${traceId}:${hex(8)}:0:${isSampled ? 1 : 0}` }),
};

export class Client {
  #options;
  #http;

  constructor(options = {}, functions = { ...http }) {
    this.#http = functions;
    this.configure(options);
    for (const [name, at] of Object.entries(PARAMS_AT)) {
      this[name] = (...given) => this.#traced(name, at, given);
    }
  }

  /** `propagator` is w3c or jaeger, `sampling` the share of requests that are to be kept, from 0 to 1. */
  configure({ propagator = 'w3c', sampling = 1 } = {}) {
    if (!(propagator in PROPAGATORS)) throw new Error(`tempo: there is no propagator ${JSON.stringify(propagator)}, only w3c and jaeger`);
    if (!(sampling >= 0 && sampling <= 1)) throw new Error('tempo: sampling is a number from 0 to 1');
    this.#options = { propagator, sampling };
  }

  #traced(name, at, given) {
    const traceId = newTraceId();
    const { propagator, sampling } = this.#options;
    const made = [...given];
    while (made.length < at) made.push(null);
    const params = made[at] ?? {};
    made[at] = { ...params, headers: { ...params.headers, ...PROPAGATORS[propagator](traceId, Math.random() < sampling) } };
    const { metadata } = exec.vu.metrics;
    metadata.trace_id = traceId;
    try {
      return this.#http[name](...made);
    } finally {
      delete metadata.trace_id;
    }
  }
}

/** From now on the functions of the http module trace their requests. */
export function instrumentHTTP(options) {
  const client = new Client(options);
  for (const name of Object.keys(PARAMS_AT)) http[name] = client[name];
}

export default { Client, instrumentHTTP };
