import type { ModuleLoadEvent } from "../../../bus/generated/events.ts";
import { fileJson } from "../../events/file-json.ts";
import { quote, quoteOrNull } from "../../events/json.ts";
import { MODULE_CALL, MODULE_CALL_NAMES, type ModuleLoadRecord } from "../../generated/records.ts";
import { named, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { integer, list, object, oneOf, string } from "../wire.ts";
import { bitNames, decidedCalls, RESULT, withError } from "./shared/calls.ts";
import { FILE } from "./shared/examples.ts";

/** linux/module.h. */
const FLAGS = { MODULE_INIT_IGNORE_MODVERSIONS: 1, MODULE_INIT_IGNORE_VERMAGIC: 2, MODULE_INIT_COMPRESSED_FILE: 4 };

const RUNGS = decidedCalls({
  deciders: ["module_load_file", "module_load_data"],
  tellers: ["module_load_name", "module_load_sys_exit"],
  deny: "denies with EPERM before anything of the module is read; observes all calls",
  see: "observes all calls and what became of them",
});

export default defineKind<ModuleLoadRecord, ModuleLoadEvent>({
  kind: "module_load",
  doc: "A process asked the kernel to load a module.",
  fields: {
    call: { type: oneOf(...Object.values(MODULE_CALL_NAMES)), from: "call" },
    name: {
      ...{ type: string, nullable: true, from: "name" },
      doc: "the module's name; null when the kernel did not take it",
    },
    arguments: { type: string, from: "arguments" },
    flags: { type: list(string), from: "flags" },
    size: { type: integer, from: "image_bytes" },
    file: { type: object("OpenedFile"), nullable: true, from: "path", doc: "the module's file; null at init_module" },
  },
  internal: { "file.": "as file_open.file" },
  result: RESULT,
  own: { "file.path": path(0), call: named(3, 2, MODULE_CALL) },
  rungs: [
    ...RUNGS,
    {
      ...{ name: "sys_exit", programs: ["module_load_sys_exit"], actions: ["kill", "signal", "post", "noPost"] },
      worth: "observes all calls and what became of them, without names: this kernel has no modules",
    },
  ],
  members: (record) =>
    `"call":"${MODULE_CALL_NAMES[record.call] ?? record.call}"` +
    `,"name":${quoteOrNull(record.name === "" ? null : record.name)},"arguments":${quote(record.arguments)}` +
    `,"flags":${JSON.stringify(bitNames(record.flags, FLAGS))},"size":${record.imageBytes}` +
    `,"file":${record.pathLen === 0 ? "null" : fileJson(record)}`,
  example: {
    ...{ call: "finit_module", name: "overlay", arguments: "", flags: [], size: 212992, result: 0 },
    file: { ...FILE, path: "/lib/modules/6.12.0/kernel/fs/overlayfs/overlay.ko" },
  },
  show: {
    ...{ emoji: "🔩", verb: "module" },
    detail: ({ name, file, call, result }) =>
      withError([name, file?.path ?? call].filter((word) => word !== null).join(" "), result),
  },
});
