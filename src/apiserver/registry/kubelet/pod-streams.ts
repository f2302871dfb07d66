// pods/exec, attach and portforward: the connection is handed through to the kubelet, whatever protocol the two sides settle on.
import { Pod } from "#api/core/pod/pod.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import { forbiddenError } from "../../forbidden.ts";
import { badRequest } from "../errors.ts";
import type { Answer, Call, CustomSubresource } from "../resource.ts";
import type { Kubelets } from "./kubelet-connection.ts";
import { containerOf } from "./pod-container.ts";
import { relayUpgrade } from "./relay.ts";

type Stream = "exec" | "attach" | "portforward";

const options = { exec: "PodExecOptions", attach: "PodAttachOptions", portforward: "PodPortForwardOptions" } as const;

/** WebSockets begin with GET: who may only read must not run commands all the same, so that both methods need the right to create. */
export function podStream(stream: Stream, kubelets: Kubelets, authorizer: Authorizer): CustomSubresource {
  return {
    type: "custom",
    verbs: ["create", "get"],
    takes: { group: "", version: "v1", kind: options[stream] },
    longRunning: true,
    handle: (call) => connect(stream, kubelets, authorizer, call),
  };
}

async function connect(stream: Stream, kubelets: Kubelets, authorizer: Authorizer, call: Call): Promise<Answer> {
  const { registry, request, world } = call;
  const { info, query, http, user } = request;
  const { namespace, name } = info;
  if (info.verb !== "create") {
    const asCreate = { ...info, verb: "create" };
    const { decision, reason } = await authorizer.authorize(user, asCreate);
    if (decision !== "allow") throw forbiddenError(user, asCreate, reason);
  }
  const pod = await registry.of(Pod).get(namespace, name);
  const path = pathOf(stream, pod, query);
  if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  await call.admit("CONNECT", undefined);
  const { client, url } = await kubelets.of(registry, pod.spec.nodeName);
  return relayUpgrade(world, http, { client, url, path });
}

function pathOf(stream: Stream, pod: Pod, query: URLSearchParams): string {
  const { namespace = "", name } = pod.metadata;
  const place = [namespace, name].map(encodeURIComponent).join("/");
  const passed = new URLSearchParams();
  if (stream === "portforward") {
    for (const port of query.getAll("ports").flatMap((ports) => ports.split(","))) passed.append("port", port);
    return withQuery(`/portForward/${place}`, passed);
  }
  const container = encodeURIComponent(containerOf(pod, query.get("container") ?? ""));
  const flags = { stdin: "input", stdout: "output", stderr: "error", tty: "tty" } as const;
  // Without a word about them output and error output are wanted.
  const wanted = (flag: string) => isTrue(query.get(flag) ?? (flag === "stdout" || flag === "stderr" ? "true" : null));
  const tty = wanted("tty");
  for (const [flag, kubeletName] of Object.entries(flags)) {
    if (wanted(flag) && !(flag === "stderr" && tty)) passed.set(kubeletName, "1");
  }
  if (stream === "exec") {
    const command = query.getAll("command");
    if (command.length === 0) throw badRequest("you must specify a command for the exec");
    for (const word of command) passed.append("command", word);
  }
  return withQuery(`/${stream}/${place}/${container}`, passed);
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value !== "false";
}
