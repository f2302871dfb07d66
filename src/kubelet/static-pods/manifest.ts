// A static Pod from its manifest: complete, bound to this node, and with a uid that follows from what it says.
import { Pod } from "#api/core/pod/pod.ts";
import { hex, sha256 } from "#base/sha256.ts";
import { complete } from "#schema/derive/defaults.ts";
import { isObject } from "#schema/derive/json-objects.ts";
import { writeJson } from "#schema/derive/json.ts";
import { validate } from "#schema/derive/validation.ts";
import type { Draft } from "#schema/message.ts";
import { formatMicroTime, formatTime } from "#schema/time.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { annotations } from "../layout.ts";

/** Throws an Error that says what is wrong with the manifest. */
export function staticPod(
  text: string,
  { path, nodeName, now }: { readonly path: string; readonly nodeName: string; readonly now: number },
): Pod {
  const value = readYaml(text);
  if (!isObject(value)) throw new Error("it holds no object");
  if (value["apiVersion"] !== "v1" || value["kind"] !== "Pod")
    throw new Error(`it holds a ${String(value["apiVersion"])} ${String(value["kind"])} where a v1 Pod was expected`);
  const draft = complete(Pod, value as unknown as Draft<Pod>);
  if (!draft.metadata.name) throw new Error("it has no metadata.name");
  const hash = hex(sha256(new TextEncoder().encode(`${writeJson(value)}\n${nodeName}\n${path}`))).slice(0, 32);
  const named: Pod = {
    ...draft,
    metadata: {
      ...draft.metadata,
      name: `${draft.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: draft.metadata.namespace ?? "default",
      uid: hash,
      creationTimestamp: formatTime(now),
      annotations: {
        ...draft.metadata.annotations,
        [annotations.configHash]: hash,
        [annotations.configSeen]: formatMicroTime(now),
        [annotations.configSource]: "file",
      },
    },
    spec: {
      ...draft.spec,
      nodeName,
      // What nobody scheduled stays where it is.
      tolerations: [...(draft.spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }],
    },
  };
  const errors = validate(Pod, named);
  if (errors.length > 0) throw new Error(errors.map((error) => `${error.field}: ${error.detail}`).join("; "));
  return named;
}
