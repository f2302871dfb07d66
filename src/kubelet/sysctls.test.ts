import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { complete } from "#schema/derive/defaults.ts";
import { sysctlName, sysctlProblem } from "./sysctls.ts";

function withSysctl(name: string, spec: object = {}): Pod {
  const securityContext = { sysctls: [{ name, value: "1" }] };
  return complete(Pod, { metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "i" }], securityContext, ...spec } });
}

test("safe sysctls may be set where the kernel keeps them apart, others only where the node allows them", () => {
  const problem = (name: string, spec?: object, kernel = "6.1.0-13") =>
    sysctlProblem(withSysctl(name, spec), ["kernel.msg*", "net/core/somaxconn"], kernel);
  assert.equal(problem("kernel.shm_rmid_forced"), undefined);
  assert.equal(problem("net/ipv4/tcp_syncookies"), undefined);
  assert.equal(problem("net.ipv4.tcp_rmem", {}, "4.9"), 'forbidden sysctl: "net.ipv4.tcp_rmem" not allowlisted');
  assert.equal(problem("kernel.msgmax"), undefined);
  assert.equal(problem("net.core.somaxconn"), undefined);
  assert.equal(problem("vm.swappiness"), 'forbidden sysctl: "vm.swappiness" not allowlisted');
  assert.equal(
    problem("net.ipv4.tcp_syncookies", { hostNetwork: true }),
    'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  );
  assert.equal(sysctlName("net/ipv4/conf/eno2.100/rp_filter"), "net.ipv4.conf.eno2/100.rp_filter");
});
