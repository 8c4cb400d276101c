import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { RuntimeError } from "./errors.ts";

const ANSWER_MAX = 64 * 1024 * 1024;
const LINE_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 4;

/**
 * Docker's API on a socket: what the agent asks of it are three GETs and a stream. Node's own client does that;
 * `dockerode`, which can do all the rest too (ssh, builds, attached terminals), was measured to cost the agent 25 MB of
 * memory and 66 packages.
 */
export class DockerClient {
  readonly socket: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });

  constructor(socket: string) {
    this.socket = socket;
  }

  /** The answer's JSON. @throws RuntimeError */
  async get(path: string, timeoutMs: number): Promise<unknown> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.#send(path, signal, this.#agent);
      return await readJson(response, path);
    } catch (cause) {
      if (signal.aborted) throw new RuntimeError("silent", `no answer to ${path} within ${timeoutMs} ms`, cause);
      throw this.#errorOf(cause, path);
    }
  }

  /**
   * Follows a stream of JSON lines until it ends or `signal` aborts. `opened` is called when the answer has begun, which
   * it must within `timeoutMs`. @throws RuntimeError
   */
  async follow(
    path: string,
    timeoutMs: number,
    signal: AbortSignal,
    on: { opened: () => void; line: (value: unknown) => void },
  ): Promise<void> {
    const opening = new AbortController();
    const late = setTimeout(() => opening.abort(), timeoutMs);
    try {
      // a connection of its own: it stays busy
      const response = await this.#send(path, AbortSignal.any([signal, opening.signal]), undefined);
      clearTimeout(late);
      on.opened();
      for await (const line of linesOf(response, path)) on.line(parse(line, path));
    } catch (cause) {
      if (signal.aborted) return;
      if (opening.signal.aborted)
        throw new RuntimeError("silent", `no answer to ${path} within ${timeoutMs} ms`, cause);
      throw this.#errorOf(cause, path);
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(path: string, signal: AbortSignal, agent: Agent | undefined): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { socketPath: this.socket, path, signal, agent: agent ?? false, headers: { host: "docker" } };
    const asked: ClientRequest = request(options, resolve);
    asked.on("error", reject);
    asked.end();
    const response = await promise;
    if (response.statusCode === 200) return response;
    response.resume();
    if (response.statusCode === 404) throw new RuntimeError("missing", `${path}: there is none`);
    throw new RuntimeError("answer", `${path}: status ${response.statusCode}`);
  }

  #errorOf(cause: unknown, path: string): RuntimeError {
    if (cause instanceof RuntimeError) return cause;
    return new RuntimeError("away", `${this.socket}: ${path}: ${(cause as Error).message}`, cause);
  }
}

async function readJson(response: IncomingMessage, path: string): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > ANSWER_MAX) throw new RuntimeError("answer", `${path}: more than ${ANSWER_MAX} bytes`);
    parts.push(part);
  }
  return parse(Buffer.concat(parts).toString(), path);
}

async function* linesOf(response: IncomingMessage, path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const part of response.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_MAX) throw new RuntimeError("answer", `${path}: a line of more than ${LINE_MAX} bytes`);
    for (const line of lines) if (line.trim() !== "") yield line;
  }
}

function parse(json: string, path: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new RuntimeError("answer", `${path}: not JSON`, cause);
  }
}
