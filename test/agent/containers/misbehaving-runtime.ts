import { rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";

export interface Listed {
  id: string;
  name: string;
  labels?: Record<string, string>;
}

/** Speaks Docker's API as far as the agent does, and misbehaves as no real engine does when it is told to. */
export class MisbehavingRuntime {
  containers: Listed[] = [];
  /** Takes questions and answers none, until `letGo`. */
  holding = false;
  /** Answers no list until `letGo`; what it then answers is of now. */
  listing = false;
  /** Answered in place of JSON. */
  garbage: string | undefined;
  readonly asked: string[] = [];
  readonly #socket: string;
  readonly #streams = new Set<ServerResponse>();
  readonly #held: (() => void)[] = [];
  #server: Server | undefined;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? "");
      this.asked.push(path);
      if (this.holding || (this.listing && path.startsWith("/containers")))
        this.#held.push(() => this.#answer(path, response));
      else this.#answer(path, response);
    });
    rmSync(this.#socket, { force: true });
    await new Promise<void>((resolve) => this.#server!.listen(this.#socket, resolve));
  }

  /** Answers all that was asked, and from now on. */
  letGo(): void {
    this.holding = false;
    this.listing = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  /** As when it is killed: nobody listens, every connection ends. */
  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve());
    rmSync(this.#socket, { force: true });
    this.#streams.clear();
  }

  /** Announces a change to whoever follows. */
  tell(action: string, { id, name, labels = {} }: Listed): void {
    const event = {
      Type: "container",
      Action: action,
      Actor: { ID: id, Attributes: { ...labels, name, image: "shop" } },
    };
    for (const stream of this.#streams) stream.write(`${JSON.stringify(event)}\n`);
  }

  /** Something that is no event. */
  tellRaw(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  #answer(path: string, response: ServerResponse): void {
    if (path.startsWith("/events")) {
      response.writeHead(200).flushHeaders();
      this.#streams.add(response);
      return;
    }
    if (this.garbage !== undefined) {
      response.end(this.garbage);
      return;
    }
    const wanted = /"id":\["(\w+)"\]/.exec(path)?.[1];
    const listed = this.containers.filter(({ id }) => wanted === undefined || id === wanted);
    response.end(
      JSON.stringify(
        listed.map(({ id, name, labels = {} }) => ({ Id: id, Names: [`/${name}`], Image: "shop", Labels: labels })),
      ),
    );
  }
}
