// k6/experimental/websockets: the old name of k6/websockets.
import host from "swell:host/websocket";

host.deprecated();

export * from "k6/websockets";
export { default } from "k6/websockets";
