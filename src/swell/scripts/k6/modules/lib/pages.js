// What a user does with a page that came: submitForm and clickLink of a response.
import host from "swell:host/http";
import swell from "swell:core";
import { form } from "swell:lib/forms";
import { request } from "k6/http";

const asArgument = (given) => (given === null || given === undefined ? {} : given);

export function submitForm(page, url, given) {
  const { formSelector = "form", submitSelector = '[type="submit"]' } = given;
  const found = page.find(formSelector);
  if (found.size() === 0) throw new swell.GoError(`no form found for selector '${formSelector}' in response '${url}'`);
  const method = (found.attr("method") ?? "GET").toUpperCase();
  const target = host.resolve(url, found.attr("action") ?? "");
  const values = found.serializeObject();
  const submit = found.find(submitSelector);
  const name = submit.attr("name");
  if (name) values[name] = submit.val();
  Object.assign(values, asArgument(given.fields));
  if (method !== "GET") return request(method, target, values, given.params);
  const listed = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
  return request(method, host.withQuery(target, form(listed)), null, given.params);
}

export function clickLink(page, url, given) {
  const { selector = "a[href]" } = given;
  const found = page.find(selector);
  if (found.size() === 0) throw new swell.GoError(`no element found for selector '${selector}' in response '${url}'`);
  const link = found.attr("href");
  if (link === undefined) {
    throw new swell.GoError(`no valid href attribute value found on element '${selector}' in response '${url}'`);
  }
  return request("GET", host.resolve(url, link), null, given.params);
}
