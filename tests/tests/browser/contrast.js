(() => {
  // Texts of the page that are too faint against what stands behind them, a line each; "readable"
  // if there are none. Charts (SVG), and texts faded on purpose while something is awaited, are left
  // out. Luminance and contrast as WCAG 2.2 defines them.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colours) => {
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (element, style) => {
    const grounds = [];
    for (let e = element; e; e = e.parentElement) grounds.unshift(getComputedStyle(e).backgroundColor);
    const [low, high] = [luminance(grounds), luminance([...grounds, style.color])].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const faint = new Set();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("svg, script, style, .spoken, :disabled")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const found = contrast(element, style);
    texts += 1;
    if (found < (isLarge ? 3 : 4.5)) {
      faint.add(`${found.toFixed(2)}: ${element.className || element.tagName} "${node.data.trim()}"`);
    }
  }
  if (!texts) return "no text at all";
  return [...faint].join("\n") || "readable";
})()
