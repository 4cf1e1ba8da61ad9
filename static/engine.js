// Starts the worker that owns the model. What fails here is told as the worker would tell it.
import { run } from "./threads.js";

try {
  await import("./worker-build.js");
  await run(self.workerBuild).catch(async (error) => {
    // Offline, a browser that takes another build since the last visit may have kept only the plain one.
    if (self.workerBuild === "worker") throw error;
    console.warn(`${self.workerBuild} could not start (${error.message}); trying worker`);
    await run("worker");
  });
} catch (error) {
  const problem = {
    what: `The engine could not start: ${error.message}.`,
    advice:
      "Use a current browser (WebAssembly with SIMD is needed), then press Retry. If it stays so, ship the folder again and upload every file.",
  };
  postMessage(JSON.stringify({ session: 0, event: { Stopped: problem } }));
}
