// The same request for a terminal and for a program.

const SHORTENED = 60;

/** Pictures are shortened: their data would be all that one sees. */
const short = (body) =>
  JSON.stringify(
    body,
    (_, value) =>
      typeof value === "string" && value.startsWith("data:") && value.length > SHORTENED
        ? `${value.slice(0, 40)}…`
        : value,
    2,
  );

export function curl(base, key, body) {
  const quoted = short(body).replaceAll("'", "'\\''");
  const lines = [
    `curl ${body.stream ? "-N " : ""}${base}/chat/completions`,
    "-H 'Content-Type: application/json'",
  ];
  if (key) lines.push(`-H "Authorization: Bearer $GROK2API_KEY"`);
  return `${lines.join(" \\\n  ")} \\\n  -d '${quoted}'`;
}

const pythonValue = (value, indent) => {
  const inner = `${indent}    `;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value))
    return `[\n${value.map((one) => `${inner}${pythonValue(one, inner)},\n`).join("")}${indent}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([name, one]) => `"${name}": ${pythonValue(one, inner)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
};

export function python(base, key, body) {
  const shown = JSON.parse(short(body));
  const given = Object.entries(shown)
    .map(([name, value]) => `    ${name}=${pythonValue(value, "    ")},`)
    .join("\n");
  const head = `${key ? "import os\n\n" : ""}from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key=${key ? 'os.environ["GROK2API_KEY"]' : '"none"'})\n`;
  if (!body.stream)
    return `${head}answer = client.chat.completions.create(\n${given}\n)\nprint(answer.choices[0].message.content)`;
  return `${head}stream = client.chat.completions.create(\n${given}\n)\nfor chunk in stream:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)`;
}
