// A baggage header in every request, for profiles: the API of jslib's http-instrumentation-pyroscope.

import exec from 'k6/execution';
import http from 'k6/http';

// Where the parameters of a function stand.
const PARAMS_AT = { get: 1, head: 1, post: 2, put: 2, patch: 2, del: 2, options: 2, request: 3, asyncRequest: 3 };

/** Scenario, name of the request and the run's number, where the environment has one (W3C Baggage). */
function baggage(params, url) {
  const run = __ENV.K6_CLOUDRUN_TEST_RUN_ID;
  const pairs = { 'k6.test_run_id': run, 'k6.scenario': exec.scenario.name, 'k6.name': params.tags?.name ?? String(url?.name ?? url) };
  const listed = Object.entries(pairs).filter(([, value]) => value !== undefined);
  return { baggage: listed.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(', ') };
}

export class Client {
  /** `generateHeaders(method, body, params)` gives other headers in place of the baggage. */
  constructor(generateHeaders, functions = { ...http }) {
    for (const [name, at] of Object.entries(PARAMS_AT)) {
      this[name] = (...given) => {
        const made = [...given];
        while (made.length < at) made.push(null);
        const params = made[at] ?? {};
        const method = at === 3 ? made[0] : name === 'del' ? 'DELETE' : name.toUpperCase();
        const body = at === 1 ? null : made[at - 1];
        const added = generateHeaders ? generateHeaders(method, body, params) : baggage(params, made[at === 3 ? 1 : 0]);
        made[at] = { ...params, headers: { ...params.headers, ...added } };
        return functions[name](...made);
      };
    }
  }
}

/** From now on the functions of the http module add the headers. */
export function instrumentHTTP(generateHeaders) {
  const client = new Client(generateHeaders);
  for (const name of Object.keys(PARAMS_AT)) http[name] = client[name];
}

export default { Client, instrumentHTTP };
