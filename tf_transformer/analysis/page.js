// Attention of several sentences. html_page.py puts element.js, texts.js and weights.js of the
// service's page before this file.

const { sentences, kind: firstKind } = JSON.parse(byId("data").textContent);
for (const { kinds } of sentences) {
  for (const maps of Object.values(kinds)) { // from thousandths
    maps.weights = maps.weights.map((heads) =>
      heads.map((map) => map.map((row) => row.map((weight) => weight / 1000))));
  }
}
Object.assign(KOREAN_PAGE, {
  sentence: "문장",
  mapsHint: "각 행은 층, 각 열은 헤드입니다. 각 그림은 헤드 하나의 어텐션 행렬이며 행은 쿼리, 열은 "
    + "키이며, 색이 짙을수록 가중치가 큽니다. 아래의 숫자는 정규화한 엔트로피입니다. 0이면 쿼리마다 키 "
    + "하나에만 어텐션을 주고, 1이면 모든 키에 고르게 줍니다. 화살표 키로 헤드를 옮겨 다닐 수 있습니다.",
});
const state = { sentence: 0, kind: firstKind, layer: 0, head: 0, pointed: null, pinned: null };

const current = () => sentences[state.sentence].kinds[state.kind];
const headName = (layer, head) => text("head", { layer: layer + 1, head: head + 1 });

function showKinds() {
  const kinds = Object.keys(sentences[state.sentence].kinds);
  const group = byId("kinds");
  group.replaceChildren();
  kinds.forEach((kind) => addRadio(group, text(kind)));
  markRadio(group, kinds.indexOf(state.kind));
}

function drawMap(canvas, weights) {
  canvas.width = weights[0].length;
  canvas.height = weights.length;
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  weights.forEach((row, y) => row.forEach((weight, x) => {
    context.globalAlpha = Math.min(1, weight);
    context.fillRect(x, y, 1, 1);
  }));
}

function showHeads() {
  const { weights, entropy } = current();
  const group = byId("heads");
  group.replaceChildren();
  group.classList.toggle("many", weights[0].length > 4);
  group.style.gridTemplateColumns = `repeat(${weights[0].length}, auto)`;
  weights.forEach((heads, layer) => heads.forEach((map, head) => {
    const button = addRadio(group);
    const share = entropy[layer][head].toFixed(2);
    button.ariaLabel = text("entropy", { head: headName(layer, head), entropy: share });
    drawMap(make("canvas", button), map);
    make("span", button, `${layer + 1}.${head + 1}: ${share}`);
  }));
  markRadio(group, state.layer * weights[0].length + state.head);
}

function showHead() {
  const title = text(`${state.kind}Title`);
  const head = headName(state.layer, state.head);
  byId("head-title").textContent = text("headOf", { title, head });
  byId("queries-title").textContent = text(`${state.kind}Queries`);
  byId("keys-title").textContent = text(`${state.kind}Keys`);
  for (const side of ["queries", "keys"]) {
    const list = byId(side);
    list.replaceChildren();
    current()[side].forEach((word, index) => {
      const button = make("button", make("li", list));
      button.type = "button";
      button.dataset.index = index;
      button.tabIndex = index ? -1 : 0;
      const label = make("span", button, word);
      label.className = "word";
      label.dir = "auto";
      make("span", button).className = "share";
    });
  }
  showLooks();
}

function showLooks() {
  const chosen = state.pinned || state.pointed;
  const weights = chosen && looksOf(current().weights[state.layer][state.head], chosen);
  for (const side of ["queries", "keys"]) {
    byId(side).querySelectorAll("button").forEach((button, index) => {
      const opposite = chosen && chosen.side !== side;
      const weight = opposite ? weights[index] : 0;
      button.style.setProperty("--weight", weight);
      button.classList.toggle("chosen", Boolean(chosen) && !opposite && chosen.index === index);
      button.lastChild.textContent = opposite && weight >= 0.005 ? percent(weight) : "";
    });
  }
  byId("summary").textContent = chosen ? summary(chosen, weights) : "";
  drawLines(chosen);
}

function summary(chosen, weights) {
  const opposite = current()[chosen.side === "queries" ? "keys" : "queries"];
  const most = strongest(weights, 4)
    .map(([index, weight]) => `${opposite[index]} ${percent(weight)}`);
  return text(chosen.side === "queries" ? "attendsTo" : "attendedBy", {
    word: current()[chosen.side][chosen.index],
    most: most.join(", ") || text("nothing"),
  });
}

function drawLines(chosen) {
  const picture = byId("lines");
  const width = picture.clientWidth;
  const top = picture.getBoundingClientRect().top;
  const middles = ["queries", "keys"].map((side) =>
    [...byId(side).querySelectorAll("button")].map((button) => {
      const box = button.getBoundingClientRect();
      return (box.top + box.bottom) / 2 - top;
    }));
  picture.querySelectorAll("svg > line").forEach((line) => line.remove());
  current().weights[state.layer][state.head].forEach((row, query) => row.forEach((weight, key) => {
    const index = chosen && { queries: query, keys: key }[chosen.side];
    if (weight < 0.01 || (chosen && index !== chosen.index)) return;
    const line = byId("line").cloneNode();
    const places = { x1: 2, y1: middles[0][query], x2: width - 2, y2: middles[1][key] };
    for (const [name, value] of Object.entries(places)) line.setAttribute(name, value);
    line.removeAttribute("id");
    line.style.strokeWidth = `${1 + 4 * weight}px`;
    line.style.strokeOpacity = chosen ? Math.sqrt(weight) : weight;
    picture.append(line);
  }));
}

function pointAt(side, event) {
  const button = event.target.closest && event.target.closest("button");
  state.pointed = button ? { side, index: Number(button.dataset.index) } : null;
  showLooks();
}

function pin(side, button) {
  const index = Number(button.dataset.index);
  const same = state.pinned && state.pinned.side === side && state.pinned.index === index;
  state.pinned = same ? null : { side, index };
  showLooks();
}

function moveInList(side, event) {
  const buttons = [...byId(side).querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  const other = byId(side === "queries" ? "keys" : "queries").querySelectorAll("button");
  const targets = { ArrowDown: buttons[here + 1], ArrowUp: buttons[here - 1] };
  targets[side === "queries" ? "ArrowRight" : "ArrowLeft"] = other[Math.min(here, other.length - 1)];
  if (!(event.key in targets)) return;
  event.preventDefault();
  if (targets[event.key]) targets[event.key].focus();
}

function listenToWords() {
  for (const side of ["queries", "keys"]) {
    const list = byId(side);
    list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") pointAt(side, event);
    });
    list.addEventListener("pointerleave", () => { state.pointed = null; showLooks(); });
    list.addEventListener("focusin", (event) => {
      if (event.target.matches(":focus-visible")) pointAt(side, event);
    });
    list.addEventListener("focusout", () => { state.pointed = null; showLooks(); });
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) pin(side, button);
    });
    list.addEventListener("keydown", (event) => moveInList(side, event));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { state.pinned = null; showLooks(); }
  });
}

function showAll() {
  state.pinned = state.pointed = null;
  showKinds();
  showHeads();
  showHead();
}

function start() {
  const select = byId("sentence");
  sentences.forEach((sentence) => make("option", select, sentence.title));
  byId("sentence-choice").hidden = sentences.length < 2;
  select.addEventListener("change", () => { state.sentence = select.selectedIndex; showAll(); });
  state.layer = current().weights.length - 1;
  radioGroup(byId("kinds"), () => 1, (index) => {
    state.kind = Object.keys(sentences[state.sentence].kinds)[index];
    showAll();
  });
  radioGroup(byId("heads"), () => current().weights[0].length, (index) => {
    const numHeads = current().weights[0].length;
    state.layer = Math.floor(index / numHeads);
    state.head = index % numHeads;
    markRadio(byId("heads"), index);
    showHead();
  });
  listenToWords();
  addEventListener("resize", () => drawLines(state.pinned || state.pointed));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showHeads);
  showAll();
}

translatePage();
start();
