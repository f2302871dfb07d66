// Makes the kernel forget UDP flows to endpoints that are gone, with the program conntrack.
import type { World } from "#platform/world.ts";
import type { ForwardedPort } from "../rules.ts";
import { readFlows, staleFlows, udpForwarding } from "./stale-flows.ts";

export interface FlowCleaner {
  /** To be called after the rules for these ports were loaded: flows that begin now go where they should. */
  clean(ports: readonly ForwardedPort[]): Promise<void>;
}

const listMilliseconds = 30_000;

export function flowCleaner(world: World, family: "IPv4" | "IPv6"): FlowCleaner {
  let cleaned: string | undefined;
  let isMissing = false;
  const conntrack = (...words: readonly string[]) =>
    world.processes.run("conntrack", ["-f", family.toLowerCase(), "-p", "udp", ...words], { timeoutMilliseconds: listMilliseconds });

  return {
    async clean(ports) {
      const forwarding = udpForwarding(ports);
      if (isMissing || forwarding === cleaned || (forwarding === "" && cleaned === undefined)) return;
      try {
        const { code, stdout, stderr } = await conntrack("-L");
        if (code !== 0) throw new Error(`conntrack -L: ${stderr.slice(0, 500)}`);
        const own = new Set(world.network.addresses().map(({ address }) => address));
        // It fails when the last such flow has just gone by itself.
        for (const { address, port, answering } of staleFlows(readFlows(stdout), ports, own))
          await conntrack("-D", "-d", address, "--dport", String(port), "-r", answering);
        cleaned = forwarding;
      } catch (error) {
        isMissing = (error as { readonly code?: unknown }).code === "ENOENT";
        const message = isMissing ? "the program conntrack is missing" : (error as Error).message;
        world.log.warn("UDP flows to endpoints that are gone are not ended", { error: message });
      }
    },
  };
}
