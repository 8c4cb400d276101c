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
];

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/clone/**", ...KERNEL],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "kernel", include: KERNEL, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
