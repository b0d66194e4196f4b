// k6/html: parsed HTML as selections (in the manner of jQuery) and elements (in the manner of the DOM).
import host from "swell:host/html";
import swell from "swell:core";
import { elementOf } from "swell:lib/htmlelement";

const unreachable = [];
const hold = swell.shared.handles((number) => {
  unreachable.push(number);
  if (unreachable.length >= 16) host.release(...unreachable.splice(0));
});

// What all selections and elements of a document hold on to.
class Document {
  constructor(source, url) {
    this.number = host.parse(source);
    this.url = url;
    hold(this, this.number);
  }
  find(nodes, selector) { return split(host.find(this.number, nodes.join(), selector)); }
  matches(nodes, selector) { return host.matches(this.number, nodes.join(), selector); }
  related(nodes, kind) { return split(host.related(this.number, nodes.join(), kind)); }
  text(nodes) { return host.text(this.number, nodes.join()); }
  inner(node) { return host.inner(this.number, node); }
  attribute(node, name) { return host.attribute(this.number, node, name); }
  attributes(node) { return JSON.parse(host.attributes(this.number, node)); }
  describe(node) { return JSON.parse(host.describe(this.number, node)); }
  select(nodes) { return new Selection(this, nodes); }
}

const split = (text) => (text === "" ? [] : text.split(",").map(Number));
const unique = (nodes) => [...new Set(nodes)];

// The values of data-* attributes: JSON where they are, numbers only where they are written the same way.
function dataValue(text) {
  if (text === "true") return true;
  if (text === "false") return false;
  if (text === "null" || text === "") return undefined;
  if (/^[-+\d]/.test(text)) return String(Number(text)) === text ? Number(text) : text;
  if (text[0] === "{" || text[0] === "[") {
    try { return JSON.parse(text); } catch { return text; }
  }
  return text;
}

// Words that names of data have in capitals.
const CAPITALS = new Set(("ACL API ASCII CPU CSS DNS EOF ETA GPU GUID HTML HTTP HTTPS ID IP JSON LHS OS QPS RAM RHS RPC SLA SMTP SQL SSH TCP"
  + " TLS TTL UDP UI UID UUID URI URL UTF8 VM XML XMPP XSRF XSS OAuth").split(" "));
const LONGEST = 5;

// `userID` for the attribute data-user-id.
function camel(name) {
  const dash = name.indexOf("-");
  return dash < 0 ? name : name.slice(0, dash) + name.slice(dash + 1).split(/[-_]/).map(capital).join("");
}
function capital(word) {
  if (word === "oauth") return "OAuth";
  const upper = word.toUpperCase();
  return CAPITALS.has(upper) ? upper : word.slice(0, 1).toUpperCase() + word.slice(1);
}

// `user-id` for `userId` and `userID`.
function dashed(name) {
  const words = [];
  let last = 0;
  for (let i = 1; i < name.length; i++) {
    if (!/\p{Lu}/u.test(name[i])) continue;
    const known = capitalsAt(name, last);
    words.push(known || name.slice(last, i));
    if (known) i += known.length - 1;
    last = i;
  }
  if (last < name.length) words.push(name.slice(last));
  return words.join("-").toLowerCase().replaceAll("_", "-");
}
function capitalsAt(name, start) {
  for (let length = LONGEST; length > 1; length--) {
    const found = name.slice(start, start + length);
    if (found.length === length && CAPITALS.has(found)) return found;
  }
  return "";
}

// What a form sends of its fields (k6 leaves out all boxes and radio buttons).
const UNSENT = new Set(["submit", "button", "reset", "file", "image", "checkbox", "radio"]);

export class Selection {
  #document;
  #nodes;
  #before;

  constructor(document, nodes, before) {
    this.#document = document;
    this.#nodes = nodes;
    this.#before = before;
  }

  #made(nodes) { return new Selection(this.#document, nodes, this); }
  #narrowed(nodes, selector) {
    return this.#made(selector === undefined || selector === "" ? nodes : this.#keep(nodes, selector, true));
  }

  // Those of `nodes` for which a selector, a function or another selection says `wanted`.
  #keep(nodes, test, wanted) {
    let says;
    if (typeof test === "function") {
      says = nodes.map((node, i) => Boolean(test(i, this.#made([node]))));
    } else if (test instanceof Selection) {
      const others = new Set(test.#nodes);
      says = nodes.map((node) => others.has(node));
    } else {
      says = [...this.#document.matches(nodes, String(test))].map((digit) => digit === "1");
    }
    return nodes.filter((_, i) => says[i] === wanted);
  }

  #until(kind, stop, selector) {
    const found = [];
    for (const node of this.#nodes) {
      const row = this.#document.related([node], kind);
      const ends = stop === undefined ? [] : new Set(this.#keep(row, stop, true));
      const end = row.findIndex((other) => stop !== undefined && ends.has(other));
      found.push(...(end < 0 ? row : row.slice(0, end)));
    }
    return this.#narrowed(unique(found), selector);
  }

  // Traversal

  add(other) {
    const more = other instanceof Selection ? other.#nodes : this.#document.find([0], String(other));
    return this.#made(unique([...this.#nodes, ...more]));
  }
  find(selector) {
    if (selector instanceof Selection) {
      const inside = new Set(this.#document.find(this.#nodes, "*"));
      return this.#made(selector.#nodes.filter((node) => inside.has(node)));
    }
    if (typeof selector !== "string") {
      const kind = { number: "int64", boolean: "bool" }[typeof selector] ?? (selector ? "map[string]interface {}" : "<nil>");
      throw new swell.GoError(`invalid argument, cannot use a '${kind}' as a selector`);
    }
    return this.#made(this.#document.find(this.#nodes, selector));
  }
  children(selector) { return this.#narrowed(this.#document.related(this.#nodes, "children"), selector); }
  contents() { return this.#made(this.#document.related(this.#nodes, "contents")); }
  parent(selector) { return this.#narrowed(this.#document.related(this.#nodes, "parent"), selector); }
  parents(selector) { return this.#narrowed(this.#document.related(this.#nodes, "parents"), selector); }
  parentsUntil(stop, selector) { return this.#until("parents", stop, selector); }
  next(selector) { return this.#narrowed(this.#document.related(this.#nodes, "next"), selector); }
  nextAll(selector) { return this.#narrowed(this.#document.related(this.#nodes, "nextAll"), selector); }
  nextUntil(stop, selector) { return this.#until("nextAll", stop, selector); }
  prev(selector) { return this.#narrowed(this.#document.related(this.#nodes, "prev"), selector); }
  prevAll(selector) { return this.#narrowed(this.#document.related(this.#nodes, "prevAll"), selector); }
  prevUntil(stop, selector) { return this.#until("prevAll", stop, selector); }
  siblings(selector) { return this.#narrowed(this.#document.related(this.#nodes, "siblings"), selector); }
  closest(selector) {
    const found = this.#nodes.map((node) => {
      const row = [node, ...this.#document.related([node], "parents")];
      return this.#keep(row, selector, true)[0];
    });
    return this.#made(unique(found.filter((node) => node !== undefined)));
  }
  has(test) {
    const inside = (node) => (test instanceof Selection
      ? this.#made([node]).find(test).size() : this.#document.find([node], String(test)).length);
    return this.#made(this.#nodes.filter((node) => inside(node) > 0));
  }
  filter(test) { return this.#made(this.#keep(this.#nodes, test, true)); }
  not(test) { return this.#made(this.#keep(this.#nodes, test, false)); }
  is(test) { return this.#keep(this.#nodes, test, true).length > 0; }
  eq(index) {
    const node = this.#nodes.at(Number(index));
    return this.#made(node === undefined ? [] : [node]);
  }
  first() { return this.#made(this.#nodes.slice(0, 1)); }
  last() { return this.#made(this.#nodes.slice(-1)); }
  slice(start, end) { return this.#made(this.#nodes.slice(start, end)); }
  single(selector) { return this.#made(this.#document.find(this.#nodes, String(selector)).slice(0, 1)); }
  end() { return this.#before ?? this.#made([]); }

  // Values

  size() { return this.#nodes.length; }
  get(index) {
    if (index === undefined) return this.#nodes.map((node) => elementOf(this.#document, node));
    const node = this.#nodes.at(Number(index));
    return node === undefined ? undefined : elementOf(this.#document, node);
  }
  toArray() { return this.#nodes.map((node) => this.#made([node])); }
  index(other) {
    const [first] = this.#nodes;
    if (first === undefined) return -1;
    if (other === undefined) return this.#document.related([first], "prevAll").length;
    if (other instanceof Selection) return this.#nodes.indexOf(other.#nodes[0]);
    return this.#document.find([0], String(other)).indexOf(first);
  }
  each(callback) {
    this.#nodes.forEach((node, i) => {
      try {
        callback(i, elementOf(this.#document, node));
      } catch (error) {
        throw new swell.GoError(`the function passed to each() failed: ${error}`);
      }
    });
    return this;
  }
  // What throws is left out, as in k6.
  map(callback) {
    const made = [];
    this.#nodes.forEach((node, i) => {
      try { made.push(callback(i, this.#made([node]))); } catch { /* left out */ }
    });
    return made;
  }
  text() { return this.#document.text(this.#nodes); }
  html() { return this.#nodes.length ? this.#document.inner(this.#nodes[0]) : ""; }
  attr(name, otherwise) {
    const found = this.#nodes.length ? this.#document.attribute(this.#nodes[0], String(name)) : undefined;
    return found === undefined ? otherwise : found;
  }
  data(key) {
    if (!this.#nodes.length) return undefined;
    if (key !== undefined) {
      const text = this.#document.attribute(this.#nodes[0], "data-" + dashed(String(key)));
      return text === undefined ? undefined : dataValue(text);
    }
    const made = {};
    for (const [name, text] of Object.entries(this.#document.attributes(this.#nodes[0]))) {
      const value = name.startsWith("data-") ? dataValue(text) : undefined;
      if (value !== undefined) made[camel(name.slice(5))] = value;
    }
    return made;
  }
  val() {
    if (!this.#nodes.length) return undefined;
    const [node] = this.#nodes;
    const [name] = this.#document.describe(node);
    const own = this.#document.attribute(node, "value");
    if (name === "input") {
      if (own !== undefined) return own;
      return ["checkbox", "radio"].includes(this.attr("type")) ? "on" : "";
    }
    if (name === "button") return own ?? "";
    if (name === "textarea") return this.text();
    if (name === "option") return own ?? this.text();
    if (name !== "select") return undefined;
    const chosen = this.find("option[selected]").map((_, option) => option.val());
    if (this.attr("multiple") !== undefined) return chosen;
    return chosen[0] ?? "";
  }

  // Forms

  serializeArray() {
    const fields = this.is("form") ? this.find("input,select,textarea") : this.filter("input,select,textarea");
    const made = [];
    fields.map((_, field) => {
      const name = field.attr("name");
      const type = (field.attr("type") ?? "").toLowerCase();
      if (name && !UNSENT.has(type)) made.push({ name, value: field.val() });
    });
    return made;
  }
  serializeObject() { return Object.fromEntries(this.serializeArray().map(({ name, value }) => [name, value])); }
  serialize() {
    const pairs = [];
    for (const { name, value } of this.serializeArray()) {
      for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, one ?? ""]);
    }
    const sorted = pairs.map((pair, i) => [...pair, i]).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[2] - b[2]));
    return sorted.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
  }

  toJSON() { return { url: this.#document.url }; }
}
Selection.prototype[swell.methods] = "";

const escape = (text) => encodeURIComponent(text).replace(/%20/g, "+")
  .replace(/[!'()*]/g, (letter) => "%" + letter.charCodeAt(0).toString(16).toUpperCase());

// `url` is where the document came from, for what is relative in it.
export function parseHTML(source, url = "") {
  const text = source === undefined || source === null ? "" : String(source);
  return new Document(text, url).select([0]);
}

export default { parseHTML };
