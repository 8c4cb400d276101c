import { readFileSync } from "node:fs";
import type { BundleServer } from "../../bus/config/settings.ts";

/** What is sent to a server, and what it is called where something is wrong with it. */
export interface Credentials {
  header: string;
  name: string;
}

/**
 * The credentials for a URL: of the configured servers that it lies on the one that says most of it. They are read anew each
 * time, so that a file may be replaced while this runs. Null: none are set for it.
 * @throws Error that names the setting, never the secret
 */
export function credentialsFor(
  url: string,
  servers: Readonly<Record<string, BundleServer>>,
  env: NodeJS.ProcessEnv = process.env,
): Credentials | null {
  const [found] = Object.entries(servers)
    .filter(([, { url: base }]) => liesOn(url, base))
    .sort(([, a], [, b]) => b.url.length - a.url.length);
  if (found === undefined) return null;
  const [id, server] = found;
  const setting = `rules.bundle_servers.${id}`;
  if (server.user !== "") {
    const password = secretOf(setting, "password", server.password_file, server.password_env, env);
    const header = `Basic ${Buffer.from(`${server.user}:${password}`).toString("base64")}`;
    return { header, name: `user ${server.user} of ${setting}` };
  }
  const token = secretOf(setting, "token", server.token_file, server.token_env, env);
  return { header: `Bearer ${token}`, name: `the token of ${setting}` };
}

/** On the same host and port, and below its path. */
function liesOn(url: string, base: string): boolean {
  const [wanted, server] = [new URL(url), new URL(base)];
  const path = server.pathname.endsWith("/") ? server.pathname : `${server.pathname}/`;
  return wanted.origin === server.origin && (wanted.pathname === server.pathname || wanted.pathname.startsWith(path));
}

function secretOf(setting: string, what: string, file: string, variable: string, env: NodeJS.ProcessEnv): string {
  const [key, from] = file === "" ? [`${what}_env`, `variable ${variable}`] : [`${what}_file`, file];
  const text = file === "" ? env[variable] : readSecret(`${setting}.${key}`, file);
  const secret = text?.trim() ?? "";
  if (secret === "") throw new Error(`${setting}.${key}: ${from} is ${text === undefined ? "not set" : "empty"}`);
  // oxlint-disable-next-line no-control-regex -- what a header cannot hold
  if (/[\u0000-\u001f\u007f-\uffff]/.test(secret))
    throw new Error(`${setting}.${key}: ${from} has characters that no header can have (allowed: printable ASCII)`);
  return secret;
}

function readSecret(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "error";
    throw new Error(
      `${setting}: ${file} cannot be read: ${code} (allowed: a file that uid ${process.getuid?.()} may read)`,
      {
        cause,
      },
    );
  }
}
