// Bodies of requests from objects: forms, and forms with files.
import host from "swell:host/http";
import { kindOf as kindOfPlain } from "swell:lib/data";

export class FileData {
  constructor(data, filename, contentType) {
    this.data = data;
    this.filename = filename;
    this.content_type = contentType;
  }
}

// A value's type as k6's messages name it.
export const kindOf = (value) => (value instanceof FileData ? "*http.FileData" : kindOfPlain(value));

export const isFile = (value) => value instanceof FileData || (Array.isArray(value) && value.some((item) => item instanceof FileData));

function escape(text) {
  return encodeURIComponent(String(text).toWellFormed())
    .replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase()).replace(/%20/g, "+");
}

function formValue(value) {
  if (value === null || value === undefined) return "";
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    // As Go writes a time.
    return value.toISOString().replace("T", " ").replace(/\.?0*Z$/, " +0000 UTC");
  }
  if (typeof value !== "object" || value instanceof String) return String(value);
  host.warn(`cannot urlencode a nested ${kindOf(value)} value in a request form body; `
    + "encoding it as an empty value, use JSON.stringify() to send structured data");
  return "";
}

// Fields as application/x-www-form-urlencoded.
export function form(fields) {
  const pairs = [];
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key];
    for (const item of Array.isArray(value) ? value : [value]) pairs.push(`${escape(key)}=${escape(formValue(item))}`);
  }
  return pairs.join("&");
}

// Fields of which one is a file, as multipart/form-data.
export function multipart(fields) {
  const parts = [];
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    for (const item of isFile(value) && Array.isArray(value) ? value : [value]) {
      if (item instanceof FileData) parts.push(key, item.data, item.filename, item.content_type);
      else parts.push(key, formValue(item), "", "");
    }
  }
  return host.multipart(...parts);
}
