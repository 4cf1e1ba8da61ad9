// Starts the worker that owns the model. What fails here is told as the worker would tell it.
try {
  const worker = await import("./worker.js");
  await worker.default({ module_or_path: new URL("worker_bg.wasm", import.meta.url) });
} catch (error) {
  const problem = {
    what: `The engine could not start: ${error.message}.`,
    advice:
      "Use a current browser (WebAssembly with SIMD is needed), then press Retry. If it stays so, ship the folder again and upload every file.",
  };
  postMessage(JSON.stringify({ session: 0, event: { Stopped: problem } }));
}
