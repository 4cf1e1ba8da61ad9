// Starts the page, or says in words why it cannot start. A classic script, so that it runs even
// where modules do not.
"use strict";

(() => {
  // How long a first visit waits for the service worker, in milliseconds.
  const PATIENCE = 3000;
  const LOADED_AGAIN = `slm-gallery-loaded-again ${location.pathname}`;

  const say = (text) => {
    const message = document.getElementById("boot-message");
    if (message) message.textContent = text;
  };

  // The service worker lets the page open without a network. On a host that does not send the headers
  // that threads need, it adds them as well, to a page that is loaded while it is there: a first visit
  // loads the page again. Says whether it does. Where service workers are not allowed (plain http, some
  // private windows) the page works all the same, with one thread and not offline.
  const isLoadedAgain = async () => {
    const registration = await navigator.serviceWorker.register("service-worker.js");
    if (self.crossOriginIsolated || window.top !== window) return false;
    // Once a tab: a browser that isolates no page would load it for ever.
    if (sessionStorage.getItem(LOADED_AGAIN)) return false;
    sessionStorage.setItem(LOADED_AGAIN, "yes");
    await registration.update();
    if (!(await isActive(registration.installing ?? registration.waiting))) return false;
    location.reload();
    return true;
  };

  // Waits for a service worker that is new; one that is not new is there already.
  const isActive = (worker) =>
    new Promise((resolve) => {
      const look = () => worker.state === "activated" && resolve(true);
      if (!worker) return resolve(true);
      worker.addEventListener("statechange", look);
      setTimeout(() => resolve(false), PATIENCE);
      look();
    });

  const keepForOffline = async () => {
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage([`${self.workerBuild}.js`, `${self.workerBuild}_bg.wasm`]);
  };

  const start = async () => {
    const page = await import("./page.js");
    await page.default({ module_or_path: new URL("page_bg.wasm", document.baseURI) });
  };

  if (location.protocol === "file:") {
    say("Browsers do not run this page from a file. Serve the folder (slm serve FOLDER) and open the address it prints.");
    return;
  }
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly. Open the page in a current browser.");
    return;
  }
  const run = async () => {
    if ("serviceWorker" in navigator) {
      // A refusal is no failure: see above.
      if (await isLoadedAgain().catch(() => false)) return;
      keepForOffline().catch(() => undefined);
    }
    await start();
  };
  run().catch((error) => {
    console.error(error);
    say("The page could not start (" + error.message + "). Reload it; if it stays so, use a current browser, or ship the folder again and upload every file.");
  });
})();
