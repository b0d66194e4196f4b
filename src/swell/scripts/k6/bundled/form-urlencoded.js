// Nested objects as application/x-www-form-urlencoded: the API of the npm package form-urlencoded 3.

const encode = (value) =>
  encodeURIComponent(value)
    .replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');

/**
 * Encodes an object. Options: `sorted` by key, `skipIndex` writes `a[]=` for `a[0]=`, `ignorenull` leaves nulls out.
 */
export default function formurlencoded(data, { sorted = false, skipIndex = false, ignorenull = false } = {}) {
  const keysOf = (object) => (sorted ? Object.keys(object).sort() : Object.keys(object));
  const pairs = (name, value) => {
    if (Array.isArray(value)) {
      if (value.length === 0) return [encode(`${name}[]`)];
      return value.flatMap((item, index) => pairs(`${name}[${skipIndex ? '' : index}]`, item));
    }
    if (value === null) return ignorenull ? [] : [`${encode(name)}=null`];
    if (value === undefined || typeof value === 'function') return [];
    // A date has no own keys, so it vanishes like an empty object, as in the original.
    if (typeof value === 'object') return keysOf(value).flatMap((key) => pairs(`${name}[${key}]`, value[key]));
    return [`${encode(name)}=${encode(value)}`];
  };
  if (data === null || data === undefined) return data;
  const root = Object(data);
  return keysOf(root)
    .flatMap((key) => pairs(key, root[key]))
    .join('&');
}
