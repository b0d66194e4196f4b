// What k6/ws and k6/websockets have in common: the parameters of an opening, as JSON text.
import swell from "swell:core";

function texts(given) {
  const made = {};
  for (const key of Object.keys(given)) made[key] = String(given[key]);
  return made;
}

// Values that are no objects mean nothing, as in k6.
export function encode(params) {
  const made = {};
  if (params === null || typeof params !== "object") return "{}";
  const { headers, tags, compression, jar } = params;
  if (headers !== null && typeof headers === "object") made.headers = texts(headers);
  if (tags !== null && typeof tags === "object") made.tags = tags;
  if (compression !== undefined && compression !== null) {
    const algorithm = String(compression).trim();
    if (algorithm !== "" && algorithm !== "deflate") {
      throw new swell.GoError(`unsupported compression algorithm '${algorithm}', supported algorithm is 'deflate'`);
    }
    made.compression = algorithm;
  }
  if (jar !== null && typeof jar === "object" && typeof jar.number === "number") made.jar = jar.number;
  return JSON.stringify(made, (key, value) => (value === undefined ? null : value));
}
