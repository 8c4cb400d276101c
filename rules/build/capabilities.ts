import { HOST_BUILTINS, SDK_BUILTINS } from "../eval/builtins/table.ts";

/**
 * Builtins that OPA 1.22 compiles into the wasm itself (internal/compiler/wasm/wasm.go). A later OPA that moves one out of
 * it is caught after the build, where the wasm is asked what it calls.
 */
const NATIVE =
  `plus minus mul div abs round ceil floor rem array.concat array.flatten array.reverse array.slice set_diff and or
  intersection union is_number is_string is_boolean is_array is_set is_object is_null type_name bits.or bits.and
  bits.negate bits.xor bits.lsh bits.rsh count sum product max min sort all any base64.is_valid base64.decode base64.encode
  base64url.encode base64url.decode net.cidr_contains net.cidr_overlap net.cidr_intersects equal gt gte lt lte neq
  glob.match json.marshal json.unmarshal json.is_valid object.filter object.get object.keys object.remove object.union
  object.union_n concat format_int indexof substring lower upper contains startswith endswith strings.reverse split replace
  strings.replace_n trim trim_left trim_prefix trim_right trim_space trim_suffix internal.template_string numbers.range
  to_number walk graph.reachable regex.is_valid regex.match re_match regex.find_all_string_submatch_n json.remove
  json.filter internal.member_2 internal.member_3`.split(/\s+/);

/** Those that the compiler itself resolves, or that `opa build` takes out. */
const COMPILED_AWAY = ["eq", "assign", "internal.print", "print", "rego.metadata.chain", "rego.metadata.rule"];

/** Every builtin that a rule may use in the engine. */
export const ENGINE_BUILTINS: ReadonlySet<string> = new Set([
  ...NATIVE,
  ...COMPILED_AWAY,
  ...SDK_BUILTINS,
  ...Object.keys(HOST_BUILTINS),
]);

interface Capabilities {
  builtins: { name: string }[];
  [key: string]: unknown;
}

/** OPA's capabilities without what the engine lacks, as `opa build --capabilities` takes it. */
export function engineCapabilities(current: string): { text: string; lacking: Set<string> } {
  const capabilities = JSON.parse(current) as Capabilities;
  const lacking = new Set<string>();
  const builtins = capabilities.builtins.filter(({ name }) => {
    if (ENGINE_BUILTINS.has(name)) return true;
    lacking.add(name);
    return false;
  });
  // Without an ABI that it can make, opa refuses the target; 1.3 is what the SDK evaluates.
  const abi = capabilities["wasm_abi_versions"] ?? [{ version: 1, minor_version: 3 }];
  return { text: JSON.stringify({ ...capabilities, builtins, wasm_abi_versions: abi }), lacking };
}
