// Our engine in a worker: answers the calls of ours.html, one at a time.
import {run} from "./threads.js";

const programs = {relaxed: "engine_bench-relaxed", simd128: "engine_bench"};
let engine;
let memory;

const calls = {
    async load({build, threads}) {
        const program = programs[build] + (threads > 1 ? "-threads" : "");
        ({memory} = await run(program, threads));
        const {Contestant} = await import(`./${program}.js`);
        const model = await fetch("./model.gguf");
        engine = new Contestant(new Uint8Array(await model.arrayBuffer()));
        const started = engine.threads();
        if (started !== threads) throw new Error(`${started} threads instead of ${threads}`);
    },

    async measure({tokens, decode}) {
        const started = performance.now();
        const token = await engine.prefill(Uint32Array.from(tokens));
        const first = performance.now();
        await engine.decode(token, decode);
        return {
            tokens: tokens.length,
            prefill: (first - started) / 1000,
            decode: (performance.now() - first) / 1000,
            decoded: decode,
        };
    },

    prepare({prefix}) {
        engine.set_prefix(Uint32Array.from(prefix.tokens));
    },

    async classify({prompt, labels}) {
        const [a, b, c] = labels.map((label) => Uint32Array.from(label.tokens));
        const started = performance.now();
        const label = await engine.classify(Uint32Array.from(prompt.tokens), a, b, c);
        return {seconds: (performance.now() - started) / 1000, label: labels[label].text};
    },

    // Chromium counts the memory of WASM that workers share, and no other.
    uncounted: () => (memory.buffer instanceof ArrayBuffer ? memory.buffer.byteLength : 0),
};

self.onmessage = async ({data: {name, argument}}) => {
    try {
        postMessage({answer: await calls[name](argument)});
    } catch (error) {
        postMessage({error: `${name}: ${error.message ?? error}`});
    }
};
