// Elements of k6/html: a node with the methods of the DOM. What an element of a certain name has besides is in
// the tables below: accessors that only reflect an attribute, and methods.

import host from "swell:host/html";
import swell from "swell:core";

const PRIVATE = Symbol("node");

const own = (element) => element[PRIVATE];
const attribute = (element, name) => own(element).document.attribute(own(element).node, name);
const made = (element, node) => (node === undefined ? undefined : elementOf(own(element).document, node));
const related = (element, kind) => own(element).document.related([own(element).node], kind);
const within = (element, selector) => own(element).document.find([own(element).node], selector)
  .map((node) => made(element, node));
const nearest = (element, name) => {
  const selector = element.nodeName() === name ? [] : related(element, "parents");
  return selector.map((node) => made(element, node)).find((one) => one.nodeName() === name);
};

class Attribute {
  constructor(element, name, value) {
    this.name = this.nodeName = name;
    this.value = value;
    this.ownerElement = element;
  }
  localName() { return this.name; }
  namespaceURI() { return this.ownerElement.namespaceURI(); }
  prefix() { return ""; }
}

class Element {
  constructor(document, node, described) {
    Object.defineProperty(this, PRIVATE, { value: { document, node, described } });
  }

  nodeName() { return own(this).described[0]; }
  nodeType() { return own(this).described[1]; }
  nodeValue() { return own(this).described[2] ?? undefined; }
  textContent() { return own(this).document.text([own(this).node]); }
  innerHTML() { return own(this).document.inner(own(this).node); }
  id() { return attribute(this, "id") ?? ""; }
  className() { return attribute(this, "class"); }
  classList() { return (this.className() ?? "").split(/\s+/).filter(Boolean); }
  lang() { return attribute(this, "lang"); }
  namespaceURI() { return { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" }[this.nodeName()] ?? "http://www.w3.org/1999/xhtml"; }
  isDefaultNamespace() { return this.namespaceURI() === "http://www.w3.org/1999/xhtml"; }
  toString() { return typeof this.href === "function" ? this.href() : "[object html.Node]"; }

  getAttribute(name) { return attribute(this, String(name)); }
  getAttributeNode(name) {
    const value = attribute(this, String(name));
    return value === undefined ? undefined : new Attribute(this, String(name), value);
  }
  hasAttribute(name) { return attribute(this, String(name)) !== undefined; }
  hasAttributes() { return Object.keys(own(this).document.attributes(own(this).node)).length > 0; }
  attributes() {
    const all = Object.entries(own(this).document.attributes(own(this).node));
    return Object.fromEntries(all.map(([name, value]) => [name, new Attribute(this, name, value)]));
  }

  children() { return related(this, "children").map((node) => made(this, node)); }
  childNodes() { return related(this, "contents").map((node) => made(this, node)); }
  childElementCount() { return related(this, "children").length; }
  hasChildNodes() { return related(this, "contents").length > 0; }
  firstChild() { return made(this, related(this, "contents")[0]); }
  lastChild() { return made(this, related(this, "contents").at(-1)); }
  firstElementChild() { return made(this, related(this, "children")[0]); }
  lastElementChild() { return made(this, related(this, "children").at(-1)); }
  nextSibling() { return made(this, related(this, "nextNode")[0]); }
  previousSibling() { return made(this, related(this, "prevNode")[0]); }
  nextElementSibling() { return made(this, related(this, "next")[0]); }
  previousElementSibling() { return made(this, related(this, "prev")[0]); }
  parentNode() { return made(this, related(this, "parentNode")[0]); }
  parentElement() { return made(this, related(this, "parent")[0]); }
  ownerDocument() { return made(this, 0); }

  contains(other) { return related(other, "parents").includes(own(this).node); }
  isSameNode(other) { return own(this).document === own(other).document && own(this).node === own(other).node; }
  isEqualNode(other) { return this.nodeName() === other.nodeName() && this.innerHTML() === other.innerHTML(); }
  matches(selector) { return own(this).document.matches([own(this).node], String(selector)) === "1"; }
  querySelector(selector) { return within(this, String(selector))[0]; }
  querySelectorAll(selector) { return within(this, String(selector)); }
  getElementsByClassName(name) { return within(this, String(name).trim().split(/\s+/).map((one) => "." + one).join("")); }
  getElementsByTagName(name) { return within(this, String(name)); }
  selection() { return own(this).document.select([own(this).node]); }
}
Element.prototype[swell.methods] = "element";

// Attributes that a method of the same name gives: as text ("" where missing), as a yes or no, as a number.
const TEXT = {
  a: "download href hreflang media name rel target type", area: "alt coords download href hreflang media rel shape target type",
  audio: "controls crossOrigin currentSrc mediaGroup preload src", base: "href target",
  button: "formEnctype formTarget name value", data: "value", del: "cite datetime", embed: "height src type width",
  fieldset: "name", form: "acceptCharset action autocomplete name target",
  iframe: "allow height name referrerpolicy src srcdoc width", img: "alt crossorigin sizes src srcset useMap",
  input: "accept alt autocomplete formEnctype formTarget max min name pattern placeholder src step value",
  ins: "cite datetime", label: "htmlFor", legend: "accesskey", li: "", link: "as crossorigin href hreflang media rel sizes target type",
  map: "name", meta: "content httpEquiv name", object: "data name type useMap", optgroup: "label", output: "htmlFor name",
  param: "name value", q: "cite", blockquote: "cite", script: "charset crossorigin src type", select: "name",
  source: "media sizes src srcset type", style: "media", td: "headers", th: "abbr headers scope", time: "datetime",
  track: "label src srclang", textarea: "accesskey autocomplete name placeholder wrap", video: "poster preload src",
};
const YES = {
  audio: "autoplay controls defaultMuted loop", button: "autofocus disabled formNoValidate", fieldset: "disabled",
  form: "noValidate", iframe: "allowfullscreen", img: "isMap",
  input: "autofocus checked defaultChecked disabled formNoValidate indeterminate multiple readonly required",
  ol: "reversed", optgroup: "disabled", option: "defaultSelected disabled selected", script: "async defer noModule",
  select: "autofocus disabled multiple required", textarea: "autofocus disabled readonly required", track: "default",
  video: "autoplay controls loop",
};
const NUMBER = {
  canvas: "height width", img: "height width", input: "height maxLength size width", li: "value", meter: "high low max min optimum value",
  ol: "start", td: "colspan rowspan", th: "colspan rowspan", textarea: "cols maxLength minLength rows", video: "height width", col: "span", colgroup: "span",
};
const NAMES = {
  acceptCharset: "accept-charset", htmlFor: "for", httpEquiv: "http-equiv", defaultChecked: "checked", defaultSelected: "selected",
  defaultMuted: "muted", currentSrc: "src",
};
const DEFAULTS = {
  "canvas.height": 150, "canvas.width": 150, "input.maxLength": -1, "textarea.maxLength": -1, "textarea.minLength": -1,
  "td.colspan": 1, "td.rowspan": 1, "th.colspan": 1, "th.rowspan": 1, "ol.start": 1, "col.span": 1, "colgroup.span": 1,
};

// Attributes that a method gives as an address, which is relative to the page's where that is known.
const ADDRESSES = {
  a: "href", area: "href", audio: "src", video: "src", base: "href", form: "action", iframe: "src", img: "currentSrc src",
  input: "src", link: "href", object: "data", script: "src", source: "src", track: "src",
};

function resolved(element, given) {
  const base = own(element).document.url;
  return base ? host.resolve(base, given) : given;
}

function address(element, name) {
  const given = attribute(element, name);
  if (given === undefined) return element.nodeName() === "base" ? own(element).document.url ?? "" : "";
  return resolved(element, given);
}

// Parts of an address; the standard class, except that what is relative has no host (k6's rule).
function link(element) {
  const href = address(element, "href");
  try {
    const url = new URL(href);
    return { ...Object.fromEntries(["hash", "host", "hostname", "origin", "password", "pathname", "port", "search", "username"].map((name) => [name, url[name]])), protocol: url.protocol.replace(":", "") };
  } catch {
    const url = new URL(href, "http://relative.invalid");
    return { hash: url.hash, host: "", hostname: "", origin: "", password: "", pathname: href.startsWith("/") ? url.pathname : href.replace(/[?#].*$/s, ""), port: "", protocol: ":", search: url.search, username: "" };
  }
}
const LINK = Object.fromEntries(
  ["hash", "host", "hostname", "origin", "password", "pathname", "port", "protocol", "search", "username"]
    .map((name) => [name, function () { return link(this)[name]; }]),
);
const relList = { relList() { return (attribute(this, "rel") ?? "").split(/\s+/).filter(Boolean); } };
const form = { form() { return nearest(this, "form"); } };
const labels = {
  labels() {
    const around = nearest(this, "label");
    const root = made(this, 0);
    const named = this.id() ? root.querySelectorAll(`label[for="${CSSescape(this.id())}"]`) : [];
    return around === undefined ? named : [around, ...named.filter((one) => !one.isSameNode(around))];
  },
};
const CSSescape = (text) => text.replace(/["\\]/g, "\\$&");
const text = { text() { return this.textContent(); } };
const sent = {
  formAction() {
    const around = this.form();
    const given = attribute(this, "formaction") ?? (around === undefined ? undefined : attribute(around, "action"));
    return given ? resolved(this, given) : own(this).document.url ?? "";
  },
  formMethod() { return attribute(this, "formmethod") ?? this.form()?.method() ?? ""; },
};
const parts = "input,select,textarea,button,fieldset,object,output";

const METHODS = {
  a: { ...LINK, ...relList, ...text },
  area: { ...LINK, ...relList, ...text },
  link: relList,
  button: { ...form, ...labels, ...sent,
    type() { return attribute(this, "type") ?? "submit"; },
    value() { return attribute(this, "value") ?? this.innerHTML(); },
  },
  datalist: { options() { return within(this, "option"); } },
  fieldset: { ...form, elements() { return within(this, parts); }, type() { return "fieldset"; }, validity() { return undefined; } },
  form: {
    elements() { return within(this, parts); },
    length() { return within(this, parts).length; },
    method() { return (attribute(this, "method") ?? "get").toLowerCase(); },
    enctype() { return attribute(this, "enctype") ?? "application/x-www-form-urlencoded"; },
  },
  input: {
    ...form, ...labels, ...sent,
    type() { return attribute(this, "type") ?? "text"; },
    defaultValue() { return attribute(this, "value") ?? ""; },
    list() { const id = attribute(this, "list"); return id === undefined ? undefined : made(this, 0).querySelector(`datalist[id="${CSSescape(id)}"]`); },
  },
  keygen: { ...form, ...labels },
  label: { ...form, control() { const id = attribute(this, "for"); return id === undefined ? within(this, "input,select,textarea,button")[0] : made(this, 0).querySelector(`[id="${CSSescape(id)}"]`); } },
  legend: form,
  map: { areas() { return within(this, "area"); }, images() { return made(this, 0).querySelectorAll(`img[usemap="#${CSSescape(attribute(this, "name") ?? "")}"]`); } },
  audio: { textTracks() { return within(this, "track"); } },
  video: { textTracks() { return within(this, "track"); } },
  meter: labels,
  object: form,
  option: {
    ...form, ...text,
    value() { return attribute(this, "value") ?? this.textContent(); },
    label() { return attribute(this, "label") ?? this.textContent(); },
    index() { const list = nearest(this, "select") ?? nearest(this, "datalist"); return list === undefined ? 0 : list.options().findIndex((one) => one.isSameNode(this)); },
  },
  output: { ...form, ...labels, value() { return this.textContent(); }, defaultValue() { return this.textContent(); } },
  progress: {
    ...labels,
    max() { return Number(attribute(this, "max") ?? 1); },
    value() { return Math.min(Number(attribute(this, "value") ?? 0), this.max()); },
    position() { return attribute(this, "value") === undefined ? -1 : this.value() / this.max(); },
  },
  script: text,
  select: {
    ...form, ...labels,
    options() { return within(this, "option"); },
    length() { return this.options().length; },
    selectedOptions() {
      const chosen = within(this, "option[selected]");
      return chosen.length || this.multiple() ? chosen : this.options().slice(0, 1);
    },
    selectedIndex() { const [first] = this.selectedOptions(); return first === undefined ? -1 : first.index(); },
    size() { return Number(attribute(this, "size") ?? (this.multiple() ? 4 : 1)); },
    type() { return this.multiple() ? "select-multiple" : "select"; },
    value() { return this.selectedOptions()[0]?.value() ?? ""; },
  },
  style: { ...text, type() { return attribute(this, "type") ?? "text/css"; } },
  table: {
    caption() { return within(this, "caption")[0]; },
    rows() { return within(this, "tr"); },
    tBodies() { return within(this, "tbody"); },
    tHead() { return within(this, "thead")[0]; },
    tFoot() { return within(this, "tfoot")[0]; },
  },
  tbody: { rows() { return within(this, "tr"); } },
  thead: { rows() { return within(this, "tr"); } },
  tfoot: { rows() { return within(this, "tr"); } },
  td: { cellIndex() { return related(this, "prevAll").length; } },
  th: { cellIndex() { return related(this, "prevAll").length; } },
  tr: {
    cells() { return within(this, "td,th"); },
    rowIndex() { const table = nearest(this, "table"); return table === undefined ? -1 : table.rows().findIndex((one) => one.isSameNode(this)); },
    sectionRowIndex() { return related(this, "prevAll").length; },
  },
  textarea: {
    ...form, ...labels,
    type() { return "textarea"; },
    value() { return this.textContent(); },
    defaultValue() { return this.textContent(); },
    length() { return this.textContent().length; },
  },
  time: {},
  title: text,
  track: { kind() { return attribute(this, "kind") ?? "subtitle"; } },
};

const names = (table, name) => (table[name] ?? "").split(" ").filter(Boolean);
const classes = new Map();

function classOf(name) {
  let found = classes.get(name);
  if (found === undefined) {
    found = class extends Element {};
    const members = {};
    for (const method of names(TEXT, name)) {
      members[method] = function () { return attribute(this, NAMES[method] ?? method.toLowerCase()) ?? ""; };
    }
    for (const method of names(ADDRESSES, name)) {
      members[method] = function () { return address(this, NAMES[method] ?? method); };
    }
    for (const method of names(YES, name)) {
      members[method] = function () { return attribute(this, NAMES[method] ?? method.toLowerCase()) !== undefined; };
    }
    for (const method of names(NUMBER, name)) {
      members[method] = function () {
        const value = parseInt(attribute(this, method.toLowerCase()), 10);
        return Number.isNaN(value) ? DEFAULTS[`${name}.${method}`] ?? 0 : value;
      };
    }
    Object.assign(found.prototype, members, METHODS[name]);
    classes.set(name, found);
  }
  return found;
}

// The element for a node, of the class that its name has.
export function elementOf(document, node) {
  const described = document.describe(node);
  return new (described[1] === 1 ? classOf(described[0]) : Element)(document, node, described);
}
