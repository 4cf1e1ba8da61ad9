// Which build of the worker this browser runs, as `self.workerBuild`: for the worker itself and for
// the page, which has it kept. A script of no kind, so that both can load it.
"use strict";

{
  const runs = (module) => WebAssembly.validate(Uint8Array.from(module));
  // A function of one instruction of relaxed SIMD, i16x8.relaxed_dot_i8x16_i7x16_s.
  const relaxedSimd = [
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 15, 1, 13, 0,
    0x41, 1, 0xfd, 0x0f, 0x41, 2, 0xfd, 0x0f, 0xfd, 0x92, 2, 0x0b,
  ];
  // Memory can be shared where the page's headers isolate it. Without Atomics.waitAsync wasm-bindgen
  // would start a worker of its own, which the page does not allow.
  const canShare =
    self.crossOriginIsolated &&
    typeof SharedArrayBuffer === "function" &&
    typeof Atomics.waitAsync === "function" &&
    navigator.hardwareConcurrency > 1;
  self.workerBuild =
    "worker" + (runs(relaxedSimd) ? "-relaxed" : "") + (canShare ? "-threads" : "");
}
