import { statSync } from "node:fs";
import { CAPABILITIES } from "../../events/names.ts";
import { NAMESPACES, OPERAND, PROPERTY } from "../operands.ts";
import { type FieldOperand, mask, namespaceOperand, number, text } from "./define.ts";

const U32 = 0xffff_ffff;
const CAPABILITY_BITS = Object.fromEntries(CAPABILITIES.map((name, bit) => [name, 1n << BigInt(bit)]));

function bit(value: number): FieldOperand {
  return { type: "bit", operand: OPERAND.properties, mask: BigInt(value) };
}

/** The host's namespaces are those of its PID 1; where a machine hides that one, the agent's own. */
function hostNamespace(name: string): number | undefined {
  for (const process of ["1", "self"])
    try {
      return statSync(`/proc/${process}/ns/${name}`).ino;
    } catch {
      // not this one
    }
  return undefined;
}

const namespaces = Object.fromEntries(
  NAMESPACES.map((name): [string, FieldOperand] => [
    `process.ns.${name}`,
    {
      type: "number",
      operand: namespaceOperand(name),
      most: U32,
      named: (value) => (value === "host" ? hostNamespace(name) : undefined),
      names: `"host"`,
    },
  ]),
);

/** Fields of the process, at every hook. */
export const PROCESS_FIELDS: Readonly<Record<string, FieldOperand>> = {
  "process.binary": text(OPERAND.binary),
  "parent.binary": text(OPERAND.parent),
  "ancestors.binary": { type: "ancestors", operand: OPERAND.lineage },
  "process.uid": number(OPERAND.uid, U32),
  "process.gid": number(OPERAND.gid, U32),
  "process.auid": number(OPERAND.auid, U32),
  "process.cap.effective": mask(OPERAND.capEffective, CAPABILITY_BITS),
  "process.cap.permitted": mask(OPERAND.capPermitted, CAPABILITY_BITS),
  "process.set_id": bit(PROPERTY.setId),
  "process.memfd": bit(PROPERTY.memfd),
  "process.upper_layer": bit(PROPERTY.upper),
  "process.in_container": bit(PROPERTY.container),
  ...namespaces,
};
