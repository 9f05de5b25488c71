// The Vercel AI SDK: `ai` over @ai-sdk/openai-compatible (chat) and @ai-sdk/openai (Responses).
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { extractReasoningMiddleware, generateText, isStepCount, Output, streamText, tool, wrapLanguageModel } from "ai";
import { z } from "zod";

const Place = z.object({ city: z.string(), population: z.number().int() });

const compatible = ({ url, key, model }) =>
  createOpenAICompatible({
    name: "grok",
    baseURL: url,
    apiKey: key,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(model);
const withResponses = ({ url, key, model }) => createOpenAI({ baseURL: url, apiKey: key }).responses(model);

const common = (ask, model) => ({ model, prompt: ask.prompt, maxRetries: 0, ...ask.options });
const weather = (ask) => ({
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async () => ask.result,
  }),
});

const ofUsage = (usage) => ({ input: usage.inputTokens, output: usage.outputTokens, total: usage.totalTokens });
const ofCalls = (steps) =>
  steps.flatMap((step) => step.toolCalls.map((call) => ({ name: call.toolName, arguments: call.input })));

async function ofResult(result) {
  const steps = await result.steps;
  return {
    text: await result.text,
    reasoning: (await result.reasoningText) ?? null,
    finish: steps.map((step) => step.finishReason),
    calls: ofCalls(steps),
    usage: ofUsage(await result.usage),
  };
}

async function whole(ask, model, more = {}) {
  const seen = await ofResult(await generateText({ ...common(ask, model), ...more }));
  return { ...seen, finish: seen.finish.at(-1), all_finishes: seen.finish };
}

// An error in a stream is handed to onError and ends the text; here it is thrown, as `consumeStream` would not do.
async function streamed(ask, model, more = {}) {
  let failure;
  const result = streamText({ ...common(ask, model), ...more, onError: ({ error }) => (failure ??= error) });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  if (failure) throw failure;
  return { ...(await ofResult(result)), pieces: pieces.length, output: more.output && (await result.output) };
}

export const chat = (ask) => whole(ask, compatible(ask));
export const stream = (ask) => streamed(ask, compatible(ask));

const loop = (ask) => ({ tools: weather(ask), stopWhen: isStepCount(3) });

const rounds = (seen) => ({ ...seen, finish: seen.all_finishes ?? seen.finish });

export const tools = async (ask) => rounds(await whole(ask, compatible(ask), loop(ask)));
export const stream_tools = async (ask) => rounds(await streamed(ask, compatible(ask), loop(ask)));

async function structuredWith(ask, model) {
  const result = await generateText({ ...common(ask, model), output: Output.object({ schema: Place }) });
  return { ...(await ofResult(result)), value: result.output };
}

export const structured = (ask) => structuredWith(ask, compatible(ask));

export async function stream_structured(ask) {
  const seen = await streamed(ask, compatible(ask), { output: Output.object({ schema: Place }) });
  return { ...seen, value: seen.output };
}

// Without a schema the SDK asks for a `json_object`.
export async function json_object(ask) {
  const result = await generateText({ ...common(ask, compatible(ask)), output: Output.json() });
  return { ...(await ofResult(result)), value: result.output };
}

export async function structured_by_tool(ask) {
  const place = tool({ description: "Gives the answer.", inputSchema: Place });
  const more = { tools: { Place: place }, toolChoice: "required" };
  const seen = await whole(ask, compatible(ask), more);
  return { ...seen, value: seen.calls[0].arguments };
}

// Thinking that comes as <think> in the text, as the SDK's own middleware takes it apart.
const unthought = (ask) =>
  wrapLanguageModel({ model: compatible(ask), middleware: extractReasoningMiddleware({ tagName: "think" }) });

export const chat_with_think_tags = (ask) => whole(ask, unthought(ask));
export const stream_with_think_tags = (ask) => streamed(ask, unthought(ask));

export const responses = (ask) => whole(ask, withResponses(ask));
export const responses_stream = (ask) => streamed(ask, withResponses(ask));
export const responses_tools = async (ask) => rounds(await whole(ask, withResponses(ask), loop(ask)));
export const responses_stream_tools = async (ask) => rounds(await streamed(ask, withResponses(ask), loop(ask)));
export const responses_structured = (ask) => structuredWith(ask, withResponses(ask));
