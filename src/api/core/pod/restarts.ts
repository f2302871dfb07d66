// Whether a container that ended is started again: the first of its own rules that fits the exit code says so, else its own policy, else
// the Pod's.
import type { Container, ContainerRestartRule } from "./container.ts";
import type { PodSpec } from "./pod-spec.ts";

type Restartable = Pick<Container, "restartPolicy" | "restartPolicyRules">;

export function isRestarted(container: Restartable, { restartPolicy }: Pick<PodSpec, "restartPolicy">, exitCode: number): boolean {
  if (restartRule(container, exitCode) !== undefined) return true;
  const policy = container.restartPolicy ?? restartPolicy;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

/** The first rule of the container that fits. */
export function restartRule({ restartPolicyRules = [] }: Restartable, exitCode: number): ContainerRestartRule | undefined {
  return restartPolicyRules.find(({ exitCodes }) => {
    if (exitCodes === undefined) return false;
    const isAmong = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === "NotIn" ? !isAmong : isAmong;
  });
}

/** Whether the end of this container may start all containers of the Pod anew. */
export function mayRestartAll({ restartPolicyRules = [] }: Restartable): boolean {
  return restartPolicyRules.some(({ action }) => action === "RestartAllContainers");
}
