/** What the fields of the process mean, where their names do not say it all. */
export const FIELD_NOTES: Readonly<Record<string, string>> = {
  "process.binary":
    "what it runs, as the kernel resolved it at the exec (of a script: its interpreter); on process_exec the new image",
  "parent.binary": "what its parent ran at its fork or its last exec; a process without parent matches no value",
  "ancestors.binary":
    "what any process that it descends from ran when it forked that line; inherited, so that it holds below ancestors that have exited. Neither its own image nor one that it ran before. Of what lived before the selector came: what its ancestors run now, as far as the agent knows them",
  "process.uid": "real user",
  "process.gid": "real group",
  "process.auid": "login user; 4294967295: none",
  "process.cap.effective": "has any of these in force",
  "process.cap.permitted": "has any of these",
  "process.set_id": "its file gives its own user or group (set-user-ID, set-group-ID)",
  "process.memfd": "its image is an anonymous file in memory",
  "process.upper_layer": "its file was written in the container: it lies in the upper layer of its overlay",
  "process.in_container": "in a pid namespace below the host's",
  "process.ns.mnt": "namespace that it is in",
  "process.ns.pid": "the one that its own pid is in, which unshare and setns leave as it was",
  "process.ns.net": "namespace that it is in",
  "process.ns.uts": "namespace that it is in",
  "process.ns.ipc": "namespace that it is in",
  "process.ns.user": "namespace that it is in",
  "process.ns.cgroup": "namespace that it is in",
  "process.ns.time": "namespace that it is in",
};
