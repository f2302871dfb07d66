// GET pods/<name>/log: the kubelet's log of one container, as it comes.
import { Pod } from "#api/core/pod/pod.ts";
import { StatusError } from "#api/meta/status-error.ts";
import type { ClientResponse } from "#platform/network.ts";
import type { FieldError } from "#schema/kind.ts";
import { parseTime } from "#schema/time.ts";
import { isWebSocketRequest } from "#wire/websocket/handshake.ts";
import { badRequest } from "../errors.ts";
import { invalid } from "../invalid.ts";
import type { Answer, Call, CustomSubresource } from "../resource.ts";
import { type Kubelets, unreachable } from "./kubelet-connection.ts";
import { containerOf } from "./pod-container.ts";
import { streamed } from "./relay.ts";
import { logSocketHeaders, sendLog } from "./web-socket-log.ts";

const errorBytesMax = 50_000;
const streams = ["All", "Stdout", "Stderr"];
const passedParameters = ["follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"] as const;

export function podLog(kubelets: Kubelets): CustomSubresource {
  return {
    type: "custom",
    verbs: ["get"],
    longRunning: ({ query }) => isTrue(query.get("follow")),
    relayed: true,
    handle: (call) => readLog(kubelets, call),
  };
}

async function readLog(kubelets: Kubelets, { registry, request, world }: Call): Promise<Answer> {
  const { namespace, name } = request.info;
  const { query, http } = request;
  const errors = problems(query);
  if (errors.length > 0) throw invalid({ group: "", name: "PodLogOptions" }, name, errors);
  const socket = http.upgrade && isWebSocketRequest(http.headers) ? logSocketHeaders(http) : undefined;
  const pod = await registry.of(Pod).get(namespace, name);
  const container = containerOf(pod, query.get("container") ?? "");
  const headers = { "content-type": "text/plain" };
  if (!pod.spec.nodeName) return { response: { status: 200, headers, body: new Uint8Array(0) } };
  const insecure = isTrue(query.get("insecureSkipTLSVerifyBackend"));
  const { client, url } = await kubelets.of(registry, pod.spec.nodeName, { insecure });
  const passed = new URLSearchParams();
  for (const parameter of passedParameters) {
    const value = query.get(parameter);
    if (value !== null && value !== "") passed.set(parameter, value);
  }
  const text = passed.toString();
  const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
  let response: ClientResponse;
  try {
    response = await client.request({ method: "GET", path, signal: http.signal, timeoutMilliseconds: 0 });
  } catch (error) {
    throw unreachable("GET", url + path, error);
  }
  if (response.status !== 200) throw await refusal(response, name);
  if (http.upgrade && socket) return sendLog(world, http.upgrade, socket, response.body);
  return { response: { ...streamed(world, response, headers), status: 200 } };
}

async function refusal({ status, body }: ClientResponse, name: string): Promise<StatusError> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > errorBytesMax) break;
  }
  if (status === 400) return badRequest(text);
  if (status === 500) return new StatusError("InternalError", `Internal error occurred: ${text}`);
  const reason = status === 404 ? "NotFound" : status === 401 ? "Unauthorized" : status === 403 ? "Forbidden" : "";
  const message =
    status === 404 ? "the server could not find the requested resource" : "the server rejected our request for an unknown reason";
  return new StatusError(
    reason,
    `${message} ( pods/log ${name})`,
    { name, kind: "pods/log", causes: [{ reason: "UnexpectedServerResponse", message: text }] },
    status,
  );
}

/** Throws BadRequest for what is no number or time. */
function problems(query: URLSearchParams): readonly FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: string, least: number) => {
    const text = query.get(field);
    if (text === null || text === "") return;
    if (!/^[-+]?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const value = Number(text);
    if (value < least)
      errors.push({ type: "Invalid", field, value, detail: `must be greater than ${least === 0 ? "or equal to 0" : "0"}` });
  };
  check("tailLines", 0);
  check("limitBytes", 1);
  const [seconds, time, stream] = [query.get("sinceSeconds"), query.get("sinceTime"), query.get("stream") ?? "All"];
  if (time && Number.isNaN(timeOf(time))) throw badRequest(`parsing time ${JSON.stringify(time)}: it is no RFC 3339 time`);
  if (seconds && time)
    errors.push({ type: "Forbidden", field: "", detail: "at most one of `sinceTime` or `sinceSeconds` may be specified" });
  else check("sinceSeconds", 1);
  if (!streams.includes(stream))
    errors.push({
      type: "NotSupported",
      field: "stream",
      value: stream,
      detail: `supported values: ${streams.map((one) => JSON.stringify(one)).join(", ")}`,
    });
  else if (stream !== "All" && query.get("tailLines"))
    errors.push({ type: "Forbidden", field: "", detail: "`tailLines` and specific `stream` are mutually exclusive for now" });
  return errors;
}

function timeOf(text: string): number {
  try {
    return parseTime(text);
  } catch {
    return Number.NaN;
  }
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value !== "false";
}
