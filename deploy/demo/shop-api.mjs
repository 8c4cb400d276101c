// What the shop has.
import { createServer } from "node:http";

const stock = { apples: 12, pears: 7, quinces: 3 };

createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(stock));
}).listen(8081);

process.once("SIGTERM", () => process.exit(0));
