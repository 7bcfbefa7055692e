// The service's endpoints and their errors.

import { text as say } from "./texts.js";

let token = "";

export function setToken(text) {
  token = text; // in memory only
}

export class ServiceError extends Error {
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status; // 0: no answer
    this.retryAfter = retryAfter; // seconds
  }
}

// JSON as TensorFlow Serving writes it: numbers may be NaN, Infinity and -Infinity.
export function parse(text) {
  const tokens = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;
  const numbers = { NaN: "null", Infinity: "1e999", "-Infinity": "-1e999" };
  return JSON.parse(text.replace(tokens, (match) => numbers[match] ?? match));
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response, text;
  try {
    response = await fetch(path, { ...options, headers });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(say("noAnswer"), 0);
  }
  let body;
  try {
    body = parse(text);
  } catch {
    body = { error: text.slice(0, 500) || say("status", { status: response.status }) };
    if (response.ok) throw new ServiceError(say("notJson", { message: body.error }), response.status);
  }
  if (!response.ok) {
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    const message = String(body?.error ?? say("status", { status: response.status }));
    throw new ServiceError(message, response.status, isNaN(seconds) ? null : seconds);
  }
  return body;
}

// [{name, versions: [{version, state}], signatures}]
export async function models() {
  return (await ask("v1/models")).models;
}

// The outputs of one signature. `model` is {name, version}; without version, the newest.
export async function predict(model, signature, inputs, signal) {
  const version = model.version ? `/versions/${model.version}` : "";
  const path = `v1/models/${encodeURIComponent(model.name)}${version}:predict`;
  const body = JSON.stringify({ signature_name: signature, inputs });
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body, signal })).outputs;
}

// The number of tokens and the limit, if the error says that a text is too long.
export function tooLong(error) {
  const match = /at most (\d+) tokens.*?Received:\D*(\d+)/s.exec(error.message);
  return match && { limit: Number(match[1]), received: Number(match[2]) };
}
