// Runs one client's cases, as runner.py does: `node runner.mjs` beside the client's client.mjs and its node_modules.
import { createInterface } from "node:readline";

import * as client from "./client.mjs";

let heard = [];
const complain = (...words) => heard.push(words.map(String).join(" "));
console.warn = console.error = complain;
console.log = console.info = console.debug = (...words) => process.stderr.write(`${words.map(String).join(" ")}\n`);
process.on("warning", complain);
process.on("unhandledRejection", (error) => complain("unhandled rejection:", error?.stack ?? error));

function classesOf(error) {
  const names = [];
  for (let kind = error; kind && kind !== Object.prototype; kind = Object.getPrototypeOf(kind)) {
    const name = Object.hasOwn(kind, "constructor") ? kind.constructor.name : undefined;
    if (name) names.push(name);
  }
  return names;
}

function describe(error) {
  return {
    classes: classesOf(error),
    status: error?.status ?? error?.statusCode ?? null,
    code: error?.code ?? null,
    message: String(error?.message ?? error),
    traceback: String(error?.stack ?? error),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { case: name, ...asked } = JSON.parse(line);
  heard = [];
  let seen;
  try {
    seen = await client[name](asked);
  } catch (error) {
    seen = { error: describe(error) };
  }
  process.stdout.write(`${JSON.stringify({ ...seen, warnings: heard })}\n`);
}
