// llama.cpp by node-llama-cpp's prebuilt binaries, as a contestant: `node llama_cpp.mjs MODEL THREADS`.
// What is asked and answered, a line of JSON each, is written down in bench/src/contestant.rs.

import readline from "node:readline";
import {getLlama, getModuleVersion} from "node-llama-cpp";

const [modelPath, threads] = process.argv.slice(2);

const llama = await getLlama({gpu: false, build: "never", maxThreads: Number(threads), logLevel: "error"});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: 1024, batchSize: 512, threads: Number(threads)});
const sequence = context.getSequence();

/** Seconds to the first token after the prompt, then of up to `decode` more. */
async function measure({tokens, decode}) {
    await sequence.clearHistory();
    const started = performance.now();
    let first = started;
    let written = 0;
    for await (const _ of sequence.evaluate(tokens, {temperature: 0, yieldEogToken: true})) {
        if (written === 0) first = performance.now();
        written += 1;
        if (written > decode) break;
    }
    return {
        prefill: (first - started) / 1000,
        decode: (performance.now() - first) / 1000,
        decoded: Math.min(written - 1, decode),
    };
}

const say = (answer) => console.log(JSON.stringify(answer));

say({name: `llama.cpp (node-llama-cpp ${await getModuleVersion()})`});
for await (const line of readline.createInterface({input: process.stdin})) say(await measure(JSON.parse(line)));
process.exit(0);
