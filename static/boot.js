// Starts the page, or says in words why it cannot start. A classic script, so that it runs even
// where modules do not.
"use strict";

(() => {
  const say = (text) => {
    const message = document.getElementById("boot-message");
    if (message) message.textContent = text;
  };

  if (location.protocol === "file:") {
    say("Browsers do not run this page from a file. Serve the folder (slm serve FOLDER) and open the address it prints.");
    return;
  }
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly. Open the page in a current browser.");
    return;
  }
  import("./page.js")
    .then((page) => page.default({ module_or_path: new URL("page_bg.wasm", document.baseURI) }))
    .catch((error) => {
      console.error(error);
      say("The page could not start (" + error.message + "). Reload it; if it stays so, use a current browser, or ship the folder again and upload every file.");
    });
})();
