// The same request for a terminal and for a program.

const PICTURE = /(data:image\/\w+;base64,.{16})[\w+/=]{16,}/g;
/** The system takes no argument as long as a picture. */
const ARGUMENT_MAX_BYTES = 100000;

/** A body with its pictures shortened: their data would be all that one sees. */
export const shortened = (body) =>
  JSON.parse(
    JSON.stringify(body, (_, value) => (typeof value === "string" ? value.replace(PICTURE, "$1…") : value)),
  );

export function curl(base, key, body) {
  const text = JSON.stringify(body, null, 2);
  const lines = [
    `curl ${body.stream ? "-N " : ""}${base}/chat/completions`,
    "-H 'Content-Type: application/json'",
  ];
  if (key) lines.push(`-H "Authorization: Bearer $GROK2API_KEY"`);
  const start = lines.join(" \\\n  ");
  if (text.includes("data:image/") || new TextEncoder().encode(text).length > ARGUMENT_MAX_BYTES) return `${start} \\\n  -d @- <<'END'\n${text}\nEND`;
  return `${start} \\\n  -d '${text.replaceAll("'", "'\\''")}'`;
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
  const given = Object.entries(body)
    .map(([name, value]) => `    ${name}=${pythonValue(value, "    ")},`)
    .join("\n");
  const head = `${key ? "import os\n\n" : ""}from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key=${key ? 'os.environ["GROK2API_KEY"]' : '"none"'})\n`;
  if (!body.stream)
    return `${head}answer = client.chat.completions.create(\n${given}\n)\nprint(answer.choices[0].message.content)`;
  return `${head}stream = client.chat.completions.create(\n${given}\n)\nfor chunk in stream:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)`;
}
