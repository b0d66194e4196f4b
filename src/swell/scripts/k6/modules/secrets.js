// k6/secrets: values that stand in no script and no log.
import host from "swell:host/secrets";

const DEFAULT = "default";

export async function get(key) {
  return host.get(DEFAULT, String(key));
}

export function source(name) {
  return { get: async (key) => host.get(String(name), String(key)) };
}

export default { get, source };
