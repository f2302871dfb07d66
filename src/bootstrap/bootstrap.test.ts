import assert from "node:assert/strict";
import { test } from "node:test";
import { readYaml } from "#wire/yaml/yaml.ts";
import { addOns } from "./add-ons.ts";
import { plannedCertificates, reasonToRenew } from "./certificates.ts";
import { containerdConfig, isDistributionDefault, mirrorHosts, problemWith } from "./containerd.ts";
import { kubeletConfiguration } from "./kubeconfigs.ts";
import {
  addressAt,
  BootstrapError,
  canonicalRanges,
  checkedRanges,
  type ClusterSettings,
  dnsServiceAddress,
  firstNodeRange,
} from "./layout.ts";
import { checkSettings, listening } from "./machine-check.ts";
import { networkConfig, networkScript, nodeRules } from "./machine-network.ts";
import { staticPodManifests } from "./static-pods.ts";
import { kubeletDropIn, kubeletUnit } from "./unit-files.ts";

const settings: ClusterSettings = {
  nodeName: "node-1",
  nodeAddress: "192.168.51.10",
  podRange: "10.244.0.0/16",
  nodePodRange: "10.244.0.0/24",
  serviceRange: "10.96.0.0/12",
  domain: "cluster.local",
  store: "disk",
};
const image = { name: "keelson/control-plane:1", digest: "sha256:1" };

interface ManifestPod {
  metadata: { namespace: string; labels: object };
  spec: {
    priorityClassName: string;
    hostNetwork: boolean;
    containers: [{ command: string[]; livenessProbe?: object; startupProbe?: object; volumeMounts: { name: string; mountPath: string }[] }];
    volumes: { name: string }[];
  };
}
interface KubeletFile {
  apiVersion: string;
  clusterDNS: string[];
  staticPodPath: string;
  authentication: { anonymous: { enabled: boolean } };
  authorization: { mode: string };
}

test("ranges and addresses", () => {
  assert.equal(addressAt("10.96.0.0/12", 10), "10.96.0.10");
  assert.equal(dnsServiceAddress(settings), "10.96.0.10");
  assert.equal(firstNodeRange("10.244.0.0/16"), "10.244.0.0/24");
  assert.equal(firstNodeRange("10.244.0.0/25"), "10.244.0.0/25");
  assert.equal(firstNodeRange("fd00:42::/56,10.42.0.0/16"), "fd00:42::/64,10.42.0.0/24");
  assert.equal(dnsServiceAddress({ serviceRange: "fd00:43::/112,10.43.0.0/16" }), "fd00:43::a");
  assert.equal(canonicalRanges("10.42.0.0/16, FD00:42:0::/56"), "10.42.0.0/16,fd00:42::/56");
  for (const wrong of [
    "10.244.0.0",
    "10.244.0.1/16",
    "10.244.0.0/33",
    "300.0.0.0/8",
    "fd00::1/64",
    "",
    "10.0.0.0/16,10.1.0.0/16",
    "x,fd00::/56",
  ])
    assert.throws(() => checkedRanges(wrong), BootstrapError, wrong);
});

test("settings that cannot work are refused with what to do", () => {
  checkSettings(settings);
  assert.throws(() => checkSettings({ ...settings, nodeAddress: "10.96.3.4" }), /lies in 10\.96\.0\.0\/12/);
  assert.throws(() => checkSettings({ ...settings, podRange: "10.96.0.0/16" }), /overlap/);
  assert.throws(() => checkSettings({ ...settings, nodeName: "Node_1" }), /cannot be a Node's name/);
  assert.throws(
    () => checkSettings({ ...settings, nodeAddress: "fe80::1" }),
    /--node-ip fe80::1 is of IPv6, and Pods have addresses of IPv4/,
  );
});

const dual: ClusterSettings = {
  ...settings,
  secondaryAddress: "fd00:51::10",
  podRange: "10.244.0.0/16,fd00:42::/56",
  nodePodRange: "10.244.0.0/24,fd00:42::/64",
  serviceRange: "10.96.0.0/12,fd00:43::/112",
};

test("settings of both families that cannot work are refused likewise", () => {
  checkSettings(dual);
  checkSettings({
    ...dual,
    nodeAddress: "fd00:51::10",
    secondaryAddress: "192.168.51.10",
    podRange: "fd00:42::/56,10.244.0.0/16",
    serviceRange: "fd00:43::/112,10.96.0.0/12",
  });
  const refused = (change: Partial<ClusterSettings>, why: RegExp) => assert.throws(() => checkSettings({ ...dual, ...change }), why);
  refused({ podRange: "10.244.0.0/16" }, /is of IPv4, and --service-cidr 10\.96\.0\.0\/12,fd00:43::\/112 of IPv4 and IPv6/);
  refused({ serviceRange: "fd00:43::/112,10.96.0.0/12" }, /of IPv6 and IPv4/);
  refused({ podRange: "10.244.0.0/16,10.245.0.0/16" }, /has more than one range of a family/);
  refused({ podRange: "10.244.0.0/16,fd00:42::/40" }, /--pod-network-cidr fd00:42::\/40 is too large/);
  refused({ podRange: "10.244.0.0/16,fd00:42::/112" }, /--pod-network-cidr fd00:42::\/112 is too small/);
  refused({ serviceRange: "10.96.0.0/12,fd00:43::/64" }, /--service-cidr fd00:43::\/64 is too large/);
  refused({ serviceRange: "10.96.0.0/12,fd00:43::/126" }, /--service-cidr fd00:43::\/126 is too small/);
  refused({ serviceRange: "10.96.0.0/12,fd00:42::/112" }, /Pods fd00:42::\/56 and of Services fd00:42::\/112 overlap/);
  refused({ secondaryAddress: "fd00:42::10" }, /fd00:42::10 lies in fd00:42::\/56/);
  refused({ secondaryAddress: "192.168.51.11" }, /is of IPv4 and IPv4/);
});

test("the certificates of a cluster, by upstream's names", () => {
  const plan = plannedCertificates(settings);
  assert.deepEqual(
    plan.map(({ name, subject }) => [name, subject.commonName, ...(subject.organizations ?? [])]),
    [
      ["apiserver", "kube-apiserver"],
      ["apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"],
      ["admin", "kubernetes-admin", "system:masters"],
      ["controller-manager", "system:kube-controller-manager"],
      ["scheduler", "system:kube-scheduler"],
      ["kubelet-client", "system:node:node-1", "system:nodes"],
      ["kubelet", "system:node:node-1", "system:nodes"],
      ["front-proxy-client", "front-proxy-client"],
    ],
  );
  const [server] = plan;
  assert.ok(server);
  assert.deepEqual(server.ipAddresses, ["10.96.0.1", "192.168.51.10", "127.0.0.1"]);
  assert.ok(["kubernetes", "kubernetes.default.svc.cluster.local", "localhost", "node-1"].every((name) => server.dnsNames.includes(name)));
  const day = 24 * 3_600_000;
  const info = { ...server, issuer: "", serialNumber: "1", notBefore: 0, notAfter: 31 * day, isCa: false };
  assert.equal(reasonToRenew(info, server, 0), undefined);
  assert.match(reasonToRenew(info, server, 2 * day) ?? "", /ends soon/);
  assert.match(reasonToRenew({ ...info, ipAddresses: ["10.96.0.1"] }, server, 0) ?? "", /does not name 192\.168\.51\.10/);
});

test("static Pods stand where and how users know them", () => {
  const texts = new Map([["/etc/kubernetes/scheduler.conf", "one"]]);
  const manifests = staticPodManifests(settings, image, texts);
  assert.deepEqual(
    manifests.map(({ file }) => file),
    ["kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml"],
  );
  for (const { file, text } of manifests) {
    const pod = readYaml(text) as unknown as ManifestPod;
    const component = file.replace(".yaml", "");
    assert.equal(pod.metadata.namespace, "kube-system");
    assert.deepEqual(pod.metadata.labels, { component, tier: "control-plane" });
    assert.equal(pod.spec.priorityClassName, "system-node-critical");
    assert.equal(pod.spec.hostNetwork, true);
    const [container] = pod.spec.containers;
    assert.equal(container.command[0], component);
    assert.ok(container.livenessProbe && container.startupProbe);
    const mounted = container.volumeMounts.map(({ name }: { name: string }) => name).sort();
    assert.deepEqual(mounted, pod.spec.volumes.map(({ name }: { name: string }) => name).sort());
    for (const flag of container.command.slice(1)) {
      const path = /=(\/.*)$/.exec(flag)?.[1];
      if (path !== undefined)
        assert.ok(
          container.volumeMounts.some(({ mountPath }: { mountPath: string }) => path.startsWith(mountPath)),
          flag,
        );
    }
  }
  assert.notEqual(staticPodManifests(settings, { ...image, digest: "sha256:2" }, texts)[0]?.text, manifests[0]?.text);
  const others = staticPodManifests(settings, image, new Map([["/etc/kubernetes/scheduler.conf", "two"]]));
  const changed = others.filter(({ text }, at) => text !== manifests[at]?.text).map(({ component }) => component);
  assert.deepEqual(changed, ["kube-scheduler"], "whoever reads a file that changed is started anew");
});

test("the kubelet's unit runs the command that everybody knows", () => {
  assert.match(
    kubeletUnit,
    /^ExecStart=\/usr\/bin\/kubelet --config=\/var\/lib\/kubelet\/config\.yaml --kubeconfig=\/etc\/kubernetes\/kubelet\.conf --container-runtime-endpoint=unix:\/\/\/run\/containerd\/containerd\.sock\nRestart=always\n/m,
  );
  for (const line of ["RestartSec=10", "Wants=network-online.target", "After=network-online.target"])
    assert.ok(kubeletUnit.includes(`\n${line}\n`), line);
  assert.match(kubeletDropIn(["--hostname-override=a"]), /\nExecStart=\nExecStart=\/usr\/bin\/kubelet .* --hostname-override=a\n/);
});

test("the kubelet's configuration", () => {
  const config = readYaml(kubeletConfiguration(settings, "own")) as unknown as KubeletFile;
  assert.equal(config.apiVersion, "kubelet.config.k8s.io/v1beta1");
  assert.deepEqual(config.clusterDNS, ["10.96.0.10"]);
  assert.equal(config.staticPodPath, "/etc/kubernetes/manifests");
  assert.equal(config.authentication.anonymous.enabled, false);
  assert.equal(config.authorization.mode, "Webhook");
});

test("cluster addresses are dropped wherever they would leave, before any route is made", () => {
  assert.match(nodeRules(settings), /oifname != \{ "lo", "cni0" \} ip daddr 10\.96\.0\.0\/12 drop/);
  assert.match(nodeRules(settings), /oifname != \{ "lo", "cni0" \} ip daddr 10\.244\.0\.0\/16 ip daddr != @elsewhere drop/);
  assert.match(nodeRules(dual), /oifname != \{ "lo", "cni0" \} ip6 daddr fd00:42::\/56 ip6 daddr != @elsewhere drop/);
  const script = networkScript(settings);
  assert.ok(script.indexOf("nft -f") < script.indexOf("ip -4 route replace 10.96.0.0/12 dev lo"));
  const [bridge] = JSON.parse(networkConfig(settings)).plugins;
  assert.deepEqual(bridge.ipam.ranges, [[{ subnet: "10.244.0.0/24" }]]);
  assert.deepEqual(JSON.parse(networkConfig(dual)).plugins[0].ipam.ranges, [[{ subnet: "10.244.0.0/24" }], [{ subnet: "fd00:42::/64" }]]);
  assert.doesNotMatch(script, /ip6|-6|ipv6/);
  const both = networkScript(dual, ["net/ipv6/conf/eth0/accept_ra"]);
  assert.ok(both.indexOf("for path in net/ipv6/conf/eth0/accept_ra ") < both.indexOf("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"));
  assert.ok(both.includes("for path in net/ipv6/conf/eth0/accept_ra "), "a router is heard that has not spoken yet");
});

test("containerd's configuration: ours, the distribution's, somebody else's", () => {
  const facts = { mayLowerOomScore: false, hasAppArmor: false, pluginFolder: "/usr/lib/cni", pauseImage: "keelson/pause:1" };
  const ours = containerdConfig(facts);
  assert.match(ours, /restrict_oom_score_adj = true/);
  assert.match(ours, /sandbox_image = "docker\.io\/keelson\/pause:1"/);
  assert.match(containerdConfig({ ...facts, mayLowerOomScore: true }), /restrict_oom_score_adj = false/);
  const debian =
    'version = 2\n\n[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n    [plugins."io.containerd.grpc.v1.cri".cni]\n      bin_dir = "/usr/lib/cni"\n      conf_dir = "/etc/cni/net.d"\n  [plugins."io.containerd.internal.v1.opt"]\n    path = "/var/lib/containerd/opt"\n';
  assert.ok(isDistributionDefault(debian));
  assert.ok(isDistributionDefault('#   Copyright\n\ndisabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n'));
  assert.ok(!isDistributionDefault(`${debian}[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/srv/certs.d"\n`));
  assert.match(problemWith('disabled_plugins = ["cri"]') ?? "", /disables the cri plugin/);
  assert.equal(problemWith(debian), undefined);
});

test("docker.io is asked here first, then where it is", () => {
  assert.match(
    mirrorHosts(),
    /server = "https:\/\/registry-1\.docker\.io"\n\n\[host\."http:\/\/127\.0\.0\.1:10247"\]\n {2}capabilities = \["pull", "resolve"\]/,
  );
});

test("add-ons: the proxy does not go by the address that it makes work", () => {
  const all = addOns(settings, image);
  const config = all.find(({ kind, object }) => kind.name === "ConfigMap" && object.metadata.name === "kube-proxy");
  assert.match(JSON.stringify(config?.object["data"]), /server: https:\/\/192\.168\.51\.10:6443/);
  const service = all.find(({ object }) => object.metadata.name === "kube-dns")?.object["spec"] as { clusterIP: string; selector: object };
  assert.equal(service.clusterIP, "10.96.0.10");
  assert.deepEqual(service.selector, { "k8s-app": "kube-dns" });
});

test("ports that are listened at", () => {
  const table = "  sl  local_address rem_address   st\n   0: 00000000:192B 00000000:0000 0A 0\n   1: 0100007F:0016 00000000:0000 01 0\n";
  assert.deepEqual([...listening([table])], [6443]);
});
