// k6/experimental/timers: the old name of k6/timers, which older scripts still import.
export * from "swell:lib/timers";
export { default } from "swell:lib/timers";
