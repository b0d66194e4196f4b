// k6/encoding: base 64 in its four forms.
import host from "swell:host/encoding";
import { data } from "swell:lib/data";

const encodingOf = (value) => (value === undefined || value === null ? "std" : String(value));

export const b64encode = (input, encoding) => host.encode(data(input), encodingOf(encoding));
export const b64decode = (input, encoding, format) => host.decode(String(input), encodingOf(encoding), format === "s");

export default { b64encode, b64decode };
