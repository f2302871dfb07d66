// Three members of a real etcd behind the API server. In one round of two a member is killed too, now and then the one that leads.
import { setTimeout as pause } from "node:timers/promises";
import { cannotRunEtcd, type EtcdMember, startEtcd } from "../support/etcd.ts";
import type { Backend } from "./backends.ts";

/** Rejects where there is no etcd. */
export async function etcdBackend(): Promise<Backend> {
  const obstacle = cannotRunEtcd();
  if (obstacle) throw new Error(`--backend etcd: ${obstacle}`);
  const etcd = await startEtcd({ members: 3 });
  const dead = new Set<EtcdMember>();
  let kills = 0;
  return {
    name: "three members of an etcd",
    arguments: [`--etcd-servers=${etcd.endpoints.join(",")}`],
    disturb: async ({ random }, over) => {
      const chance = random.stream("members");
      if (chance.integer(2) > 0) return;
      await pause(chance.integer(300));
      if (over()) return;
      const member = etcd.members[chance.integer(etcd.members.length)] as EtcdMember;
      dead.add(member);
      kills++;
      await member.kill();
    },
    broken: async () => {
      for (const member of dead) await member.start();
      dead.clear();
    },
    close: async () => {
      await etcd.stop();
      return `${kills} members killed`;
    },
  };
}
