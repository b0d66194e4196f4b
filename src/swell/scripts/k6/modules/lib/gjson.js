// Paths into JSON as Response.json(selector) takes them (the syntax of gjson): a.b.0.c, #, #.x, wildcards,
// #(key op value) for the first match and #(...)# for all, "\" before a dot that belongs to a key.

function split(path) {
  const parts = [];
  let part = "", depth = 0, quote = "";
  for (let i = 0; i < path.length; i++) {
    const c = path[i];
    if (quote) {
      part += c;
      if (c === "\\" && i + 1 < path.length) part += path[++i];
      else if (c === quote) quote = "";
    } else if (depth && c === '"') { quote = c; part += c;
    } else if (c === "\\" && i + 1 < path.length) part += c + path[++i];
    else if ("({[".includes(c)) { depth++; part += c; }
    else if (")}]".includes(c)) { depth--; part += c; }
    else if ((c === "." || c === "|") && depth === 0) { parts.push(part); part = ""; }
    else part += c;
  }
  parts.push(part);
  return parts;
}

function pattern(part) {
  let source = "";
  for (let i = 0; i < part.length; i++) {
    const c = part[i];
    if (c === "\\" && i + 1 < part.length) source += "\\" + part[++i].replace(/[a-zA-Z0-9]/, (x) => x);
    else if (c === "*") source += ".*";
    else if (c === "?") source += ".";
    else source += c.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  }
  return new RegExp(`^${source}$`, "s");
}

const unescape = (part) => part.replace(/\\(.)/gs, "$1");
const hasWild = (part) => /(^|[^\\])[*?]/.test(part);

function literal(text) {
  const trimmed = text.trim();
  if (trimmed === "true") return true;
  if (trimmed === "false") return false;
  if (trimmed === "null") return null;
  if (trimmed.startsWith('"')) {
    try { return JSON.parse(trimmed); } catch { return trimmed.replace(/^"|"$/g, ""); }
  }
  const number = Number(trimmed);
  return trimmed !== "" && !Number.isNaN(number) ? number : trimmed;
}

function holds(value, operator, wanted) {
  if (operator === "%" || operator === "!%") {
    const matches = typeof value === "string" && pattern(String(wanted)).test(value);
    return operator === "%" ? matches : !matches;
  }
  if (typeof value !== typeof wanted) return operator === "!=" ? value !== undefined : false;
  switch (operator) {
    case "=": case "==": return value === wanted;
    case "!=": return value !== wanted;
    case "<": return value < wanted;
    case "<=": return value <= wanted;
    case ">": return value > wanted;
    case ">=": return value >= wanted;
    default: return false;
  }
}

const query = /^(.*?)\s*(==|=|!=|<=|<|>=|>|!%|%)\s*(.*)$/s;

function matches(item, text) {
  const found = query.exec(text);
  if (found === null) return walk(item, split(text), 0) !== undefined;
  const [, path, operator, value] = found;
  const left = path === "" ? item : walk(item, split(path), 0);
  return left !== undefined && holds(left, operator, literal(value));
}

function modifier(value, name) {
  switch (name.split(":")[0]) {
    case "@reverse": return Array.isArray(value) ? [...value].reverse()
      : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).reverse()) : value;
    case "@keys": return value && typeof value === "object" ? Object.keys(value) : undefined;
    case "@values": return value && typeof value === "object" ? Object.values(value) : undefined;
    case "@flatten": return Array.isArray(value) ? value.flat() : value;
    case "@this": case "@valid": case "@pretty": case "@ugly": return value;
    default: return undefined;
  }
}

// The parts of {a,b.c,"name":d} and [a,b], with the name that each has in an object.
function several(text) {
  const found = [];
  let piece = "", depth = 0, quote = "";
  for (const c of text + ",") {
    if (quote) { if (c === quote) quote = ""; } else if (c === '"') quote = c;
    else if ("({[".includes(c)) depth++;
    else if (")}]".includes(c)) depth--;
    if (c === "," && depth === 0 && !quote) {
      const named = /^"((?:[^"\\]|\\.)*)":(.*)$/s.exec(piece);
      const path = named ? named[2] : piece;
      found.push([named ? named[1] : split(path).at(-1), path]);
      piece = "";
    } else piece += c;
  }
  return found;
}

function gathered(value, part) {
  const found = several(part.slice(1, -1)).map(([name, path]) => [name, select(value, path)]).filter(([, one]) => one !== undefined);
  return part[0] === "{" ? Object.fromEntries(found) : found.map(([, one]) => one);
}

function walk(value, parts, at) {
  if (at === parts.length) return value;
  const part = parts[at];
  if (/^(\{.*\}|\[.*\])$/s.test(part)) return walk(gathered(value, part), parts, at + 1);
  if (part.startsWith("@")) return walk(modifier(value, part), parts, at + 1);
  if (value === null || typeof value !== "object") return undefined;
  if (Array.isArray(value)) {
    if (part === "#") {
      if (at + 1 === parts.length) return value.length;
      return value.map((item) => walk(item, parts, at + 1)).filter((item) => item !== undefined);
    }
    if (part.startsWith("#(") || part.startsWith("#[")) {
      const isAll = part.endsWith(")#") || part.endsWith("]#");
      const inner = part.slice(2, isAll ? -2 : -1);
      const found = value.filter((item) => matches(item, inner));
      if (!isAll) return found.length ? walk(found[0], parts, at + 1) : undefined;
      if (at + 1 === parts.length) return found;
      if (parts[at + 1] === "#" && at + 2 === parts.length) return found.length;
      return found.map((item) => walk(item, parts, at + 1)).filter((item) => item !== undefined);
    }
    return /^\d+$/.test(part) ? walk(value[Number(part)], parts, at + 1) : undefined;
  }
  if (hasWild(part)) {
    const wanted = pattern(part);
    const key = Object.keys(value).find((name) => wanted.test(name));
    return key === undefined ? undefined : walk(value[key], parts, at + 1);
  }
  const key = unescape(part);
  return Object.hasOwn(value, key) ? walk(value[key], parts, at + 1) : undefined;
}

export function select(value, path) {
  return walk(value, split(path), 0);
}
