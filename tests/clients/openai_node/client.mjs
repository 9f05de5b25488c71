// The official `openai` package for Node: chat, its helpers for streams, tools and parsing, and Responses.
import OpenAI from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const Place = z.object({ city: z.string(), population: z.number().int() });
const City = z.object({ city: z.string() });
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const WEATHER_RESPONSES = { type: "function", strict: false, ...WEATHER.function };

const connect = ({ url, key }) => new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0, timeout: 30_000 });
const user = ({ prompt }) => [{ role: "user", content: prompt }];

const ofUsage = (usage) =>
  usage && { input: usage.prompt_tokens, output: usage.completion_tokens, total: usage.total_tokens };
const ofCalls = (calls) =>
  (calls ?? []).map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));

function ofCompletion(completion) {
  const { message, finish_reason: finish } = completion.choices[0];
  return {
    text: message.content,
    reasoning: message.reasoning_content,
    finish,
    calls: ofCalls(message.tool_calls),
    usage: ofUsage(completion.usage),
  };
}

export async function models(ask) {
  const found = [];
  for await (const model of connect(ask).models.list()) found.push(model.id);
  return { models: found };
}

export async function model(ask) {
  return { model: (await connect(ask).models.retrieve(ask.model)).id };
}

export async function chat(ask) {
  const body = { model: ask.model, messages: user(ask), ...ask.options };
  return ofCompletion(await connect(ask).chat.completions.create(body));
}

export async function stream(ask) {
  const body = { model: ask.model, messages: user(ask), stream_options: { include_usage: true }, ...ask.options };
  const seen = { text: "", reasoning: "", pieces: 0, finish: [], usage: null };
  for await (const chunk of await connect(ask).chat.completions.create({ ...body, stream: true })) {
    const choice = chunk.choices[0];
    if (choice?.delta.content) seen.pieces += 1;
    seen.text += choice?.delta.content ?? "";
    seen.reasoning += choice?.delta.reasoning_content ?? "";
    if (choice?.finish_reason) seen.finish.push(choice.finish_reason);
    seen.usage = ofUsage(chunk.usage);
  }
  return seen;
}

// The helper `chat.completions.stream`, which checks what it accumulates.
export async function stream_helper(ask) {
  const body = { model: ask.model, messages: user(ask), stream_options: { include_usage: true }, ...ask.options };
  const runner = connect(ask).chat.completions.stream(body);
  let pieces = 0;
  runner.on("content", () => (pieces += 1));
  return { ...ofCompletion(await runner.finalChatCompletion()), pieces };
}

export async function stream_tools(ask) {
  return stream_helper({ ...ask, options: { tools: [WEATHER] } });
}

export async function tools(ask) {
  const client = connect(ask);
  const messages = user(ask);
  const first = await client.chat.completions.create({ model: ask.model, messages, tools: [WEATHER] });
  const { message, finish_reason: finish } = first.choices[0];
  messages.push(message);
  for (const call of message.tool_calls) {
    messages.push({ role: "tool", tool_call_id: call.id, content: ask.result });
  }
  const second = await client.chat.completions.create({ model: ask.model, messages, tools: [WEATHER] });
  return {
    ...ofCompletion(second),
    calls: ofCalls(message.tool_calls),
    finish: [finish, second.choices[0].finish_reason],
    first_text: message.content,
  };
}

// The helper `runTools` makes both rounds by itself; streaming when asked.
export async function run_tools(ask) {
  const calls = [];
  const tool = zodFunction({
    name: "get_weather",
    parameters: City,
    function: (argument) => {
      calls.push({ name: "get_weather", arguments: argument });
      return ask.result;
    },
  });
  const body = { model: ask.model, messages: user(ask), tools: [tool], stream: ask.stream ?? false };
  const runner = connect(ask).chat.completions.runTools(body);
  return { text: await runner.finalContent(), calls };
}

export async function structured(ask) {
  const format = zodResponseFormat(Place, "place");
  const body = { model: ask.model, messages: user(ask), response_format: format, ...ask.options };
  const completion = await connect(ask).chat.completions.parse(body);
  return { ...ofCompletion(completion), value: completion.choices[0].message.parsed };
}

export async function stream_structured(ask) {
  const format = zodResponseFormat(Place, "place");
  const body = { model: ask.model, messages: user(ask), response_format: format };
  const completion = await connect(ask).chat.completions.stream(body).finalChatCompletion();
  return { ...ofCompletion(completion), value: completion.choices[0].message.parsed };
}

export async function structured_by_tool(ask) {
  const tool = zodFunction({ name: "Place", parameters: Place });
  const body = { model: ask.model, messages: user(ask), tools: [tool], tool_choice: "required" };
  const completion = await connect(ask).chat.completions.parse(body);
  const call = completion.choices[0].message.tool_calls[0];
  return { ...ofCompletion(completion), value: call.function.parsed_arguments };
}

export async function json_object(ask) {
  const seen = await chat({ ...ask, options: { response_format: { type: "json_object" } } });
  return { ...seen, value: JSON.parse(seen.text) };
}

function ofResponse(response) {
  const { input_tokens: input, output_tokens: output, total_tokens: total } = response.usage;
  return {
    text: response.output_text,
    status: response.status,
    calls: response.output
      .filter((item) => item.type === "function_call")
      .map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) })),
    usage: { input, output, total },
  };
}

export async function responses(ask) {
  return ofResponse(await connect(ask).responses.create({ model: ask.model, input: ask.prompt, ...ask.options }));
}

// The helper `responses.stream`, which checks what it accumulates.
export async function responses_stream(ask) {
  const kinds = [];
  let deltas = "";
  const events = connect(ask).responses.stream({ model: ask.model, input: ask.prompt, ...ask.options });
  for await (const event of events) {
    kinds.push(event.type);
    if (event.type === "response.output_text.delta") deltas += event.delta;
  }
  return { ...ofResponse(await events.finalResponse()), kinds, deltas };
}

export async function responses_tools(ask) {
  const client = connect(ask);
  const more = { model: ask.model, tools: [WEATHER_RESPONSES] };
  const first = await client.responses.create({ ...more, input: ask.prompt });
  const results = first.output
    .filter((item) => item.type === "function_call")
    .map((item) => ({ type: "function_call_output", call_id: item.call_id, output: ask.result }));
  const second = await client.responses.create({ ...more, input: results, previous_response_id: first.id });
  return { ...ofResponse(second), calls: ofResponse(first).calls };
}

export async function responses_structured(ask) {
  const text = { format: zodTextFormat(Place, "place") };
  const response = await connect(ask).responses.parse({ model: ask.model, input: ask.prompt, text });
  return { ...ofResponse(response), value: response.output_parsed };
}

export async function responses_stored(ask) {
  const client = connect(ask);
  const first = await client.responses.create({ model: ask.model, input: "My name is Ada. [[sim: plain tokens=1]]" });
  const second = await client.responses.create({
    model: ask.model,
    input: ask.prompt,
    previous_response_id: first.id,
  });
  const fetched = await client.responses.retrieve(second.id);
  await client.responses.delete(second.id);
  let gone = null;
  try {
    await client.responses.retrieve(second.id);
  } catch (error) {
    gone = error.constructor.name;
  }
  return {
    ...ofResponse(second),
    same: fetched.id === second.id && fetched.output_text === second.output_text,
    previous: second.previous_response_id === first.id,
    gone,
  };
}
