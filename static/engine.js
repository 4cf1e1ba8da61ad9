// Starts the worker that owns the model. What fails here is told as the worker would tell it.
try {
  await import("./worker-build.js");
  const worker = await import(`./${self.workerBuild}.js`);
  const program = new URL(`${self.workerBuild}_bg.wasm`, import.meta.url);
  await worker.default({ module_or_path: program });
} catch (error) {
  const problem = {
    what: `The engine could not start: ${error.message}.`,
    advice:
      "Use a current browser (WebAssembly with SIMD is needed), then press Retry. If it stays so, ship the folder again and upload every file.",
  };
  postMessage(JSON.stringify({ session: 0, event: { Stopped: problem } }));
}
