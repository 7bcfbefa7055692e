// The page: translates while the user types, and shows attention.

import {
  clearAttention, listenToAttention, markAttention, showAttention, showAttentionState,
} from "./attention.js";
import { byId } from "./element.js";
import { examplesOf, showExamples } from "./examples.js";
import { chosenModel, languageName, listenToModels, showFacts, showModels } from "./models.js";
import { text as say, translatePage } from "./texts.js";
import { ServiceError, models, predict, setToken, tooLong } from "./service.js";
import {
  clearTranslation, markNew, markOld, showNbest, showState, showTranslation, translationsIn,
} from "./translation.js";

const DELAY = 250; // milliseconds without a key before a text is sent
const SLOW = 400; // milliseconds until a message says that the answer is awaited
const POLL = { none: 2000, known: 30000 }; // milliseconds between two lists of models
const MOST_DRAWN = 400; // characters; attention grows with their square
const MOST_TRIES = 5;

let languages = ["", ""];
let timer = null;
let looking = null;
let running = new AbortController(); // of the newest text; older answers are dropped

const wait = (milliseconds, signal) => new Promise((resolve, reject) => {
  const stop = () => reject(new DOMException("newer text", "AbortError"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  setTimeout(resolve, milliseconds);
});

// Repeats a request while the service is busy and no newer text was typed.
async function patiently(signature, text, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await predict(chosenModel(), signature, { text: [text] }, signal);
    } catch (error) {
      if (error.status !== 503 || tries === MOST_TRIES) throw error;
      const seconds = Math.min(Math.max(error.retryAfter ?? 1, 0.5), 10);
      showState("busy", say("busy"));
      await wait(seconds * 1000, signal);
    }
  }
}

function has(signature) {
  return chosenModel().signatures.includes(signature);
}

function typed() {
  clearTimeout(timer);
  running.abort();
  markOld();
  markAttention(false);
  timer = setTimeout(() => update(), DELAY);
}

// `example` is set if the text is an example; it explains the attention.
async function update(example = {}) {
  clearTimeout(timer);
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const text = byId("text").value;
  if (!chosenModel()) return;
  if (!text.trim()) {
    clearTranslation();
    clearAttention(say("appearsAttention"));
    showState("empty", say("appears"));
    return;
  }
  markOld();
  markAttention(false);
  showState("loading");
  const slow = setTimeout(() => showState("loading", say("translating")), SLOW);
  try {
    await translate(text, signal);
    clearTimeout(slow);
    if (!signal.aborted) await attend(text, example, signal);
  } catch (error) {
    if (!signal.aborted && error.name !== "AbortError") fail(error);
  } finally {
    clearTimeout(slow);
  }
}

async function translate(text, signal) {
  const signature = has("nbest") ? "nbest" : "serving_default";
  const outputs = await patiently(signature, text, signal);
  if (signal.aborted) return;
  const found = translationsIn(outputs, signature);
  if (!found) throw new ServiceError(say("noTranslator"), 200);
  showTranslation(found.translation[0]);
  showNbest(found);
  markNew();
  showState("ready");
}

async function attend(text, example, signal) {
  if (!has("attend")) {
    clearAttention(say("noAttend"));
    return;
  }
  if (text.length > MOST_DRAWN && byId("attention-anyway").dataset.text !== text) {
    clearAttention();
    showAttentionState(say("notDrawn", { most: MOST_DRAWN }), true);
    byId("attention-anyway").onclick = () => {
      byId("attention-anyway").dataset.text = text;
      update();
    };
    return;
  }
  try {
    const outputs = await patiently("attend", text, signal);
    if (signal.aborted) return;
    showAttention(outputs, languages, example);
    showState("ready");
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) throw error;
    clearAttention(say("cannotDraw", { message: error.message }));
    showState("ready");
  }
}

function fail(error) {
  if (error.status === 401) {
    askForToken();
    return;
  }
  if (!(error instanceof ServiceError)) console.error(error);
  clearTranslation();
  clearAttention();
  const sizes = tooLong(error);
  showState("error", sizes ? say("tooLong", sizes) : error.message);
}

function askForToken() {
  clearTranslation();
  clearAttention();
  showState("error", say("needsToken"));
  byId("token-form").hidden = false;
  byId("token").focus();
}

// Shows languages, examples and figures of the chosen model.
async function showModel() {
  running.abort();
  const model = chosenModel();
  let info = {};
  if (has("info")) {
    try {
      info = JSON.parse(await predict(model, "info", {}));
    } catch (error) {
      if (error.status === 401) throw error;
    }
  }
  if (model !== chosenModel()) return; // another was chosen meanwhile
  const known = Array.isArray(info.languages) ? info.languages.map(String) : null;
  languages = known ?? ["", ""];
  byId("text").lang = languages[0];
  byId("translation").lang = byId("nbest").lang = languages[1];
  byId("text-label").textContent = known ? languageName(languages[0]) : say("text");
  byId("translation-label").textContent = known ? languageName(languages[1]) : say("translation");
  const title = known ? languages.map(languageName).join(" \u2192 ") : model.name;
  byId("title").textContent = title;
  document.title = `${title} \u00b7 ${model.name}`;
  showExamples(examplesOf(info), languages[0], (example) => {
    byId("text").value = example.text;
    update(example);
  });
  showFacts(model, info);
  await update();
}

// Checks for models, repeatedly, because they may change while the page is open.
async function look() {
  clearTimeout(looking);
  try {
    const isOther = showModels(await models());
    byId("token-form").hidden = true;
    if (isOther && chosenModel()) await showModel();
    if (!chosenModel()) showState("busy", say("noModel"));
  } catch (error) {
    if (error.status === 401 || !chosenModel()) fail(error);
    if (error.status === 401) return; // until there is a token
  }
  looking = setTimeout(look, chosenModel() ? POLL.known : POLL.none);
}

function listen() {
  byId("text").addEventListener("input", typed);
  listenToModels(() => showModel().catch(fail));
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(byId("token").value);
    byId("token").value = "";
    look().then(() => update());
  });
  listenToAttention();
}

translatePage();
listen();
showState("loading", say("looking"));
look();
