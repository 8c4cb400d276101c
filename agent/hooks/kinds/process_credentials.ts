import type { ProcessCredentialsEvent } from "../../../bus/generated/events.ts";
import { CAPABILITIES, capabilityNames } from "../../events/names.ts";
import { CREDENTIALS_CALL, CREDENTIALS_CALL_NAMES, type ProcessCredentialsRecord } from "../../generated/records.ts";
import { flags, named, ownNumber } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { integer, list, object, oneOf, string } from "../wire.ts";
import { decidedCalls, RESULT, withError } from "./shared/calls.ts";

const NO_ID = 0xffff_ffff;
const LOW = Object.fromEntries(CAPABILITIES.slice(0, 32).map((name, bit) => [name, 2 ** bit]));
const HIGH = Object.fromEntries(CAPABILITIES.slice(32).map((name, bit) => [name, 2 ** bit]));

interface Ids {
  uid: number;
  euid: number;
  suid: number;
  fsuid: number;
  gid: number;
  egid: number;
  sgid: number;
  fsgid: number;
  auid: number;
  securebits: number;
  effective: number;
  permitted: number;
  inheritable: number;
  bounding: number;
  ambient: number;
}

function before(record: ProcessCredentialsRecord): Ids {
  return {
    ...{ uid: record.beforeUid, euid: record.beforeEuid, suid: record.beforeSuid, fsuid: record.beforeFsuid },
    ...{ gid: record.beforeGid, egid: record.beforeEgid, sgid: record.beforeSgid, fsgid: record.beforeFsgid },
    ...{ auid: record.beforeAuid, securebits: record.beforeSecurebits, effective: record.beforeCapEffective },
    ...{ permitted: record.beforeCapPermitted, inheritable: record.beforeCapInheritable },
    ...{ bounding: record.beforeCapBounding, ambient: record.beforeCapAmbient },
  };
}

function after(record: ProcessCredentialsRecord): Ids {
  return {
    ...{ uid: record.afterUid, euid: record.afterEuid, suid: record.afterSuid, fsuid: record.afterFsuid },
    ...{ gid: record.afterGid, egid: record.afterEgid, sgid: record.afterSgid, fsgid: record.afterFsgid },
    ...{ auid: record.afterAuid, securebits: record.afterSecurebits, effective: record.afterCapEffective },
    ...{ permitted: record.afterCapPermitted, inheritable: record.afterCapInheritable },
    ...{ bounding: record.afterCapBounding, ambient: record.afterCapAmbient },
  };
}

/** A `CredentialSet`. */
function json(ids: Ids): string {
  const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, auid, securebits, ...sets } = ids;
  const cap = Object.fromEntries(Object.entries(sets).map(([set, bits]) => [set, capabilityNames(bits)]));
  return JSON.stringify({ uid, euid, suid, fsuid, gid, egid, sgid, fsgid, auid, securebits, cap });
}

/** Capabilities that a process can use now, or make its own, and could not before. */
function gained(from: Ids, to: Ids): string[] {
  const sets = (ids: Ids) => [ids.effective, ids.permitted, ids.ambient].map(capabilityNames);
  const old = sets(from);
  const found = new Set(sets(to).flatMap((names, set) => names.filter((name) => !old[set]!.includes(name))));
  return CAPABILITIES.filter((name) => found.has(name));
}

function asked(id: number): number | null {
  return id === NO_ID ? null : id;
}

const CALLS = Object.values(CREDENTIALS_CALL_NAMES);
const EXAMPLE = {
  ...{ uid: 1000, euid: 1000, suid: 0, fsuid: 1000, gid: 1000, egid: 1000, sgid: 1000, fsgid: 1000 },
  ...{ auid: 1000, securebits: 0 },
  cap: { effective: [], permitted: [], inheritable: [], bounding: ["CAP_CHOWN"], ambient: [] },
};

export default defineKind<ProcessCredentialsRecord, ProcessCredentialsEvent>({
  kind: "process_credentials",
  doc: "A thread asked to change its users, groups or capabilities.",
  fields: {
    call: { type: oneOf(...CALLS), from: "call" },
    asked: {
      ...{ type: object("AskedIds"), from: ["asked_real", "asked_effective", "asked_saved", "asked_fs"] },
      doc: "user or group ids that the call was given",
    },
    old: {
      ...{ type: object("CredentialSet"), nullable: true, from: "before", doc: "before the call; null when unknown" },
    },
    new: { type: object("CredentialSet"), from: "after", doc: "after the call" },
    gained: {
      type: list(string),
      doc: "capabilities in force, permitted or ambient after the call and not before; none where `old` is unknown",
    },
  },
  objects: {
    AskedIds: {
      doc: "Ids as a call of the setuid family was given them.",
      fields: {
        real: { type: integer, nullable: true, doc: "the real one; null for none" },
        effective: { type: integer, nullable: true, doc: "the effective one (setuid: the only one); null for none" },
        saved: { type: integer, nullable: true, doc: "the saved one; null for none" },
        fs: { type: integer, nullable: true, doc: "that for access to files; null for none" },
      },
    },
    CredentialSet: {
      doc: "Users, groups and capabilities of a thread.",
      fields: {
        uid: { type: integer, from: "after.uid" },
        euid: { type: integer, from: "after.euid" },
        suid: { type: integer, from: "after.suid" },
        fsuid: { type: integer, from: "after.fsuid" },
        gid: { type: integer, from: "after.gid" },
        egid: { type: integer, from: "after.egid" },
        sgid: { type: integer, from: "after.sgid" },
        fsgid: { type: integer, from: "after.fsgid" },
        auid: { type: integer, from: "after.auid" },
        securebits: { type: integer, from: "after.securebits" },
        cap: { type: object("CapabilityNames"), doc: "its capability sets" },
      },
    },
    CapabilityNames: {
      doc: "Capability sets by name.",
      fields: {
        effective: { type: list(string), from: "after.cap_effective" },
        permitted: { type: list(string), from: "after.cap_permitted" },
        inheritable: { type: list(string), from: "after.cap_inheritable" },
        bounding: { type: list(string), from: "after.cap_bounding" },
        ambient: { type: list(string), from: "after.cap_ambient" },
      },
    },
  },
  internal: { "before.": "as after", before_known: "old is null" },
  result: `${RESULT}; setfsuid and setfsgid: the id before, whatever became of it`,
  own: {
    call: named(0, 11, CREDENTIALS_CALL),
    "new.uid": ownNumber(1, 0xffff_ffff),
    "new.euid": ownNumber(2, 0xffff_ffff),
    gained: flags(3, LOW),
    "gained.high": flags(4, HIGH),
  },
  rungs: decidedCalls({
    deciders: ["credentials_uid", "credentials_gid", "credentials_cap"],
    tellers: ["credentials_sys_enter", "credentials_sys_exit"],
    deny: "denies with EPERM before new users, groups or capabilities are taken; observes all calls",
    see: "observes all calls and what became of them",
  }),
  members: (record) => {
    const [from, to] = [before(record), after(record)];
    const ids = {
      ...{ real: asked(record.askedReal), effective: asked(record.askedEffective) },
      ...{ saved: asked(record.askedSaved), fs: asked(record.askedFs) },
    };
    return (
      `"call":"${CREDENTIALS_CALL_NAMES[record.call] ?? record.call}","asked":${JSON.stringify(ids)}` +
      `,"old":${record.beforeKnown ? json(from) : "null"},"new":${json(to)}` +
      `,"gained":${JSON.stringify(gained(from, to))}`
    );
  },
  example: {
    ...{ call: "setuid", asked: { real: null, effective: 0, saved: null, fs: null } },
    ...{ old: EXAMPLE, new: { ...EXAMPLE, euid: 0, fsuid: 0 }, gained: [], result: 0 },
  },
  show: {
    ...{ emoji: "🔑", verb: "creds" },
    detail: ({ call, old, new: now, gained: more, result }) => {
      const uid = old && old.euid !== now.euid ? ` uid ${old.euid} -> ${now.euid}` : "";
      const gid = old && old.egid !== now.egid ? ` gid ${old.egid} -> ${now.egid}` : "";
      return withError(`${call}${uid}${gid}${more.length > 0 ? ` +${more.join(",+")}` : ""}`, result);
    },
  },
});
