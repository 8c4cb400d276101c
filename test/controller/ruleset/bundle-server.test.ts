import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pino } from "pino";
import type { BundleServer } from "../../../bus/config/settings.ts";
import { BundleSource } from "../../../controller/ruleset/bundles.ts";
import { credentialsFor } from "../../../controller/ruleset/bundle-server.ts";

// Bundles behind a real HTTP server that asks who wants them.

const NONE: BundleServer = { url: "", token_file: "", token_env: "", user: "", password_file: "", password_env: "" };

let dir: string;
let servers: Server[];
let log: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-bundles-"));
  servers = [];
  log = "";
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
  rmSync(dir, { recursive: true });
});

async function serve(answer: (request: IncomingMessage) => { status: number; location?: string }): Promise<string> {
  const server = createServer((request, response) => {
    const { status, location } = answer(request);
    response.writeHead(status, location === undefined ? {} : { location }).end(status === 200 ? "bundle" : "no");
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What came of looking for a bundle once: its bytes, or why not. */
async function look(url: string, configured: Record<string, BundleServer>): Promise<string> {
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log += chunk.toString();
      done();
    },
  });
  const source = new BundleSource({
    ...{ urls: [url], servers: configured, every: 1000, cache: dir, log: pino(sink) as never, onChange: () => {} },
  });
  await source.first(new AbortController().signal);
  const [file] = source.files;
  return source.problem(file!)?.message ?? readFileSync(file!, "utf8");
}

function secret(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

test("a bearer token from a file, read anew each time", async () => {
  const url = await serve(({ headers }) => ({ status: headers.authorization === "Bearer t0ken-2" ? 200 : 401 }));
  const corp = { ...NONE, url, token_file: secret("token", "t0ken-1\n") };
  expect(await look(`${url}/b.tar.gz`, { corp })).toBe(
    "could not be had yet: the server answers 401 Unauthorized to the token of rules.bundle_servers.corp",
  );
  secret("token", "t0ken-2\n");
  expect(await look(`${url}/b.tar.gz`, { corp })).toBe("bundle");
  expect(log).toContain("401");
  expect(log).not.toContain("t0ken");
});

test("a token from the environment, and a user with a password", async () => {
  const basic = `Basic ${Buffer.from("me:pass word").toString("base64")}`;
  const url = await serve(({ url: path, headers }) => ({
    status: headers.authorization === (path?.startsWith("/basic/") ? basic : "Bearer from-env") ? 200 : 403,
  }));
  process.env["TEST_BUNDLE_TOKEN"] = "from-env";
  try {
    const configured = {
      all: { ...NONE, url, token_env: "TEST_BUNDLE_TOKEN" },
      some: { ...NONE, url: `${url}/basic`, user: "me", password_file: secret("password", "pass word\n") },
    };
    expect(await look(`${url}/b.tar.gz`, configured)).toBe("bundle");
    expect(await look(`${url}/basic/b.tar.gz`, configured)).toBe("bundle");
    secret("password", "wrong");
    expect(await look(`${url}/basic/c.tar.gz`, configured)).toMatch(
      /403 Forbidden to user me of rules\.bundle_servers\.some$/,
    );
    expect(log).not.toMatch(/from-env|wrong|pass word/);
  } finally {
    delete process.env["TEST_BUNDLE_TOKEN"];
  }
});

test("without credentials the setting is named; credentials of one server go to no other", async () => {
  const asked: (string | undefined)[] = [];
  const other = await serve(({ headers }) => {
    asked.push(headers.authorization);
    return { status: 200 };
  });
  const url = await serve(({ url: path, headers }) => {
    asked.push(headers.authorization);
    return path === "/moved" ? { status: 302, location: `${other}/b.tar.gz` } : { status: 401 };
  });
  expect(await look(`${url}/b.tar.gz`, {})).toMatch(
    /401 Unauthorized; no credentials are set for it \(rules\.bundle_servers\)$/,
  );
  const corp = { ...NONE, url, token_file: secret("token", "t") };
  expect(await look(`${other}/b.tar.gz`, { corp })).toBe("bundle");
  expect(asked).toEqual([undefined, undefined]);
  expect(await look(`${url}/moved`, { corp })).toBe("bundle");
  expect(asked.slice(2)).toEqual(["Bearer t", undefined]);
});

test.each<[string, Partial<BundleServer>, RegExp]>([
  [
    "a file that is not there",
    { token_file: "/no/such" },
    /bundle_servers\.corp\.token_file: \/no\/such cannot be read: ENOENT/,
  ],
  ["an empty file", { token_file: "EMPTY" }, /token_file: .* is empty$/],
  ["a variable that is not set", { token_env: "TEST_NO_SUCH" }, /token_env: variable TEST_NO_SUCH is not set$/],
  ["lines", { token_file: "LINES" }, /token_file: .* has characters that no header can have/],
])("%s is an error that names the setting", (_name, part, message) => {
  const files: Record<string, string> = { EMPTY: "\n", LINES: "a\nb" };
  const file = part.token_file ?? "";
  const server = { ...NONE, url: "http://h/", ...part, token_file: file in files ? secret("t", files[file]!) : file };
  expect(() => credentialsFor("http://h/b.tar.gz", { corp: server })).toThrow(message);
});

test("a server is meant by host, port and whole parts of its path", () => {
  const servers = { a: { ...NONE, url: "https://h/one", token_env: "T" } };
  const of = (url: string) => credentialsFor(url, servers, { T: "t" })?.header;
  expect(
    ["https://h/one", "https://h/one/x", "https://h/onetwo", "https://h:1/one/x", "http://h/one/x"].map(of),
  ).toEqual([...["Bearer t", "Bearer t"], ...[undefined, undefined, undefined]]);
});
