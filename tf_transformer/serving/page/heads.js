// All heads, by layer: a small map of each, one of which is selected.

import { addRadio, byId, make, markRadio } from "./element.js";
import { nameOf } from "./pieces.js";
import { text as say } from "./texts.js";
import { looksOf, percent, strongest } from "./weights.js";

function draw(canvas, matrix) {
  const high = getComputedStyle(document.documentElement).getPropertyValue("--high");
  canvas.width = matrix[0].length;
  canvas.height = matrix.length;
  const context = canvas.getContext("2d");
  context.fillStyle = high;
  matrix.forEach((row, y) => row.forEach((weight, x) => {
    context.globalAlpha = Math.min(1, weight);
    context.fillRect(x, y, 1, 1);
  }));
}

// `matrices` and `entropies` are [layer][head].
export function showHeads(matrices, entropies) {
  const group = byId("heads");
  group.replaceChildren();
  matrices.forEach((heads, layer) => {
    const part = make("div", group, "", "layer");
    part.setAttribute("role", "presentation");
    part.style.setProperty("--heads", heads.length);
    make("span", part, say("layer", { layer: layer + 1 }), "name").setAttribute("aria-hidden", "true");
    const row = make("div", part, "", "row");
    row.setAttribute("role", "presentation");
    heads.forEach((matrix, head) => {
      const entropy = entropies[layer][head];
      const button = addRadio(row);
      const place = say("head", { layer: layer + 1, head: head + 1 });
      button.dataset.name = say("entropy", { head: place, entropy: entropy.toFixed(2) });
      const map = make("span", button, "", "map");
      draw(make("canvas", map), matrix);
      make("span", map, "", "marker");
      const caption = make("span", button, "", "caption");
      make("b", caption, `${layer + 1}.${head + 1}`);
      make("span", caption, entropy.toFixed(2));
      make("span", button, "", "entropy").style.setProperty("--weight", entropy);
      const looks = make("span", button, "", "looks");
      make("span", looks);
      make("span", looks);
    });
  });
}

export function markHead(index) {
  markRadio(byId("heads"), index);
}

// Marks the row or column of the chosen unit in every map, and its largest weight.
export function showInHeads(matrices, chosen, lines) {
  const buttons = byId("heads").querySelectorAll("button");
  matrices.flat().forEach((matrix, i) => {
    const marker = buttons[i].querySelector(".marker");
    const looks = buttons[i].querySelector(".looks");
    marker.hidden = !chosen;
    const [name, weight] = looks.children;
    name.textContent = weight.textContent = "";
    buttons[i].setAttribute("aria-label", buttons[i].dataset.name);
    if (!chosen) return;
    const isRow = chosen.side === "queries";
    const share = 100 / lines[chosen.side].length;
    marker.style.inset = isRow
      ? `${chosen.index * share}% 0 auto 0`
      : `0 auto 0 ${chosen.index * share}%`;
    marker.style.height = isRow ? `${share}%` : "100%";
    marker.style.width = isRow ? "100%" : `${share}%`;
    const [most] = strongest(looksOf(matrix, chosen), 1);
    if (!most) return;
    const unit = lines[isRow ? "keys" : "queries"][most[0]];
    name.textContent = nameOf(unit);
    weight.textContent = percent(most[1]);
    buttons[i].ariaLabel += `: ${name.textContent} ${weight.textContent}`;
  });
}
