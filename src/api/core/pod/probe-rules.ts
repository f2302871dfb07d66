// The rules of probes and of lifecycle hooks.
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { portErrors, portOrNameErrors } from "#api/meta/rules.ts";
import type { Lifecycle, LifecycleHandler, Probe, SleepAction } from "./probe.ts";

type ProbeName = "livenessProbe" | "readinessProbe" | "startupProbe";

export function probeErrors(name: ProbeName, probe: Probe, path: string): readonly FieldError[] {
  const errors = [...handlerErrors(probe, ["exec", "httpGet", "tcpSocket", "grpc"], path)];
  if (name !== "readinessProbe" && probe.successThreshold !== 1) {
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined) {
    const at = `${path}.terminationGracePeriodSeconds`;
    if (name === "readinessProbe") errors.push(invalid(at, grace, "must not be set for readinessProbes"));
    else if (grace <= 0) errors.push(invalid(at, grace, "must be greater than 0"));
  }
  return errors;
}

/** A hook that sleeps must leave the container time to end. */
export function lifecycleErrors(
  { postStart, preStop }: Lifecycle,
  graceSeconds: number | bigint | undefined,
  path: string,
): readonly FieldError[] {
  const kinds = ["exec", "httpGet", "tcpSocket", "sleep"] as const;
  return [
    ...(postStart === undefined ? [] : handlerErrors(postStart, kinds, `${path}.postStart`)),
    ...(preStop === undefined ? [] : handlerErrors(preStop, kinds, `${path}.preStop`)),
    ...sleepErrors(postStart?.sleep, graceSeconds, `${path}.postStart.sleep`),
    ...sleepErrors(preStop?.sleep, graceSeconds, `${path}.preStop.sleep`),
  ];
}

function sleepErrors(sleep: SleepAction | undefined, graceSeconds: number | bigint | undefined, path: string): readonly FieldError[] {
  if (sleep === undefined || graceSeconds === undefined || (sleep.seconds >= 0 && sleep.seconds <= graceSeconds)) return [];
  return [invalid(path, sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)];
}

type Handlers = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc"> & Pick<LifecycleHandler, "sleep">;

function handlerErrors(handler: Handlers, kinds: readonly (keyof Handlers)[], path: string): readonly FieldError[] {
  const set = kinds.filter((kind) => handler[kind] !== undefined);
  if (set.length === 0) return [required(path, "must specify a handler type")];
  const errors: FieldError[] = set.slice(1).map((kind) => forbidden(`${path}.${kind}`, "may not specify more than 1 handler type"));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(required(`${path}.exec.command`));
  if (httpGet !== undefined) {
    errors.push(...portOrNameErrors(httpGet.port, `${path}.httpGet.port`));
    for (const [index, header] of (httpGet.httpHeaders ?? []).entries()) {
      if (/^[-A-Za-z0-9]+$/.test(header.name)) continue;
      const detail =
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
      errors.push(invalid(`${path}.httpGet.httpHeaders[${index}].name`, header.name, detail));
    }
  }
  if (tcpSocket !== undefined) errors.push(...portOrNameErrors(tcpSocket.port, `${path}.tcpSocket.port`));
  if (grpc !== undefined) errors.push(...portErrors(grpc.port, `${path}.grpc.port`));
  return errors;
}
