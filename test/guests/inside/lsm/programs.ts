import { buildProgram } from "../../../programs/build.ts";

export const OPENS = buildProgram("opens");
export const OPENS_STATIC = buildProgram("opens", { static: true });
export const CONNECTS = buildProgram("connects");
export const DENIED_OPENS = buildProgram("denied-opens");
export const OPEN_LOAD = buildProgram("open-load");
