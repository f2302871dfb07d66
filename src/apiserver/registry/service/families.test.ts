import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "#api/meta/status-error.ts";
import { Service } from "#api/core/service/service.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { addressAt, isInRange, parseRange } from "./address-range.ts";
import { withFamilies } from "./families.ts";

const v4 = parseRange("10.96.0.0/12");
const v6 = parseRange("fd00:10:96::/108");
const service = (spec: Draft<Service["spec"]>): Service => complete(Service, { metadata: { name: "web", namespace: "default" }, spec });

/** "policy family family", or what is wrong. */
function given(spec: Draft<Service["spec"]>, ranges = [v4, v6], old?: Draft<Service["spec"]>): string {
  try {
    const { ipFamilyPolicy, ipFamilies = [] } = withFamilies(service({ selector: { a: "b" }, ...spec }), old && service(old), ranges).spec;
    return [ipFamilyPolicy, ...ipFamilies].join(" ");
  } catch (error) {
    assert.ok(error instanceof StatusError);
    return error.message.replace(/^Service "web" is invalid: /, "");
  }
}

test("the first family of the cluster, where nothing is said; two where they are asked for and there", () => {
  assert.equal(given({}), "SingleStack IPv4");
  assert.equal(given({}, [v6, v4]), "SingleStack IPv6");
  assert.equal(given({ ipFamilies: ["IPv6"] }), "SingleStack IPv6");
  assert.equal(given({ clusterIP: "fd00:10:96::5" }), "SingleStack IPv6");
  assert.equal(given({ ipFamilyPolicy: "PreferDualStack" }), "PreferDualStack IPv4 IPv6");
  assert.equal(given({ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6"] }), "PreferDualStack IPv6 IPv4");
  assert.equal(given({ ipFamilyPolicy: "PreferDualStack" }, [v4]), "PreferDualStack IPv4");
  assert.equal(given({ ipFamilyPolicy: "RequireDualStack" }), "RequireDualStack IPv4 IPv6");
  assert.equal(given({ ipFamilies: ["IPv6", "IPv4"] }), "RequireDualStack IPv6 IPv4");
});

test("a headless Service without a selector has both: its endpoints are somebody else's", () => {
  assert.equal(given({ clusterIP: "None", selector: {} }, [v4]), "RequireDualStack IPv4 IPv6");
  assert.equal(given({ clusterIP: "None" }, [v4]), "SingleStack IPv4");
});

test("what this cluster does not have is refused", () => {
  assert.match(given({ ipFamilyPolicy: "RequireDualStack" }, [v4]), /not configured for dual-stack services$/);
  assert.match(given({ ipFamilies: ["IPv6"] }, [v4]), /^spec\.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster$/);
  assert.match(given({ ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"] }), /must be RequireDualStack or PreferDualStack/);
});

test("a second family may come and go; the first stays", () => {
  const single = { clusterIP: "10.96.0.5", clusterIPs: ["10.96.0.5"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } as const;
  const dual = {
    ...single,
    clusterIPs: ["10.96.0.5", "fd00:10:96::5"],
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "RequireDualStack",
  } as const;
  assert.equal(given({ ...single, ipFamilyPolicy: "PreferDualStack" }, [v4, v6], single), "PreferDualStack IPv4 IPv6");
  assert.equal(given({ ...dual, ipFamilyPolicy: "SingleStack" }, [v4, v6], dual), "SingleStack IPv4");
  assert.match(given({ ...single, clusterIP: "", clusterIPs: [], ipFamilies: ["IPv6"] }, [v4, v6], single), /may not change once set/);
});

test("addresses of a range, of either family", () => {
  assert.deepEqual([addressAt(v4, 1), addressAt(v4, 10), addressAt(v6, 10)], ["10.96.0.1", "10.96.0.10", "fd00:10:96::a"]);
  assert.deepEqual(
    ["10.96.0.0", "10.96.0.1", "10.111.255.254", "10.111.255.255", "10.112.0.1", "fd00::1", "x"].map((ip) => isInRange(v4, ip)),
    [false, true, true, false, false, false, false],
  );
  for (const wrong of ["10.96.0.0", "10.96.0.0/4", "fd00::/8", "x/12"]) assert.throws(() => parseRange(wrong));
});
