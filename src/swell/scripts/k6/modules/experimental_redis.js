// k6/experimental/redis: commands to a Redis server, each a promise.
import swell from "swell:core";
import host from "swell:host/redis";
import { TextDecoder } from "swell:lib/encoding";

// What a command writes: Redis has no other types.
function values(command, given) {
  return given.map((value, index) => {
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    if (typeof value === "boolean") return value ? "1" : "0";
    const kind = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
    throw new TypeError(`${command}() takes strings, numbers and booleans, and value ${index + 1} is ${kind}`);
  });
}

// Keys and fields may come one by one or as an array: both were right at some time.
const names = (given) => given.flat().map(String);
const whole = (given) => String(Math.trunc(Number(given)) || 0);

function pairs(list) {
  const made = {};
  for (let at = 0; at + 1 < list.length; at += 2) made[list[at]] = list[at + 1];
  return made;
}

// PEM as text, however it was read.
function pem(given) {
  const bytes = swell.bytes(given);
  return bytes === undefined ? String(given) : new TextDecoder().decode(bytes);
}

function written(options) {
  if (typeof options === "string") return JSON.stringify(options);
  if (options === null || typeof options !== "object") {
    throw new TypeError("a Redis client needs a URL or an object with options");
  }
  const tls = options.socket?.tls;
  if (!tls) return JSON.stringify(options);
  const texts = { ca: [tls.ca ?? []].flat().map(pem) };
  for (const name of ["cert", "key"]) if (tls[name] !== undefined) texts[name] = pem(tls[name]);
  return JSON.stringify({ ...options, socket: { ...options.socket, tls: texts } });
}

export class Client {
  #number;

  constructor(options) { this.#number = host.open(written(options)); }

  // The reply, whatever it is; nothing rejects, as in k6.
  async #ask(...parts) {
    const command = JSON.stringify(parts.map((part) => part.toWellFormed()));
    const reply = JSON.parse(await swell.promise(host.send(this.#number, command)));
    if (reply === null) throw new swell.GoError("redis: nil");
    return reply;
  }

  async #isOne(...parts) { return (await this.#ask(...parts)) === 1; }

  async set(key, value, expiration) {
    const seconds = whole(expiration);
    return this.#ask("SET", String(key), ...values("set", [value]), ...(seconds > 0 ? ["EX", seconds] : []));
  }
  async get(key) { return this.#ask("GET", String(key)); }
  async getSet(key, value) { return this.#ask("GETSET", String(key), ...values("getSet", [value])); }
  async del(...keys) { return this.#ask("DEL", ...names(keys)); }
  async getDel(key) { return this.#ask("GETDEL", String(key)); }
  async exists(...keys) { return this.#ask("EXISTS", ...names(keys)); }
  async incr(key) { return this.#ask("INCR", String(key)); }
  async incrBy(key, increment) { return this.#ask("INCRBY", String(key), whole(increment)); }
  async decr(key) { return this.#ask("DECR", String(key)); }
  async decrBy(key, decrement) { return this.#ask("DECRBY", String(key), whole(decrement)); }
  async randomKey() { return this.#ask("RANDOMKEY"); }
  async mget(...keys) { return this.#ask("MGET", ...names(keys)); }
  async expire(key, seconds) { return this.#isOne("EXPIRE", String(key), whole(seconds)); }
  async ttl(key) { return this.#ask("TTL", String(key)); }
  async persist(key) { return this.#isOne("PERSIST", String(key)); }

  async lpush(key, ...given) { return this.#ask("LPUSH", String(key), ...values("lpush", given)); }
  async rpush(key, ...given) { return this.#ask("RPUSH", String(key), ...values("rpush", given)); }
  async lpop(key) { return this.#ask("LPOP", String(key)); }
  async rpop(key) { return this.#ask("RPOP", String(key)); }
  async lrange(key, start, stop) { return this.#ask("LRANGE", String(key), whole(start), whole(stop)); }
  async lindex(key, index) { return this.#ask("LINDEX", String(key), whole(index)); }
  async lset(key, index, element) {
    return this.#ask("LSET", String(key), whole(index), ...values("lset", [element]));
  }
  async lrem(key, count, value) {
    return this.#ask("LREM", String(key), whole(count), ...values("lrem", [value]));
  }
  async llen(key) { return this.#ask("LLEN", String(key)); }

  async hset(key, field, value) {
    return this.#ask("HSET", String(key), String(field), ...values("hset", [value]));
  }
  async hsetnx(key, field, value) {
    return this.#isOne("HSETNX", String(key), String(field), ...values("hsetnx", [value]));
  }
  async hget(key, field) { return this.#ask("HGET", String(key), String(field)); }
  async hdel(key, ...fields) { return this.#ask("HDEL", String(key), ...names(fields)); }
  async hgetall(key) { return pairs(await this.#ask("HGETALL", String(key))); }
  async hkeys(key) { return this.#ask("HKEYS", String(key)); }
  async hvals(key) { return this.#ask("HVALS", String(key)); }
  async hlen(key) { return this.#ask("HLEN", String(key)); }
  async hincrby(key, field, increment) {
    return this.#ask("HINCRBY", String(key), String(field), whole(increment));
  }

  async sadd(key, ...members) { return this.#ask("SADD", String(key), ...values("sadd", members)); }
  async srem(key, ...members) { return this.#ask("SREM", String(key), ...values("srem", members)); }
  async sismember(key, member) {
    return this.#isOne("SISMEMBER", String(key), ...values("sismember", [member]));
  }
  async smembers(key) { return this.#ask("SMEMBERS", String(key)); }
  async srandmember(key) { return this.#ask("SRANDMEMBER", String(key)); }
  async spop(key) { return this.#ask("SPOP", String(key)); }

  async sendCommand(command, ...given) {
    return this.#ask(String(command), ...values("sendCommand", given));
  }
}

export default { Client };
