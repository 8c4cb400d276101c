import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Bundles, factsOfBundle } from "../../../agent/containers/bundles.ts";

const ID = "5e".repeat(32);

it.each<[string, Record<string, unknown>, unknown]>([
  [
    "containerd for Kubernetes",
    {
      "io.kubernetes.cri.container-name": "web",
      "io.kubernetes.cri.image-name": "docker.io/library/shop:2",
      "io.kubernetes.cri.sandbox-name": "web-7d5",
    },
    { name: "web", image: "docker.io/library/shop:2", labels: { "io.kubernetes.cri.sandbox-name": "web-7d5" } },
  ],
  [
    "its sandbox",
    { "io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-name": "web-7d5" },
    { name: "web-7d5", image: null },
  ],
  [
    "cri-o, whose labels are JSON",
    {
      "io.kubernetes.container.name": "web",
      "io.kubernetes.cri-o.ImageName": "shop:2",
      "io.kubernetes.cri-o.Labels": '{"com.docker.compose.service":"web","tier":"front"}',
    },
    { name: "web", image: "shop:2", service: "web", labels: { "com.docker.compose.service": "web", tier: "front" } },
  ],
  ["nerdctl", { "nerdctl/name": "shop-web-1" }, { name: "shop-web-1" }],
  [
    "labels that are no JSON",
    { "nerdctl/name": "a", "io.kubernetes.cri-o.Labels": "{" },
    { labels: { "nerdctl/name": "a" } },
  ],
])("%s", (_what, annotations, facts) => {
  expect(factsOfBundle(ID, { annotations })).toMatchObject({ id: ID, ...(facts as object) });
});

it.each([{}, null, { annotations: [] }, { annotations: { a: "b" } }, "text"])("%j names nobody", (config) => {
  expect(factsOfBundle(ID, config)).toBeUndefined();
});

it("is found below a directory of any name; what cannot be read is counted", () => {
  const root = mkdtempSync(join(tmpdir(), "reeve-bundles-"));
  try {
    const bundles = new Bundles([`${root}/none/*/{id}/config.json`, `${root}/task/*/{id}/config.json`]);
    expect(bundles.present).toBe(false);
    expect(bundles.find(ID)).toBeUndefined();
    const file = join(root, "task/k8s.io", ID, "config.json");
    mkdirSync(join(file, ".."), { recursive: true });
    mkdirSync(join(root, "task/moby"));
    writeFileSync(file, JSON.stringify({ annotations: { "nerdctl/name": "web" } }));
    expect(bundles.present).toBe(true);
    expect(bundles.find(ID)).toMatchObject({ file, facts: { name: "web" } });
    expect(bundles.find("5f".repeat(32))).toBeUndefined();
    writeFileSync(file, "{");
    expect(bundles.find(ID)).toBeUndefined();
    expect(bundles.counters).toEqual({ read: 1, unreadable: 1 });
  } finally {
    rmSync(root, { recursive: true });
  }
});
