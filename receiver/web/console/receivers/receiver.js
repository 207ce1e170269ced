// Receives completed orders: ORDER_SECRET='whsec_…' node receiver.js 8001 (Node.js 20, no packages).
"use strict";
const { createHmac, timingSafeEqual } = require("node:crypto");
const { createServer } = require("node:http");

const secret = process.env.ORDER_SECRET ?? "";
// After whsec_ the key of the signature is base64; any other secret is the key itself.
const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
if (key.length < 16) throw new Error("Set ORDER_SECRET to the whole secret that the sender shows.");

function isSame(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function isSigned(headers, body) {
  const { "webhook-id": id = "", "webhook-timestamp": time = "", "webhook-signature": sent = "" } = headers;
  if (!/^[0-9]{1,12}$/.test(time) || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const expected = "v1," + createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest("base64");
  // While a secret is replaced the old and the new one both sign, separated by a space; one match is enough.
  return sent.split(" ").some((signature) => isSame(expected, signature));
}

async function receive(request) {
  if (request.method !== "POST") return 405;
  const chunks = []; // the raw bytes, before anything parses them
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > 262144) return 413;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  // Or without a signature, for orders that carry the secret itself as a field, once they are read:
  // if (!isSame(secret, order.shared_secret ?? "")) return 401;
  if (!isSigned(request.headers, body)) return 401;
  const isJson = request.headers["content-type"]?.startsWith("application/json");
  const order = isJson ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body.toString()));
  if (!order.order_id) return 400;
  // Your code goes here. A webhook-id you've seen before is a copy: store the ids, do nothing, answer 200.
  // order.test is "true" (JSON: true) for a test with made-up data.
  console.log("order", order.order_id);
  return 200;
}

const server = createServer((request, response) => {
  receive(request).catch(() => 400).then((status) => response.writeHead(status).end());
});
server.listen(Number(process.argv[2]), "127.0.0.1");
