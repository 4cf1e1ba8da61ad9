// Starts the worker that owns the model. What fails here is told as the worker would tell it.
const start = async (build) => {
  const worker = await import(`./${build}.js`);
  await worker.default({ module_or_path: new URL(`${build}_bg.wasm`, import.meta.url) });
};

try {
  await import("./worker-build.js");
  await start(self.workerBuild).catch(async (error) => {
    // Offline, a browser that has learned relaxed SIMD since the last visit has kept the plain build.
    if (self.workerBuild === "worker") throw error;
    console.warn(`${self.workerBuild} could not start (${error.message}); trying worker`);
    await start("worker");
  });
} catch (error) {
  const problem = {
    what: `The engine could not start: ${error.message}.`,
    advice:
      "Use a current browser (WebAssembly with SIMD is needed), then press Retry. If it stays so, ship the folder again and upload every file.",
  };
  postMessage(JSON.stringify({ session: 0, event: { Stopped: problem } }));
}
