// What a private window without storage does to a page or a worker: every door is there, and none
// opens.
{
  const denied = () => new DOMException("The operation is insecure.", "SecurityError");
  const reject = () => Promise.reject(denied());
  const refuse = () => {
    throw denied();
  };
  StorageManager.prototype.getDirectory = reject;
  StorageManager.prototype.estimate = reject;
  for (const name of ["caches", "indexedDB", "localStorage", "sessionStorage"]) {
    Object.defineProperty(globalThis, name, { get: refuse, configurable: true });
  }
  if (globalThis.ServiceWorkerContainer) ServiceWorkerContainer.prototype.register = reject;
}
