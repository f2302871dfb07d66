import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "#schema/derive/defaults.ts";
import { Pod } from "./pod.ts";
import { completePod, pullPolicyFor } from "./pod-defaults.ts";

test("a Pod of one container gets what every Pod has", () => {
  const { spec, status } = complete(Pod, { metadata: { name: "web" }, spec: { containers: [{ name: "web", image: "nginx:1.27" }] } });
  assert.deepEqual(spec, {
    containers: [
      {
        name: "web",
        image: "nginx:1.27",
        imagePullPolicy: "IfNotPresent",
        resources: {},
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    terminationGracePeriodSeconds: 30,
    schedulerName: "default-scheduler",
    securityContext: {},
    enableServiceLinks: true,
  });
  assert.deepEqual(status, {});
});

test("a complete Pod is not made anew", () => {
  const pod = complete(Pod, {
    spec: { hostNetwork: true, containers: [{ name: "c", ports: [{ containerPort: 80 }] }], volumes: [{ name: "v" }] },
  });
  assert.equal(completePod(pod), pod);
});

test("probes, ports and volumes", () => {
  const pod = complete(Pod, {
    spec: {
      hostNetwork: true,
      serviceAccount: "robot",
      containers: [{ name: "c", ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } }],
      volumes: [{ name: "empty" }, { name: "host", hostPath: { path: "/x" } }, { name: "secret", secret: { secretName: "s" } }],
    },
  });
  const [container] = pod.spec.containers;
  assert.deepEqual(container?.ports, [{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  assert.deepEqual(container?.livenessProbe, {
    httpGet: { port: 80, path: "/", scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.equal(pod.spec.serviceAccountName, "robot");
  assert.deepEqual(pod.spec.volumes, [
    { name: "empty", emptyDir: {} },
    { name: "host", hostPath: { path: "/x", type: "" } },
    { name: "secret", secret: { secretName: "s", defaultMode: 420 } },
  ]);
});

test("who names a limit asks for it", () => {
  const pod = complete(Pod, {
    spec: { containers: [{ name: "c", resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } } }] },
  });
  assert.deepEqual(pod.spec.containers[0]?.resources.requests, { cpu: "500m", memory: "1Gi" });
});

test("the Pod as a whole asks for its containers' sum, else for its limit", () => {
  const containers = [{ name: "c", resources: { requests: { cpu: "1" } } }];
  const pod = complete(Pod, { spec: { containers, resources: { limits: { cpu: "2", memory: "1Gi" } } } });
  assert.deepEqual(pod.spec.resources?.requests, { cpu: "1", memory: "1Gi" });
});

test("the pull policy follows the tag", () => {
  const policies = {
    nginx: "Always",
    "nginx:latest": "Always",
    "nginx:1.27": "IfNotPresent",
    "registry:5000/nginx": "Always",
    "registry:5000/nginx:1": "IfNotPresent",
    "nginx@sha256:0123": "IfNotPresent",
    "": "IfNotPresent",
  };
  for (const [image, policy] of Object.entries(policies)) assert.equal(pullPolicyFor(image), policy, image);
});
