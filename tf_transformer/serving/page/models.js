// The chosen model and its properties.

import { byId, make } from "./element.js";
import { language, text as say } from "./texts.js";

let known = []; // [{name, versions: ["2", "1"], signatures}] that can be asked
let chosen = null; // {name, version: "" for the newest, signatures}

export const chosenModel = () => chosen;

export function languageName(code) {
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(code);
  } catch {
    return code; // no code of a language
  }
}

function fill(select, options) {
  select.replaceChildren();
  for (const [value, text] of options) make("option", select, text).value = value;
  select.parentElement.hidden = options.length < 2;
}

const newest = (name) => known.find((model) => model.name === name)?.versions[0];

function choose(name, version) {
  const model = known.find((one) => one.name === name);
  chosen = model ? { name, version, signatures: model.signatures } : null;
}

function showVersions(name) {
  const versions = known.find((one) => one.name === name)?.versions ?? [];
  const newest = versions.length > 1 ? [["", say("newest", { version: versions[0] })]] : [];
  fill(byId("version"), [...newest, ...versions.map((version) => [version, version])]);
}

// Reads the answer of GET /v1/models; returns whether another model or version is chosen
// now. The choice is kept while the model exists; otherwise the first model is chosen.
export function showModels(models) {
  const listed = models.map(({ name, versions, signatures }) => ({
    name,
    signatures,
    versions: versions
      .filter(({ state }) => state === "AVAILABLE")
      .map(({ version }) => String(version))
      .sort((a, b) => Number(b) - Number(a)),
  })).filter(({ versions }) => versions.length);
  if (JSON.stringify(listed) === JSON.stringify(known)) return false;
  const { name, version } = chosen ?? {};
  const before = newest(name);
  known = listed;
  const stays = known.some((model) =>
    model.name === name && (!version || model.versions.includes(version)));
  const kept = stays ? { name, version } : { name: known[0]?.name, version: "" };
  fill(byId("model"), known.map((model) => [model.name, model.name]));
  showVersions(kept.name);
  byId("model").value = kept.name ?? "";
  byId("version").value = kept.version;
  choose(kept.name, kept.version);
  return !stays || (!version && newest(name) !== before);
}

export function listenToModels(changed) {
  byId("model").addEventListener("change", () => {
    showVersions(byId("model").value);
    choose(byId("model").value, "");
    changed();
  });
  byId("version").addEventListener("change", () => {
    choose(byId("model").value, byId("version").value);
    changed();
  });
}

// `info` is the output of the model's signature `info`, or {}.
export function showFacts(model, info) {
  const { search = {}, scores } = info;
  const facts = {
    [say("model")]: model.name,
    [say("version")]: model.version || newest(model.name),
    [say("weights")]: info.parameters?.toLocaleString(language),
    [say("longest")]: info.max_length && say("longestTokens", { count: info.max_length }),
    [say("search")]: search.beam_size
      && say("beam", { size: search.beam_size, alpha: search.alpha }),
    [say("madeBy")]: info.tf_transformer
      && `tf_transformer ${info.tf_transformer}, TensorFlow ${info.tensorflow}`,
  };
  for (const [name, of] of Object.entries(scores ?? {})) {
    if (of?.bleu !== undefined) facts[`BLEU (${name})`] = `${of.bleu}, chrF ${of.chrf}`;
  }
  byId("facts").replaceChildren();
  for (const [name, fact] of Object.entries(facts)) {
    if (!fact) continue;
    make("dt", byId("facts"), name);
    make("dd", byId("facts"), String(fact));
  }
  byId("about").hidden = false;
}
