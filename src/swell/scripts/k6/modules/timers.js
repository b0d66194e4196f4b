export * from "swell:lib/timers";
export { default } from "swell:lib/timers";
