// The shop's front: a page with what there is, from shop-api.
import { createServer } from "node:http";

const API = process.env.SHOP_API ?? "http://shop-api:8081";

createServer((request, response) => {
  page()
    .then((text) => response.writeHead(200, { "content-type": "text/plain" }).end(text))
    .catch((error) =>
      response.writeHead(502, { "content-type": "text/plain" }).end(`The shop is closed: ${error.message}\n`),
    );
}).listen(8080);

async function page() {
  const stock = await (await fetch(`${API}/stock`, { signal: AbortSignal.timeout(2000) })).json();
  const lines = Object.entries(stock).map(([thing, count]) => `${thing}: ${count}`);
  return `Welcome to the shop.\n${lines.join("\n")}\n`;
}

process.once("SIGTERM", () => process.exit(0));
