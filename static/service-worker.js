// Lets the page open without a network: newest from the server, else what was kept.
//
// The base model is not handled here: the engine keeps it in the browser's file storage, where a
// broken download can go on.
"use strict";

importScripts("worker-build.js");

const CACHE = "slm-gallery-1";

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
  "view.css",
  "worker-build.js",
  `${self.workerBuild}.js`,
  `${self.workerBuild}_bg.wasm`,
];

const keep = async (urls) => {
  const cache = await caches.open(CACHE);
  await Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url, { cache: "no-cache" }).catch(() => undefined);
      if (response && response.ok) await cache.put(url, response);
    }),
  );
};

// A build of the worker that this browser no longer takes, or that an older page had.
const forgetOtherWorkers = async () => {
  const cache = await caches.open(CACHE);
  const isOther = ({ url }) => {
    const build = new URL(url).pathname.match(/\/(worker(?:-relaxed)?)(?:\.js|_bg\.wasm)$/);
    return build && build[1] !== self.workerBuild;
  };
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

const answer = async (request) => {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
};

self.addEventListener("install", (event) => {
  event.waitUntil(keep(SHELL).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("slm-gallery-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await forgetOtherWorkers();
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  if (isOurs(event.request)) event.respondWith(answer(event.request));
});

// The page names the files of the recipe it has opened.
self.addEventListener("message", (event) => {
  if (Array.isArray(event.data)) event.waitUntil(keep(event.data));
});
