// Time limit: 4 minutes.
// Logs and numbers of containers on one real node: what is read back, what is used, and kubectl top.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findKubectl, kubectlOfVersion } from "../support/kubectl.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";

const client = findKubectl();
const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.84.20";
const path = "path" in client ? client.path : "kubectl";
const versions = ["1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33"].flatMap((version) => kubectlOfVersion(path, version) ?? []);
const kubectls = versions.length > 0 ? versions : ["kubectl"];

const shell = (text: string) => ({ image: busyboxImage, command: ["sh", "-c", text] });
const pod = (name: string, spec: object, annotations = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, annotations },
  spec: { terminationGracePeriodSeconds: 1, ...spec },
});
const main = (text: string, more = {}) => ({ name: "main", ...shell(text), ...more });
const objects = [
  pod("lines", {
    initContainers: [{ name: "first", ...shell("echo from the first") }],
    containers: [
      main(`for i in 1 2 3 4 5; do echo line $i; done; echo error >&2; sleep 3; echo late; ${untilTold}`),
      { name: "side", ...shell(untilTold) },
    ],
  }),
  pod("over", { restartPolicy: "Never", containers: [main("echo done")] }),
  pod("again", { containers: [main("echo run $(date +%s); exit 1")] }),
  pod("unpullable", { containers: [{ name: "main", image: "127.0.0.1:5000/none:1" }] }),
  pod("flood", {
    restartPolicy: "Never",
    containers: [main(`i=0; while [ $i -lt 240000 ]; do i=$((i+1)); echo "$i ${"x".repeat(80)}"; done; sleep 12; echo end`)],
  }),
  pod("busy", {
    containers: [
      main("trap 'exit 0' TERM; while :; do :; done", {
        resources: { limits: { cpu: "200m", memory: "64Mi" } },
        livenessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
        readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 },
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      }),
    ],
    volumes: [{ name: "data", emptyDir: {} }],
  }),
];

test("logs and numbers", { skip, timeout: 230_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-numbers"), address });
  const { machine, kubectl, tryKubectl, apply, script } = lab;
  await startRegistry(machine);
  await apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  const followed = kubectl("logs -f flood --pod-running-timeout=60s", { seconds: 150 }).catch(async () => {
    await kubectl("wait --for=condition=Ready pod/flood --timeout=60s");
    return kubectl("logs -f flood", { seconds: 150 });
  });
  await kubectl("wait --for=condition=Ready pod/lines --timeout=60s");
  const refused = async (command: string) => (await tryKubectl(command)).stderr.trim();
  const raw = (at: string) => kubectl(["get", "--raw", at]);
  const node = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");

  await context.test(
    "NODE-200: logs are what a container wrote: all, the last lines, from a time on, so many bytes, with times",
    async () => {
      for (const one of kubectls) {
        const { stdout } = await script(`${one} logs lines -c main --tail=2 --limit-bytes=1000`);
        assert.match(stdout, /^(line 5\nerror|error\nlate|line 5\nline 5|error\nline 5|line 4\nline 5)\n$/, one);
      }
      await eventually("the late line", 20, async () => ((await kubectl("logs lines -c main")).endsWith("late") ? true : undefined));
      const all = (await kubectl("logs lines -c main")).split("\n");
      assert.deepEqual(
        all.filter((line) => line.startsWith("line")),
        ["line 1", "line 2", "line 3", "line 4", "line 5"],
      );
      assert.match(await kubectl("logs lines -c main --limit-bytes=4"), /^(line|erro)$/);
      const timed = (await kubectl("logs lines -c main --timestamps")).split("\n");
      assert.ok(
        timed.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /.test(line)),
        timed[0],
      );
      const late = timed.find((line) => line.endsWith("late"))?.split(" ")[0] ?? "";
      assert.equal(await kubectl(`logs lines -c main --since-time=${late}`), "late");
      assert.equal(await kubectl("logs lines -c main --since=1000s"), all.join("\n"));
      assert.equal(await kubectl("logs lines -c main --tail=0"), "");
      assert.match(await kubectl("logs lines --all-containers --prefix --tail=1"), /\[pod\/lines\/main\] late/);
    },
  );

  await context.test("NODE-201: logs of init containers, of containers that ended, and of the one before", async () => {
    assert.equal(await kubectl("logs lines -c first"), "from the first");
    await eventually("the end", 30, async () =>
      (await kubectl("get pod over -o jsonpath={.status.phase}")) === "Succeeded" ? true : undefined,
    );
    assert.equal(await kubectl("logs over"), "done");
    await eventually("a second run", 40, async () =>
      Number(await kubectl("get pod again -o jsonpath={.status.containerStatuses[0].restartCount}")) > 0 ? true : undefined,
    );
    const waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason}";
    await eventually("a crash loop", 30, async () =>
      (await kubectl(["get", "pod", "again", "-o", waiting])) === "CrashLoopBackOff" ? true : undefined,
    );
    const last = await kubectl("logs again");
    assert.match(last, /^run \d+$/);
    assert.equal(await kubectl("logs again --previous"), last, "the last one that ended is the previous one of what comes");
    assert.match(await refused("logs lines -c main --previous"), /previous terminated container "main" in pod "lines" not found/);
  });

  await context.test("NODE-202: where there is no log it is said why", async () => {
    await eventually("a failed pull", 40, async () =>
      /trying and failing to pull image|image can't be pulled/.test(await refused("logs unpullable")) ? true : undefined,
    );
    assert.match(await refused("logs lines -c none"), /container none is not valid for pod lines/);
    assert.match(await refused("logs none"), /pods "none" not found/);
    const at = "/api/v1/namespaces/default/pods/lines/log";
    const says = (query: string) => refused(`get --raw ${at}?container=main&${query}`);
    assert.match(await says("tailLines=-1"), /tailLines: Invalid value: -1: must be greater than or equal to 0/);
    assert.match(await says("limitBytes=0"), /limitBytes: Invalid value: 0: must be greater than 0/);
    assert.match(await says("sinceSeconds=0"), /sinceSeconds: Invalid value: 0: must be greater than 0/);
    assert.match(
      await says("stream=Both"),
      /stream: Unsupported value: "Both": supported values: "All", "Stderr", "Stdout"|supported values: "All", "Stdout", "Stderr"/,
    );
    assert.match(await refused(`get --raw ${at}`), /a container name must be specified for pod lines, choose one of: \[main side\]/);
  });

  await context.test("NODE-203: standard output and standard error can be read apart", async () => {
    const at = "/api/v1/namespaces/default/pods/lines/log?container=main";
    assert.equal(await raw(`${at}&stream=Stderr`), "error");
    assert.doesNotMatch(await raw(`${at}&stream=Stdout`), /error/);
  });

  await context.test("NODE-250: /stats/summary tells what node, Pods, containers and volumes use", async () => {
    await kubectl(["exec", "lines", "-c", "main", "--", "true"]);
    const read = async () => JSON.parse(await raw(`/api/v1/nodes/${node}/proxy/stats/summary`));
    await read();
    const { node: own, pods } = await read();
    assert.equal(own.nodeName, node);
    assert.ok(own.cpu.usageNanoCores > 0 && own.cpu.usageCoreNanoSeconds > own.cpu.usageNanoCores);
    assert.ok(own.memory.workingSetBytes > 1e7 && own.memory.availableBytes > 0);
    assert.ok(own.fs.capacityBytes > own.fs.availableBytes && own.fs.inodes > 0 && own.runtime.imageFs.usedBytes > 0);
    assert.ok(own.rlimit.maxpid > own.rlimit.curproc && own.network.interfaces.length > 0);
    const busy = pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === "busy");
    const [container] = busy.containers;
    assert.ok(container.cpu.usageCoreNanoSeconds > 0 && container.memory.workingSetBytes > 0 && container.logs.usedBytes >= 0);
    assert.ok(Date.parse(container.startTime) > Date.parse(own.startTime));
    assert.ok(busy.network.rxBytes >= 0 && busy["ephemeral-storage"].capacityBytes > 0 && busy.process_stats.process_count > 0);
    assert.deepEqual(
      busy.volume.map(({ name }: { name: string }) => name),
      ["data"],
    );
  });

  await context.test("NODE-251: /metrics/resource has the samples that metrics servers read, with their times", async () => {
    const text = await raw(`/api/v1/nodes/${node}/proxy/metrics/resource`);
    const of = 'container="main",namespace="default",pod="busy"';
    for (const shape of [
      `^container_cpu_usage_seconds_total\\{${of}\\} [0-9.]+ \\d{13}$`,
      `^container_memory_working_set_bytes\\{${of}\\} \\d+ \\d{13}$`,
      `^container_start_time_seconds\\{${of}\\} [0-9.e+]+$`,
      '^pod_cpu_usage_seconds_total\\{namespace="default",pod="busy"\\} [0-9.]+ \\d{13}$',
      "^node_cpu_usage_seconds_total [0-9.]+ \\d{13}$",
      "^node_memory_working_set_bytes \\d+ \\d{13}$",
      "^resource_scrape_error 0$",
    ])
      assert.match(text, new RegExp(shape, "m"));
  });

  await context.test("NODE-252: /metrics/cadvisor has the containers' series that dashboards read", async () => {
    const text = await raw(`/api/v1/nodes/${node}/proxy/metrics/cadvisor`);
    const value = (name: string, labels = "") =>
      Number(
        new RegExp(
          `^${name}\\{container="main",id="[^"]+",image="[^"]*",name="[0-9a-f]+",namespace="default",pod="busy"${labels}\\} ([0-9.e+]+)`,
          "m",
        ).exec(text)?.[1],
      );
    assert.ok(value("container_cpu_usage_seconds_total", ',cpu="total"') > 0);
    assert.ok(value("container_cpu_cfs_throttled_seconds_total") > 0, "it is held to a fifth of a core");
    assert.ok(value("container_memory_working_set_bytes") > 0);
    assert.equal(value("container_spec_memory_limit_bytes"), 64 * 2 ** 20);
    assert.equal(value("container_spec_cpu_quota"), 20_000);
    assert.ok(value("container_start_time_seconds") > 1e9);
    assert.match(
      text,
      /^container_network_receive_bytes_total\{container="",id="[^"]*",image="",name="",namespace="default",pod="busy",interface="eth0"\} \d+/m,
    );
    assert.match(text, /^machine_cpu_cores \d+$/m);
  });

  await context.test("NODE-253: /metrics/probes counts probes by outcome", async () => {
    const text = await raw(`/api/v1/nodes/${node}/proxy/metrics/probes`);
    const of = 'container="main",namespace="default",pod="busy",pod_uid="[0-9a-f-]+"';
    assert.match(text, new RegExp(`^prober_probe_total\\{${of},probe_type="Liveness",result="successful"\\} [1-9]`, "m"));
    assert.match(text, new RegExp(`^prober_probe_total\\{${of},probe_type="Readiness",result="failed"\\} [1-9]`, "m"));
    assert.match(text, /^prober_probe_duration_seconds_count\{/m);
  });

  await context.test("NODE-254: /metrics tells what the kubelet does, by the names dashboards know", async () => {
    const text = await raw(`/api/v1/nodes/${node}/proxy/metrics`);
    for (const shape of [
      "^kubelet_running_pods [1-9]",
      '^kubelet_running_containers\\{container_state="running"\\} [1-9]',
      '^kubelet_runtime_operations_total\\{operation_type="create_container"\\} [1-9]',
      '^kubelet_runtime_operations_duration_seconds_count\\{operation_type="run_podsandbox"\\} [1-9]',
      '^kubelet_http_requests_total\\{long_running="false",method="GET",path="metrics",server_type="readwrite"\\} [1-9]',
      `^kubelet_node_name\\{node="${node}"\\} 1$`,
      "^process_resident_memory_bytes \\d+",
    ])
      assert.match(text, new RegExp(shape, "m"));
  });

  await context.test("NODE-255: /pods, /runningpods and /configz tell of Pods and settings", async () => {
    const names = async (at: string) =>
      JSON.parse(await raw(`/api/v1/nodes/${node}/proxy/${at}`)).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    assert.ok((await names("pods")).includes("over"));
    const running = await names("runningpods/");
    assert.ok(running.includes("busy") && !running.includes("over"));
    assert.equal(JSON.parse(await raw(`/api/v1/nodes/${node}/proxy/configz`)).kubeletconfig.port, 10_250);
  });

  await context.test("NODE-256: kubectl top shows nodes, Pods and containers, with every version", async () => {
    await kubectl("wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=60s");
    for (const one of kubectls) {
      const nodes = await script(`${one} top nodes --no-headers`);
      assert.match(nodes.stdout, new RegExp(`^${node} +\\d+m +\\d+% +\\d+Mi +\\d+% *\n$`), `${one}: ${nodes.stderr}`);
      const pods = await script(`${one} top pods --containers --no-headers`);
      const row = /^busy +main +(\d+)m +\d+Mi *$/m.exec(pods.stdout);
      assert.ok(row && Number(row[1]) > 100 && Number(row[1]) < 300, `${one}: ${pods.stdout}${pods.stderr}`);
    }
    assert.match(await kubectl("top pods -n kube-system -l k8s-app=metrics-server --no-headers"), /^metrics-server-\S+ +\d+m +\d+Mi$/);
    assert.match(await kubectl("get apiservice v1beta1.metrics.k8s.io --no-headers"), /kube-system\/metrics-server +True/);
    assert.match(
      await kubectl("api-resources --api-group=metrics.k8s.io --no-headers"),
      /^nodes +metrics\.k8s\.io\/v1beta1 +false +NodeMetrics\npods /,
    );
  });

  await context.test("NODE-257: metrics are for those who may; without its server the version is not available, and it heals", async () => {
    await kubectl("create serviceaccount nobody");
    const as = "--as=system:serviceaccount:default:nobody";
    assert.match(await refused(`${as} top nodes`), /nodes\.metrics\.k8s\.io is forbidden/);
    const ip = await kubectl("get pod -n kube-system -l k8s-app=metrics-server -o jsonpath={.items[0].status.podIP}");
    const ask = (options: string) =>
      machine.sh(`curl -sk -w ' %{http_code}' ${options} https://${ip}:10250/apis/metrics.k8s.io/v1beta1/nodes`);
    assert.equal(await ask(""), "Unauthorized 401");
    assert.equal(await ask("-H 'X-Remote-User: admin' -H 'X-Remote-Group: system:masters'"), "Unauthorized 401");
    await kubectl("scale deployment -n kube-system metrics-server --replicas=0");
    await kubectl("wait --for=condition=Available=False apiservice/v1beta1.metrics.k8s.io --timeout=60s");
    assert.match(await refused("top nodes"), /Metrics API not available|unable to handle the request|error: /);
    assert.equal(await kubectl("get pod over --no-headers -o name"), "pod/over", "all else is there as before");
    await kubectl("scale deployment -n kube-system metrics-server --replicas=1");
    await kubectl("wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=60s");
    assert.match(await kubectl("top nodes --no-headers"), new RegExp(`^${node} `));
  });

  await context.test(
    "NODE-204: a log that is followed goes on through rotations to the container's end, and old files are bounded",
    async () => {
      const lines = (await followed).split("\n");
      assert.equal(lines.at(-1), "end");
      const numbers = lines.slice(0, -1).map((line) => Number.parseInt(line, 10));
      assert.equal(numbers.length, 240_000);
      assert.ok(
        numbers.every((number, index) => number === index + 1),
        "no line is lost, none comes twice",
      );
      const files = (await machine.sh("ls /var/log/pods/default_flood_*/main/")).split("\n");
      assert.ok(files.length > 1 && files.length <= 5, files.join());
      assert.ok(
        files.some((file) => /^0\.log\.\d{8}-\d{6}$/.test(file)),
        files.join(),
      );
    },
  );
});
