import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** Where what ships with Reeve lies. */
export const SHIPPED_PACKS = join(here, "packs");
export const SHIPPED_REGO = join(here, "../rego");
export const SCHEMAS = join(SHIPPED_REGO, "schemas");
export const OWN_TOOLS = join(here, "../.reeve/bin");
