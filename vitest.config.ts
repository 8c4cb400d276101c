import { defineConfig } from "vitest/config";

// Tests that load eBPF programs, make cgroups or run the whole system share one kernel: one file at a time, after the rest.
const KERNEL = [
  "test/agent/kernel/**/*.test.ts",
  "test/bpf/**/*.test.ts",
  "test/enforce/**/*.test.ts",
  "test/attacks/**/*.test.ts",
  "test/loop/**/*.test.ts",
  "test/cli/up/**/*.test.ts",
  "test/cli/doctor/**/*.test.ts",
  "test/guests/*.test.ts",
  "test/hooks/**/*.test.ts",
];

// In a guest (test/guests), which is emulated and so slow, and whose kernel takes every kind of program.
const GUEST = process.env["REEVE_GUEST"] !== undefined;
const GUEST_ONLY = ["test/guests/inside/**/*.test.ts"];
const TIMEOUT = GUEST ? 900_000 : 60_000;

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: TIMEOUT,
    hookTimeout: TIMEOUT,
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/clone/**", ...KERNEL, ...GUEST_ONLY],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "kernel",
          include: KERNEL,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      // On one of the two processors each, in cgroups of their own; modules are slow to read there, and read once.
      {
        extends: true,
        test: {
          name: "guest",
          include: GUEST ? GUEST_ONLY : [],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
