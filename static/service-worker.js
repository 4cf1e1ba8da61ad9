// Lets the page open without a network: newest from the server, else what was kept. And adds the headers
// that threads need, for hosts that do not send them.
//
// The base model is not handled here: the engine keeps it in the browser's file storage, where a
// broken download can go on.
"use strict";

const CACHE = "slm-gallery-1";

// All but the build of the worker, which the page names.
const SHELL = [
  "./",
  "index.html",
  "boot.js",
  "engine.js",
  "gallery.json",
  "icon.svg",
  "page.js",
  "page_bg.wasm",
  "style.css",
  "threads.js",
  "view.css",
  "worker-build.js",
];

// A page with these may share memory among its workers: it is alone in its process.
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const workerOf = (url) =>
  new URL(url, self.registration.scope).pathname.match(/\/(worker[a-z-]*)(?:\.js|_bg\.wasm)$/)?.[1];

// Where there is no room, or storage is forbidden, the page works all the same, only not offline.
const ignore = () => undefined;

const keep = async (urls) => {
  const cache = await caches.open(CACHE);
  await Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url, { cache: "no-cache" }).catch(ignore);
      if (response && response.ok) await cache.put(url, response).catch(ignore);
    }),
  );
};

// Builds of the worker that this browser no longer takes, once the one that it takes is kept. The plain
// one stays: it stands in for the others.
const forgetOtherWorkers = async (urls) => {
  const builds = new Set(urls.map(workerOf).filter((build) => build !== undefined));
  if (builds.size === 0) return;
  const cache = await caches.open(CACHE);
  const kept = await Promise.all(urls.map((url) => cache.match(url)));
  if (kept.includes(undefined)) return;
  builds.add("worker").add("worker-build");
  const isOther = ({ url }) =>
    url.startsWith(self.registration.scope) &&
    workerOf(url) !== undefined &&
    !builds.has(workerOf(url));
  const others = (await cache.keys()).filter(isOther);
  await Promise.all(others.map((request) => cache.delete(request)));
};

const isOurs = (request) => {
  const url = new URL(request.url);
  return (
    request.method === "GET" &&
    url.href.startsWith(self.registration.scope) &&
    !url.pathname.endsWith(".gguf") &&
    !request.headers.has("range")
  );
};

const isolated = (response) => {
  // A redirection that the browser follows itself.
  if (response.status === 0) return response;
  const { body, status, statusText } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(body, { status, statusText, headers });
};

const answer = async (event) => {
  const { request } = event;
  const cache = await caches.open(CACHE).catch(ignore);
  try {
    const response = await fetch(request);
    if (response.ok && cache) {
      event.waitUntil(cache.put(request, response.clone()).catch(ignore));
    }
    return isolated(response);
  } catch (error) {
    const kept = await cache?.match(request, { ignoreSearch: true });
    if (kept) return isolated(kept);
    throw error;
  }
};

// Nothing is fetched here: the first visit waits for this worker.
self.addEventListener("install", (event) => {
  event.waitUntil(self.skipWaiting());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("slm-gallery-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  if (isOurs(event.request)) event.respondWith(answer(event));
});

// The page names the build of the worker that it starts, and the files of the recipe that it has opened.
self.addEventListener("message", (event) => {
  if (!Array.isArray(event.data)) return;
  event.waitUntil(keep([...SHELL, ...event.data]).then(() => forgetOtherWorkers(event.data)));
});
