// Starts a build of a program, and the workers that help it to compute. Each of these is this script
// again: it runs the same module on the same memory, and stays inside.

// More than these share out the work of a small model badly.
const MOST = 4;
// Helpers run kernels alone.
const HELPER_STACK_BYTES = 1 << 18;

const load = (build) => import(`./${build}.js`);

// A host may call the file by another type.
const compile = (file) =>
  WebAssembly.compileStreaming(fetch(file)).catch(async () =>
    WebAssembly.compile(await (await fetch(file)).arrayBuffer()),
  );

// Runs `build` in this thread and, if it shares its memory, in others that help.
export const run = async (build, most = MOST) => {
  const { default: init } = await load(build);
  const file = new URL(`${build}_bg.wasm`, import.meta.url);
  if (!build.endsWith("-threads")) return init({ module_or_path: file });
  const module = await compile(file);
  const exports = await init({ module_or_path: module });
  const threads = Math.min(most, navigator.hardwareConcurrency);
  for (let helper = 1; helper < threads; helper++) {
    const worker = new Worker(import.meta.url, { type: "module", name: "helper" });
    worker.onerror = (error) => console.warn(`a thread failed (${error.message})`);
    // What a thread has to tell, a panic, is for the page.
    worker.onmessage = ({ data }) => postMessage(data);
    worker.postMessage({ help: build, module, memory: exports.memory });
  }
  return exports;
};

const help = async ({ help: build, module, memory }) => {
  const { default: init, helpToCompute } = await load(build);
  await init({ module_or_path: module, memory, thread_stack_size: HELPER_STACK_BYTES });
  helpToCompute();
};

// The page's own worker imports this script; a helper is it, and its first message says what to run.
if (self.name === "helper") self.onmessage = ({ data }) => help(data);
