// What is wrong with a text that is no JSON, and where: Response.json() says it with line and character.

const ESCAPES = { "'": "\\'", '"': '"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function quoted(letter) {
  if (letter in ESCAPES) return `'${ESCAPES[letter]}'`;
  const code = letter.codePointAt(0);
  if (code < 32 || code === 127) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return /\p{C}/u.test(letter) ? `'\\u${code.toString(16).padStart(4, "0")}'` : `'${letter}'`;
}

class Fault {
  constructor(at, text) { this.at = at; this.text = text; }
}

// A reader of JSON that gives no value, only the place where it stops being one.
class Reader {
  constructor(text) {
    this.letters = [...text];
    this.at = 0;
  }
  stop(context) {
    const letter = this.letters[this.at];
    if (letter === undefined) throw new Fault(this.at, "unexpected end of JSON input");
    throw new Fault(this.at + 1, `invalid character ${quoted(letter)} ${context}`);
  }
  peek() {
    while (" \t\r\n".includes(this.letters[this.at] ?? "x")) this.at++;
    return this.letters[this.at];
  }
  value() {
    const letter = this.peek();
    if (letter === "{") return this.object();
    if (letter === "[") return this.array();
    if (letter === '"') return this.string();
    if (letter === "-" || (letter >= "0" && letter <= "9")) return this.number();
    const word = { t: "true", f: "false", n: "null" }[letter];
    if (word === undefined) this.stop("looking for beginning of value");
    return this.word(word);
  }
  word(word) {
    for (const letter of word) {
      if (this.letters[this.at] !== letter) this.stop(`in literal ${word} (expecting ${quoted(letter)})`);
      this.at++;
    }
  }
  digits(context) {
    if (!/^\d$/.test(this.letters[this.at] ?? "")) this.stop(context);
    while (/^\d$/.test(this.letters[this.at] ?? "")) this.at++;
  }
  number() {
    if (this.letters[this.at] === "-") this.at++;
    if (this.letters[this.at] === "0") this.at++;
    else this.digits("in numeric literal");
    if (this.letters[this.at] === ".") {
      this.at++;
      this.digits("after decimal point in numeric literal");
    }
    if (this.letters[this.at] === "e" || this.letters[this.at] === "E") {
      this.at++;
      if (this.letters[this.at] === "+" || this.letters[this.at] === "-") this.at++;
      this.digits("in exponent of numeric literal");
    }
  }
  string() {
    this.at++;
    for (;;) {
      const letter = this.letters[this.at];
      if (letter === undefined || letter < " ") this.stop("in string");
      this.at++;
      if (letter === '"') return;
      if (letter === "\\") this.escape();
    }
  }
  escape() {
    const start = this.at - 1;
    const letter = this.letters[this.at];
    if (letter === undefined) this.stop("in string");
    let length = "\"\\/bfnrt".includes(letter) ? 1 : 0;
    if (letter === "u") {
      length = 1;
      while (length < 5 && /^[0-9a-fA-F]$/.test(this.letters[this.at + length] ?? "")) length++;
      if (length < 5) {
        this.at += length;
        if (this.letters[this.at] === undefined) this.stop("in string");
        length = 0;
      }
    }
    if (length === 0) {
      throw new Fault(this.at + 1, `invalid escape sequence \`${this.letters.slice(start, this.at + 1).join("")}\` in string`);
    }
    this.at += length;
  }
  goesOn(close, place) {
    const letter = this.peek();
    if (letter !== "," && letter !== close) this.stop(place);
    const comma = this.at++;
    if (letter === close) return false;
    this.afterComma(comma);
    return true;
  }
  array() {
    this.at++;
    if (this.peek() === "]") { this.at++; return; }
    for (;;) {
      this.value();
      const letter = this.peek();
      if (letter !== "," && letter !== "]") this.stop("after array element");
      this.at++;
      if (letter === "]") return;
    }
  }
  object() {
    this.at++;
    if (this.peek() === "}") { this.at++; return; }
    for (;;) {
      if (this.peek() !== '"') this.stop("looking for beginning of object key string");
      this.string();
      if (this.peek() !== ":") this.stop("after object key");
      this.at++;
      this.value();
      const letter = this.peek();
      if (letter !== "," && letter !== "}") this.stop("after object key:value pair");
      this.at++;
      if (letter === "}") return;
    }
  }
  whole() {
    this.value();
    if (this.peek() !== undefined) this.stop("after top-level value");
  }
}

// As JSON.parse() of k6's engine reads: token by token, so that it notices less at once, and tells a value that
// breaks off from a text that ends between two.
class TokenReader extends Reader {
  stop(context) {
    const letter = this.letters[this.at];
    const numeric = context.includes("numeric literal") ? "in numeric literal" : context;
    if (letter === undefined) {
      const isBetween = /^(looking|after)/.test(numeric);
      throw new Fault(this.at, isBetween ? "Unexpected end of JSON input (EOF)" : "unexpected EOF");
    }
    super.stop(numeric);
  }
  // What stands after a comma has to be a value: where a bracket is closed there, the comma is to blame.
  afterComma(comma) {
    if ("]}".includes(this.peek() ?? "x")) this.at = comma;
  }
  array() {
    this.at++;
    if (this.peek() === "]") { this.at++; return; }
    for (;;) {
      this.value();
      if (!this.goesOn("]", "after array element")) return;
    }
  }
  object() {
    this.at++;
    if (this.peek() === "}") { this.at++; return; }
    for (;;) {
      if (this.peek() === '"') this.string();
      else {
        if (!"[{".includes(this.peek() ?? "x")) this.value();
        throw new Fault(this.at, "object member name must be a string");
      }
      if (this.peek() !== ":") this.stop("after object key");
      this.at++;
      if (this.peek() === "}") throw new Fault(this.at, "missing value after object key");
      this.value();
      if (!this.goesOn("}", "after object key:value pair")) return;
    }
  }
  whole() {
    this.value();
    const letter = this.peek();
    if (letter === undefined) return;
    const start = this.at;
    let token = "<nil>";
    if ("{[".includes(letter)) token = letter;
    else {
      try {
        this.value();
        const text = this.letters.slice(start, this.at).join("");
        if (text !== "null") token = String(parse(text));
      } catch { /* it is no token */ }
    }
    throw new Fault(start, `Unexpected token at the end: ${token}`);
  }
}

const parse = JSON.parse;

// What is wrong with a text that JSON.parse() refused; undefined where nothing is found.
export function refused(text) {
  try {
    new TokenReader(text).whole();
  } catch (error) {
    if (error instanceof Fault) return error.text;
  }
  return undefined;
}

export function describe(text) {
  const reader = new Reader(text);
  let fault = new Fault(0, "it is no JSON");
  try {
    reader.whole();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    fault = error;
  }
  const before = reader.letters.slice(0, fault.at);
  const line = before.filter((letter) => letter === "\n").length + 1;
  const character = fault.at - (before.lastIndexOf("\n") + 1);
  return `cannot parse json due to an error at line ${line}, character ${character} , error: ${fault.text}`;
}
