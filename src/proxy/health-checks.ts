// Health check node ports: where load balancers ask whether this machine has Pods of a Service whose traffic stays on its machine.
import type { Scope } from "#base/scope.ts";
import type { Listener } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { HttpResponse } from "#wire/http/message.ts";
import type { HealthCheck } from "./rules.ts";

export interface HealthCheckServers {
  /** Opens, changes and closes ports, so that these are answered. */
  update(checks: readonly HealthCheck[]): Promise<void>;
}

export interface HealthCheckOptions {
  /** Whether the rules of this machine are as they should be. */
  readonly isHealthy: () => boolean;
}

export function healthCheckServers(scope: Scope, world: World, { isHealthy }: HealthCheckOptions): HealthCheckServers {
  const open = new Map<number, { check: HealthCheck; readonly listener: Listener }>();
  return {
    async update(checks) {
      const wanted = new Map(checks.map((check) => [check.port, check]));
      for (const [port, { listener }] of open) {
        if (wanted.has(port)) continue;
        open.delete(port);
        await listener.close(0);
      }
      for (const [port, check] of wanted) {
        const known = open.get(port);
        if (known) {
          known.check = check;
          continue;
        }
        try {
          const listener = await world.network.serve(scope, { host: "0.0.0.0", port }, async () =>
            healthCheckResponse(open.get(port)?.check ?? check, isHealthy()),
          );
          open.set(port, { check, listener });
        } catch (error) {
          world.log.error("a health check node port cannot be opened", {
            service: `${check.namespace}/${check.name}`,
            port,
            error: (error as Error).message,
          });
        }
      }
    },
  };
}

export function healthCheckResponse({ namespace, name, localEndpoints }: HealthCheck, isHealthy: boolean): HttpResponse {
  const text = `{
	"service": {
		"namespace": ${JSON.stringify(namespace)},
		"name": ${JSON.stringify(name)}
	},
	"localEndpoints": ${localEndpoints},
	"serviceProxyHealthy": ${isHealthy}
}`;
  return {
    status: localEndpoints > 0 && isHealthy ? 200 : 503,
    headers: {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": String(localEndpoints),
    },
    body: new TextEncoder().encode(text),
  };
}
