// URL and URLSearchParams, which swell has as globals: the API of jslib's url.

const { URL, URLSearchParams } = globalThis;

export { URL, URLSearchParams };

export default { URL, URLSearchParams };
