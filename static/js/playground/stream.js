// A chat completion as it arrives: server-sent events to pieces of text and thinking.

import { ApiError, csrf, toLogin } from "../api.js";
import { wordsOf } from "../reasons.js";
import { t } from "../t.js";

/** `rate_limit_exceeded` is of one account, when Grok says it, or of all of them: the message tells. */
function refusal(status, envelope) {
  const { code, message = t("error.unexpected") } = envelope?.error ?? {};
  const ofOne = code === "rate_limit_exceeded" ? wordsOf(message) : null;
  if (ofOne) return new ApiError("rate_limited", ofOne, { status });
  return new ApiError(`api.${code ?? status}`, message, { status });
}

/** Yields `{text}` and `{thinking}`. Throws ApiError, AbortError. */
export async function* complete(body, signal) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    signal,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
    body: JSON.stringify(body),
  });
  if (response.status === 401) {
    toLogin();
    await new Promise(() => {});
  }
  if (!response.ok) throw refusal(response.status, await response.json().catch(() => null));
  if (!body.stream) {
    yield* pieces((await response.json()).choices[0].message);
    return;
  }
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw refusal(0, chunk);
    if (chunk.choices[0]) yield* pieces(chunk.choices[0].delta);
  }
  throw new ApiError("broke_off", t("error.broke_off"));
}

function* pieces(message) {
  if (message.reasoning_content) yield { thinking: message.reasoning_content };
  if (message.content) yield { text: message.content };
}

/** The data of each event of a stream. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const found = (rest + value).split("\n\n");
      rest = found.pop();
      for (const event of found) if (event.startsWith("data: ")) yield event.slice(6);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
