import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft } from "#schema/message.ts";
import { complete } from "#schema/derive/defaults.ts";
import { fieldErrorText, validate } from "#schema/derive/validation.ts";
import { Pod } from "./pod.ts";
import type { PodSpec } from "./pod-spec.ts";

const container = { name: "c", image: "nginx" };
const metadata = { name: "p", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };

function podOf(spec: Draft<PodSpec>): Pod {
  return complete<Pod>(Pod, { metadata, spec: { containers: [container], ...spec } });
}
function errorsOf(spec: Draft<PodSpec>): readonly string[] {
  return validate(Pod, podOf(spec)).map(fieldErrorText);
}
function updateErrors(before: Draft<PodSpec>, after: Draft<PodSpec>, subresource = ""): readonly string[] {
  return validate(Pod, podOf(after), podOf(before), subresource).map(fieldErrorText);
}

test("a plain Pod, and one with a bit of everything, are fine", () => {
  assert.deepEqual(errorsOf({}), []);
  assert.deepEqual(
    errorsOf({
      hostNetwork: true,
      volumes: [{ name: "data" }, { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }],
      initContainers: [
        { name: "i", image: "x" },
        { name: "s", image: "x", restartPolicy: "Always", startupProbe: { exec: { command: ["true"] } } },
      ],
      containers: [
        {
          ...container,
          ports: [{ name: "http", containerPort: 80 }],
          env: [
            { name: "A", value: "1" },
            { name: "A", value: "2" },
            { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          ],
          resources: { requests: { cpu: "100m" }, limits: { cpu: "1", "example.com/gpu": "1" } },
          volumeMounts: [{ name: "data", mountPath: "/data", subPath: "a/b" }],
          livenessProbe: { httpGet: { port: "http" } },
          lifecycle: { preStop: { sleep: { seconds: 5 } } },
        },
      ],
      tolerations: [{ operator: "Exists" }, { key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 5 }],
    }),
    [],
  );
});

test("containers", () => {
  assert.deepEqual(errorsOf({ containers: [] }), ["spec.containers: Required value"]);
  assert.deepEqual(errorsOf({ containers: [{ name: "c" }] }), ["spec.containers[0].image: Required value"]);
  assert.deepEqual(errorsOf({ containers: [container, container] }), ['spec.containers[1].name: Duplicate value: "c"']);
  assert.deepEqual(errorsOf({ initContainers: [container] }), ['spec.initContainers[0].name: Duplicate value: "c"']);
  assert.match(
    errorsOf({ containers: [{ name: "C_", image: "x" }] }).join(),
    /^spec\.containers\[0\]\.name: Invalid value: "C_": a lowercase RFC 1123 label/,
  );
  assert.deepEqual(errorsOf({ restartPolicy: "Sometimes" as "Always" }), [
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
  ]);
});

test("ports", () => {
  const ports = [
    { name: "a", containerPort: 80, hostPort: 80 },
    { name: "a", containerPort: 70000, hostPort: 80 },
  ];
  assert.deepEqual(errorsOf({ containers: [{ ...container, ports }] }), [
    'spec.containers[0].ports[1].name: Duplicate value: "a"',
    "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
  ]);
  assert.deepEqual(errorsOf({ hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 81 }] }] }), [
    "spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` when `hostNetwork` is true",
  ]);
});

test("mounts and volumes", () => {
  const volumeMounts = [
    { name: "a", mountPath: "/x" },
    { name: "b", mountPath: "/x" },
  ];
  assert.deepEqual(errorsOf({ volumes: [{ name: "a" }], containers: [{ ...container, volumeMounts }] }), [
    'spec.containers[0].volumeMounts[1].name: Not found: "b"',
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
  ]);
  assert.deepEqual(errorsOf({ volumes: [{ name: "a", hostPath: { path: "/x" }, emptyDir: {} }] }), [
    "spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type",
  ]);
  assert.deepEqual(errorsOf({ volumes: [{ name: "a" }, { name: "a", secret: {} }] }), [
    'spec.volumes[1].name: Duplicate value: "a"',
    "spec.volumes[1].secret.secretName: Required value",
  ]);
  const items = [{ key: "k", path: "../x" }];
  assert.deepEqual(errorsOf({ volumes: [{ name: "a", configMap: { name: "m", items, defaultMode: 0o1000 } }] }), [
    "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
    "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'",
  ]);
});

test("environment, resources and probes", () => {
  const env = [
    { name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "spec.secret" } } },
    { name: "B", valueFrom: {} },
  ];
  assert.deepEqual(errorsOf({ containers: [{ ...container, env }] }), [
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.secret": error converting fieldPath: field label not supported: spec.secret',
    'spec.containers[0].env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
  ]);
  const resources = { requests: { cpu: "2", "example.com/gpu": "1" }, limits: { cpu: "1", magic: "1" } };
  assert.deepEqual(
    errorsOf({ containers: [{ ...container, resources: { ...resources, requests: { ...resources.requests, magic: "1" } } }] }),
    [
      'spec.containers[0].resources.limits[magic]: Invalid value: "magic": must be a standard resource for containers',
      'spec.containers[0].resources.requests[magic]: Invalid value: "magic": must be a standard resource for containers',
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
    ],
  );
  const livenessProbe = { httpGet: { port: 0 }, exec: { command: [] }, successThreshold: 2 };
  assert.deepEqual(errorsOf({ containers: [{ ...container, livenessProbe }] }), [
    "spec.containers[0].livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type",
    "spec.containers[0].livenessProbe.exec.command: Required value",
    "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
  ]);
  assert.deepEqual(errorsOf({ initContainers: [{ name: "i", image: "x", livenessProbe: { exec: { command: ["x"] } } }] }), [
    "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  ]);
});

test("where it may run", () => {
  assert.deepEqual(errorsOf({ tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 5 }, {}] }), [
    "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    'spec.tolerations[1].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ]);
  const nodeSelectorTerms = [
    {
      matchExpressions: [
        { key: "a", operator: "In" },
        { key: "b", operator: "Near" },
      ],
    },
  ];
  assert.deepEqual(errorsOf({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } }), [
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].operator: Invalid value: "Near": not a valid selector operator',
  ]);
});

test("an update may change the image, the deadline downwards, and add tolerations", () => {
  const tolerations = [{ key: "a", operator: "Exists" as const, effect: "NoExecute" as const }];
  assert.deepEqual(
    updateErrors(
      { activeDeadlineSeconds: 10 },
      { activeDeadlineSeconds: 5, tolerations, containers: [{ ...container, image: "nginx:latest" }] },
    ),
    [],
  );
  assert.deepEqual(updateErrors({ tolerations }, { tolerations: [{ ...tolerations[0], tolerationSeconds: 3 }] }), []);
  assert.deepEqual(updateErrors({ tolerations }, {}), [
    "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
  ]);
  assert.deepEqual(updateErrors({}, { containers: [container, { name: "d", image: "x" }] }), [
    "spec.containers: Forbidden: pod updates may not add or remove containers",
  ]);
});

test("everything else of a Pod stays", () => {
  const [error] = updateErrors({}, { hostPID: true });
  assert.match(
    error ?? "",
    /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,/,
  );
  assert.match(error ?? "", /\n\+ hostPID: true$/);
});

test("ephemeral containers come by their own way and stay", () => {
  const ephemeralContainers = [{ name: "debug", image: "busybox" }];
  assert.deepEqual(errorsOf({ ephemeralContainers }), ["spec.ephemeralContainers: Forbidden: cannot be set on create"]);
  assert.deepEqual(updateErrors({}, { ephemeralContainers }, "ephemeralcontainers"), []);
  assert.equal(updateErrors({ ephemeralContainers }, {}, "ephemeralcontainers").length, 1);
  assert.match(updateErrors({}, { ephemeralContainers }).join(), /pod updates may not change fields/);
});

test("ephemeral containers ask for nothing", () => {
  const ephemeralContainers = [{ name: "debug", image: "x", ports: [{ containerPort: 80 }], resources: { requests: { cpu: "1" } } }];
  assert.deepEqual(updateErrors({}, { ephemeralContainers }, "ephemeralcontainers"), [
    "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
    "spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container",
  ]);
});

test("rights and identities", () => {
  const securityContext = {
    runAsUser: -1,
    privileged: true,
    allowPrivilegeEscalation: false,
    seccompProfile: { type: "Localhost" as const },
  };
  assert.deepEqual(
    errorsOf({
      containers: [{ ...container, securityContext }],
      hostNetwork: true,
      securityContext: { sysctls: [{ name: "net.a", value: "1" }] },
    }),
    [
      "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
      "spec.containers[0].securityContext.allowPrivilegeEscalation: Invalid value: false: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
      "spec.securityContext.sysctls[0].name: Invalid value: \"net.a\": may not be specified when 'hostNetwork' is true",
    ],
  );
});

test("restart rules of containers", () => {
  const of = (more: object) => errorsOf({ containers: [{ ...container, ...more }] });
  const rule = { action: "Restart" as const, exitCodes: { operator: "In" as const, values: [42] } };
  assert.deepEqual(of({ restartPolicy: "Never", restartPolicyRules: [rule] }), []);
  assert.deepEqual(of({ restartPolicyRules: [rule] }), [
    "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
  ]);
  assert.deepEqual(of({ restartPolicy: "Never", restartPolicyRules: [{ action: "Restart" }] }), [
    "spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified",
  ]);
  assert.deepEqual(of({ restartPolicy: "Never", restartPolicyRules: Array(21).fill(rule) }), [
    "spec.containers[0].restartPolicyRules: Too many: 21: must have at most 20 items",
  ]);
});

test("a preStop hook cannot sleep longer than the grace period", () => {
  const lifecycle = { preStop: { sleep: { seconds: 6 } } };
  assert.deepEqual(errorsOf({ terminationGracePeriodSeconds: 5, containers: [{ ...container, lifecycle }] }), [
    "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 6: must be non-negative and less than terminationGracePeriodSeconds (5)",
  ]);
  assert.deepEqual(errorsOf({ terminationGracePeriodSeconds: 6, containers: [{ ...container, lifecycle }] }), []);
});

test("user ids of a Pod's own go with nothing of the Node's, and an unmasked /proc with nothing else", () => {
  assert.deepEqual(errorsOf({ hostUsers: false, hostPID: true, hostNetwork: true }), [
    "spec.hostNetwork: Forbidden: when `hostUsers` is false",
    "spec.hostPID: Forbidden: when `hostUsers` is false",
  ]);
  const unmasked = { ...container, securityContext: { procMount: "Unmasked" as const } };
  assert.deepEqual(errorsOf({ containers: [unmasked] }), [
    'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
  ]);
  assert.deepEqual(errorsOf({ containers: [unmasked], hostUsers: false }), []);
  assert.match(
    errorsOf({ containers: [{ ...container, envFrom: [{ prefix: "A=", secretRef: { name: "s" } }] }] }).join(),
    /^spec\.containers\[0\]\.envFrom\[0\]\.prefix: Invalid value: "A=": a valid environment variable name/,
  );
});
